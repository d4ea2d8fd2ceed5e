#pragma once

#include "app/service_client.hpp"
#include "gateway/auth_api.hpp"

namespace carillon::app {

/// `AuthApi` over HTTP: passes public requests on to the auth service, wherever it runs. What it is given outlives it.
/// Thread: any.
class HttpAuthApi final : public gateway::AuthApi {
 public:
    explicit HttpAuthApi(ServiceClient& client) : client_{client} {}

    loop::Task<http::Response> forward(http::Request& request) override;
    loop::Task<bool> ready() override { return client_.ready(); }

 private:
    // Constant after construction.
    ServiceClient& client_;
};

}  // namespace carillon::app
