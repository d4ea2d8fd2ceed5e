#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "http/client_pool.hpp"
#include "loop/task.hpp"
#include "token/token.hpp"

namespace carillon::app {

struct JwksSourceConfig {
    std::string url;      ///< `http://` or `https://`, with or without a query
    std::string ca_file;  ///< PEM, instead of the system's; may be empty
    std::chrono::milliseconds reload_interval{5 * 60'000};
    std::chrono::milliseconds retry_interval{10'000};  ///< after a fetch that failed, and between those asked for
    std::chrono::milliseconds timeout{5'000};          ///< of one fetch
    std::size_t bytes_max = 256 * 1024;
};

/// The keys of user tokens from the URL of a JWK Set: fetched once at start, then again and again, and soon after a
/// token names a key that is not among them. As long as a fetch fails the keys that were there stay. What it is given
/// outlives it. Thread: any.
class JwksSource {
 public:
    /// Works on `executor`. Throws std::invalid_argument, saying what is wrong, for a URL or a file that is no good.
    JwksSource(loop::Executor executor, const base::Clock& clock, JwksSourceConfig config);
    ~JwksSource();
    JwksSource(const JwksSource&) = delete;
    JwksSource& operator=(const JwksSource&) = delete;

    struct Failure {
        std::string reason;
    };
    /// The text of the set, or why it cannot be had.
    loop::Task<base::Result<std::string, Failure>> fetch();
    /// Verifies with the keys of `jwks_json`, and from now on with what is fetched. Throws as
    /// `token::make_jwks_verifier`. Once.
    std::unique_ptr<token::UserTokenVerifier> verify_with(std::string_view jwks_json, token::UserTokenConfig config);
    /// Begins to reload.
    void start();
    /// No fetch begins after it.
    void stop();

 private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace carillon::app
