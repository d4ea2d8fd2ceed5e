#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "contracts/problem.hpp"
#include "http/client_pool.hpp"
#include "token/token.hpp"

namespace carillon::app {

/// Calls one of the internal services over HTTP with an internal token. What it is given outlives it. Thread: any.
class ServiceClient {
 public:
    /// `service`: its name, for people.
    ServiceClient(http::ClientPool& pool, const token::InternalTokens& tokens, const base::Clock& clock,
                  std::string service);

    /// What a 401 for a missing or bad token means.
    enum class Refusals {
        are_mistakes,  ///< ours: the service refuses the internal token. Logged, and `unavailable` for the caller
        are_answers,   ///< perhaps about the user's token, which was passed on
    };

    /// The answer, or the problem `unavailable`.
    loop::Task<base::Result<http::Response, contracts::Problem>> send(http::Call call,
                                                                      Refusals call_refusals = Refusals::are_mistakes);
    /// Whether its `/readyz` says so.
    loop::Task<bool> ready();
    contracts::Problem unavailable() const;

 private:
    // Constant after construction.
    http::ClientPool& pool_;
    const token::InternalTokens& tokens_;
    const base::Clock& clock_;
    const std::string service_;

    std::atomic<bool> refused_{false};  ///< it has been said that the service refuses our tokens
};

/// What a service's answer says that is no success.
contracts::Problem problem_of(const http::Response& response);

/// Percent-encodes a value of a query (RFC 3986, section 2.3).
std::string query_encoded(std::string_view text);

}  // namespace carillon::app
