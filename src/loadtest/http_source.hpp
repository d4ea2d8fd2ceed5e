#pragma once

#include <string>
#include <vector>

#include "loadtest/http_caller.hpp"
#include "loadtest/notification_source.hpp"
#include "token/token.hpp"

namespace carillon::loadtest {

/// Creates over HTTP: at the gateway's public REST API, or at the notification service.
class HttpSource final : public NotificationSource {
 public:
    HttpSource(const Plan& plan, Reactor& reactor, Endpoint endpoint, SourceEvents& events);

    void prepare() override {}
    void create(std::uint64_t sequence, base::UserId user, std::uint64_t number, std::string_view title) override;
    bool takes_more() const override { return caller_.in_flight() < plan_.source.callers; }
    std::size_t in_flight() const override { return caller_.in_flight(); }
    void tick(base::SteadyTime now) override;
    std::string failure() const override { return {}; }

 private:
    void on_answer(std::uint64_t sequence, int status, std::string_view body, base::SteadyTime now);
    void renew_internal_token();

    // Constant after construction
    const Plan& plan_;
    SourceEvents& events_;
    const bool to_service_;
    std::string text_;

    std::vector<std::string> headers_;  ///< one for each identity that creates
    std::size_t next_header_ = 0;
    base::SteadyTime renewed_at_{};
    HttpCaller caller_;
};

/// So many bytes of text.
std::string body_text(std::size_t bytes);

}  // namespace carillon::loadtest
