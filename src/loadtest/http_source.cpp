#include "loadtest/http_source.hpp"

#include <utility>

#include "base/clock.hpp"
#include "contracts/json_writer.hpp"
#include "loadtest/payload_text.hpp"

namespace carillon::loadtest {
namespace {

constexpr std::chrono::seconds kTimeout{15};
/// Gateways limit how much one user may create: the load is spread over so many.
constexpr std::size_t kCreators = 256;
constexpr std::chrono::hours kCreatorLifetime{24};
/// Internal tokens are good for a minute at most.
constexpr std::chrono::seconds kInternalLifetime{60};
constexpr std::chrono::seconds kInternalRenewal{25};

std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
}

}  // namespace

HttpSource::HttpSource(const Plan& plan, Reactor& reactor, Endpoint endpoint, SourceEvents& events)
    : plan_{plan},
      events_{events},
      to_service_{plan.source.kind == SourcePlan::Kind::service},
      caller_{reactor, std::move(endpoint), plan.source.callers, kTimeout,
              [this](std::uint64_t tag, int status, std::string_view body, base::SteadyTime now) {
                  on_answer(tag, status, body, now);
              }} {
    text_ = body_text(plan.source.body_bytes);
    if (to_service_) {
        renew_internal_token();
    } else if (!plan.source.create_token.empty()) {
        headers_.push_back(bearer(plan.source.create_token));
    } else {
        if (plan.tokens.jwt_secret.empty()) {
            throw SetupError("--create-token: wanted, because there is no key to mint one with");
        }
        const token::UserTokenSigner signer{plan.tokens.jwt_secret, plan.tokens.issuer, plan.tokens.audience};
        const auto now = base::system_clock().now();
        for (std::size_t i = 0; i < kCreators; ++i) {
            headers_.push_back(bearer(signer.sign(base::UserId::generate(base::system_clock()),
                                                  {std::string{token::permission::kCreate}}, kCreatorLifetime, now)));
        }
    }
}

void HttpSource::renew_internal_token() {
    const auto now = base::system_clock().now();
    const auto& source = plan_.source;
    std::string token;
    if (source.internal_issuer.empty() && source.internal_audience.empty()) {
        token = token::InternalTokens{source.internal_secret}.sign("loadtest", now);
    } else {
        const token::UserTokenSigner signer{source.internal_secret, source.internal_issuer, source.internal_audience};
        token = signer.sign(base::UserId::generate(base::system_clock()), {}, kInternalLifetime, now);
    }
    headers_.assign(1, bearer(token));
    renewed_at_ = std::chrono::steady_clock::now();
}

void HttpSource::create(std::uint64_t sequence, base::UserId user, std::uint64_t, std::string_view title) {
    std::string body = "{\"userId\":";
    contracts::append_id(body, user);
    body += ",\"type\":\"loadtest\",\"title\":";
    contracts::append_json_string(body, title);
    body += ",\"body\":\"";
    body += text_;
    body += "\"}";
    const std::string_view target = to_service_ ? "POST /notification" : "POST /notifications";
    if (!caller_.call(sequence, target, headers_[next_header_++ % headers_.size()], body)) {
        events_.on_create_failed(sequence, "too many requests wait: the server is too slow for this rate");
    }
}

void HttpSource::on_answer(std::uint64_t sequence, int status, std::string_view body, base::SteadyTime now) {
    if (status == 201 || status == 200) return events_.on_created(sequence, now);
    if (status == 0) return events_.on_create_failed(sequence, body);
    const auto code = text_field(body, "code");
    std::string reason = "HTTP " + std::to_string(status);
    if (!code.empty()) reason += ' ' + std::string{code};
    events_.on_create_failed(sequence, reason);
}

void HttpSource::tick(base::SteadyTime now) {
    if (to_service_ && now - renewed_at_ > kInternalRenewal) renew_internal_token();
    caller_.tick(now);
}

std::string body_text(std::size_t bytes) {
    constexpr std::string_view kText =
        "You have a new message from a colleague; open the inbox to read it. It can wait until after lunch, though. ";
    std::string text;
    while (text.size() < bytes) text += kText.substr(0, bytes - text.size());
    return text;
}

}  // namespace carillon::loadtest
