#include "app/jwks_source.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "base/log.hpp"

namespace carillon::app {
namespace {

using namespace std::chrono_literals;

/// How often it is looked whether somebody asked for a reload.
constexpr std::chrono::milliseconds kLook{250};

/// An URL as a pool takes it, and the rest.
struct Split {
    std::string origin;
    std::string target;
};

Split split_url(const std::string& url) {
    const auto scheme = url.find("://");
    const auto rest = scheme == std::string::npos ? std::string::npos : url.find_first_of("/?", scheme + 3);
    if (rest == std::string::npos) return {url, "/"};
    const auto target = url.substr(rest);
    return {url.substr(0, rest), target.starts_with('/') ? target : "/" + target};
}

http::ClientPoolConfig pool_config(const JwksSourceConfig& config) {
    http::ClientPoolConfig pool;
    pool.urls = {split_url(config.url).origin};
    pool.tls_ca_file = config.ca_file;
    pool.call_timeout = config.timeout;
    pool.connect_timeout = config.timeout;
    // It is asked seldom as it is: each time it is asked indeed, so that what is told is what is wrong now.
    pool.pause_min = pool.pause_max = std::chrono::milliseconds{1};
    return pool;
}

}  // namespace

struct JwksSource::Impl {
    Impl(loop::Executor given_executor, const base::Clock& given_clock, JwksSourceConfig given)
        : executor{std::move(given_executor)},
          clock{given_clock},
          config{std::move(given)},
          target{split_url(config.url).target},
          pool{executor, clock, pool_config(config)} {}

    static loop::Task<base::Result<std::string, Failure>> fetch(std::shared_ptr<Impl> self);
    static loop::Task<void> reload(std::shared_ptr<Impl> self);
    static loop::Task<bool> reload_once(std::shared_ptr<Impl> self);

    // Constant after construction.
    const loop::Executor executor;
    const base::Clock& clock;
    const JwksSourceConfig config;
    const std::string target;
    http::ClientPool pool;

    std::shared_ptr<token::JwksVerifier> verifier;  ///< constant after `verify_with`
    const std::shared_ptr<std::atomic<bool>> wanted = std::make_shared<std::atomic<bool>>(false);
    std::atomic<bool> stopped{false};
    bool failing = false;  ///< touched only by `reload`
};

namespace {

/// Asks for a reload when a key is not known.
class Verifier final : public token::UserTokenVerifier {
 public:
    Verifier(std::shared_ptr<token::JwksVerifier> keys, std::shared_ptr<std::atomic<bool>> wanted)
        : keys_{std::move(keys)}, wanted_{std::move(wanted)} {}
    base::Result<token::UserClaims> verify(std::string_view token, base::TimePoint now) const override {
        auto claims = keys_->verify(token, now);
        if (!claims && claims.error() == make_error_code(token::errc::unknown_key)) *wanted_ = true;
        return claims;
    }

 private:
    const std::shared_ptr<token::JwksVerifier> keys_;
    const std::shared_ptr<std::atomic<bool>> wanted_;
};

}  // namespace

JwksSource::JwksSource(loop::Executor executor, const base::Clock& clock, JwksSourceConfig config)
    : impl_{std::make_shared<Impl>(std::move(executor), clock, std::move(config))} {}

JwksSource::~JwksSource() {
    stop();
}

loop::Task<base::Result<std::string, JwksSource::Failure>> JwksSource::fetch() {
    return Impl::fetch(impl_);
}

std::unique_ptr<token::UserTokenVerifier> JwksSource::verify_with(std::string_view jwks_json,
                                                                  token::UserTokenConfig config) {
    impl_->verifier = token::make_jwks_verifier(jwks_json, std::move(config));
    return std::make_unique<Verifier>(impl_->verifier, impl_->wanted);
}

void JwksSource::start() {
    loop::spawn(impl_->executor, Impl::reload(impl_), "jwks reload");
}

void JwksSource::stop() {
    impl_->stopped = true;
}

loop::Task<base::Result<std::string, JwksSource::Failure>> JwksSource::Impl::fetch(std::shared_ptr<Impl> self) {
    http::Call call;
    call.target = self->target;
    call.headers.set("Accept", "application/jwk-set+json, application/json");
    call.repeatable = true;
    auto sending = self->pool.send(std::move(call));
    auto answer = co_await std::move(sending);
    if (!answer) co_return Failure{answer.error().message()};
    if (answer->status != 200) co_return Failure{fmt::format("it answers {}", answer->status)};
    if (answer->body.size() > self->config.bytes_max) {
        co_return Failure{
            fmt::format("the set has {} bytes, more than {}", answer->body.size(), self->config.bytes_max)};
    }
    co_return base::Result<std::string, Failure>{boost::system::in_place_value, std::move(answer->body)};
}

loop::Task<bool> JwksSource::Impl::reload_once(std::shared_ptr<Impl> self) {
    auto fetching = fetch(self);
    auto set = co_await std::move(fetching);
    std::string reason;
    if (set) {
        try {
            self->verifier->replace_keys(*set);
        } catch (const std::invalid_argument& error) {
            reason = error.what();
        }
    } else {
        reason = set.error().reason;
    }
    if (reason.empty()) {
        if (std::exchange(self->failing, false)) {
            base::log_info("the keys of user tokens can be read again", {{"url", self->config.url}});
        }
        co_return true;
    }
    if (!std::exchange(self->failing, true)) {
        base::log_warn("the keys of user tokens cannot be read anew; the old ones stay",
                       {{"url", self->config.url},
                        {"reason", reason},
                        {"do", "look at the server of --jwt-jwks; it is tried again and again"}});
    }
    co_return false;
}

loop::Task<void> JwksSource::Impl::reload(std::shared_ptr<Impl> self) {
    auto last = self->clock.steady_now();
    bool good = true;
    while (!self->stopped) {
        co_await loop::sleep_for(std::min(kLook, self->config.retry_interval));
        if (self->stopped) break;
        const auto since = self->clock.steady_now() - last;
        const bool asked = *self->wanted || !good;
        if (since < (asked ? self->config.retry_interval : self->config.reload_interval)) continue;
        *self->wanted = false;
        auto reloading = reload_once(self);
        good = co_await std::move(reloading);
        last = self->clock.steady_now();
    }
}

}  // namespace carillon::app
