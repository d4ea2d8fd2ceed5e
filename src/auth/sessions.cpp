// The part of AuthService that keeps log-ins going, and ends them.
#include <algorithm>

#include "auth/auth_service.hpp"
#include "auth/store_errors.hpp"
#include "base/client_network.hpp"
#include "base/log.hpp"

namespace carillon::auth {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kRevocationsPage = 1'000;

std::chrono::seconds whole(base::TimePoint from, base::TimePoint to) {
    return std::chrono::floor<std::chrono::seconds>(to - from);
}

/// Tokens say when they were issued in whole seconds: those of this very second go with the others.
base::TimePoint just_after(base::TimePoint now) {
    return std::chrono::floor<std::chrono::seconds>(now) + 1s;
}

std::vector<base::TimePoint> with_rotation(std::vector<base::TimePoint> rotations, base::TimePoint now) {
    rotations.insert(rotations.begin(), now);
    if (rotations.size() > store::kRotationsMax) rotations.resize(store::kRotationsMax);
    return rotations;
}

}  // namespace

// One that is issued in the second of a revocation counts as of the next, so that it is good at once.
loop::Task<AuthResult<LoggedIn>> AuthService::answer(store::User user) {
    const base::TimePoint now = clock_.now();
    const auto this_second = std::chrono::floor<std::chrono::seconds>(now);
    auto asking = revocations_.standing(user.id, {}, this_second, now);
    const auto standing = co_await std::move(asking);
    if (!standing) co_return refuse(from_store(standing.error()));
    const auto issued_at = *standing == store::Standing::revoked ? just_after(now) : now;
    LoggedIn answer;
    answer.user = {user.id, user.email, user.name};
    answer.access_token = tokens_.signer.sign(user.id, config_.granted_permissions, config_.token_lifetime, issued_at);
    answer.expires_in_s = static_cast<std::uint64_t>(config_.token_lifetime.count());
    co_return answer;
}

LoggedIn AuthService::with_cookie(LoggedIn answer, const RefreshToken& token, base::TimePoint expires_at) const {
    answer.refresh_token = token.text();
    answer.refresh_lifetime = std::max(whole(clock_.now(), expires_at), std::chrono::seconds{1});
    return answer;
}

// The account is there and the password was right: without a session the log-in lasts as long as its token.
loop::Task<AuthResult<LoggedIn>> AuthService::begin_session(store::User user) {
    auto answering = answer(user);
    auto answered = co_await std::move(answering);
    if (!answered) co_return answered.error();
    const base::TimePoint now = clock_.now();
    const RefreshToken token = tokens_.refresh.first(now);
    store::Session session;
    session.id = token.session;
    session.user = user.id;
    session.current = token.hash();
    session.created_at = now;
    session.expires_at = now + config_.session_lifetime;
    auto beginning = sessions_.begin(session, config_.sessions_per_user);
    const auto begun = co_await std::move(beginning);
    if (!begun) {
        base::log_warn("a log-in has no refresh token", {{"reason", begun.error().message()}});
        co_return std::move(*answered);
    }
    co_return with_cookie(std::move(*answered), token, session.expires_at);
}

loop::Task<AuthResult<LoggedIn>> AuthService::refresh(std::string refresh_token, Client client) {
    if (refresh_token.empty()) co_return refuse(errc::token_absent);
    const std::string client_key = base::client_network(client.address);
    if (const auto retry_after = client_refreshes_.take(client_key)) {
        AuthFailure failure = refuse(errc::rate_limited);
        failure.retry_after = retry_after;
        co_return failure;
    }
    auto token = RefreshToken::parse(refresh_token);
    if (!token) co_return refuse(errc::token_invalid);
    auto going_on = go_on(std::move(*token), clock_.now());
    auto answered = co_await std::move(going_on);
    const bool guess = !answered && answered.error().code == make_error_code(errc::token_invalid);
    if (!guess) client_refreshes_.give_back(client_key);
    co_return answered;
}

loop::Task<AuthResult<LoggedIn>> AuthService::go_on(RefreshToken token, base::TimePoint now) {
    // Somebody else may rotate between the look and the change; then it is looked at again.
    for (std::size_t attempt = 0; attempt <= store::kRotationsMax; ++attempt) {
        auto finding = sessions_.find(token.session);
        const auto session = co_await std::move(finding);
        if (!session && session.error() == store::errc::not_found) co_return refuse(errc::token_invalid);
        if (!session) co_return refuse(from_store(session.error()));
        if (now >= session->expires_at) co_return refuse(errc::token_expired);
        const auto standing = tokens_.refresh.standing(token, *session, now);
        if (standing.kind == RefreshTokens::Kind::stale) {
            auto ending = sessions_.end(session->id);
            const auto ended = co_await std::move(ending);
            if (!ended) co_return refuse(from_store(ended.error()));
            base::log_warn("a refresh token came again: its session has ended", {{"user", session->user.to_string()}});
            co_return refuse(errc::token_invalid);
        }
        auto finding_user = users_.find_by_id(session->user);
        const auto user = co_await std::move(finding_user);
        if (!user && user.error() == store::errc::not_found) co_return refuse(errc::token_invalid);
        if (!user) co_return refuse(from_store(user.error()));
        auto answering = answer(*user);
        auto answered = co_await std::move(answering);
        if (!answered) co_return answered.error();
        if (standing.kind == RefreshTokens::Kind::replaced) {
            co_return with_cookie(std::move(*answered), standing.current, session->expires_at);
        }
        const RefreshToken renewed = tokens_.refresh.next(token);
        auto rotating =
            sessions_.rotate(session->id, session->current, renewed.hash(), with_rotation(session->rotations, now));
        const auto rotated = co_await std::move(rotating);
        if (rotated) co_return with_cookie(std::move(*answered), renewed, session->expires_at);
        if (rotated.error() != store::errc::not_found) co_return refuse(from_store(rotated.error()));
    }
    co_return refuse(errc::overloaded);
}

loop::Task<AuthResult<bool>> AuthService::log_out(std::string refresh_token) {
    const auto token = RefreshToken::parse(refresh_token);
    if (!token) co_return false;
    auto ending = sessions_.end(token->session);
    const auto ended = co_await std::move(ending);
    if (!ended) co_return refuse(from_store(ended.error()));
    co_return true;
}

loop::Task<AuthResult<store::RevocationStore::Added>> AuthService::revoke(base::UserId user,
                                                                          contracts::RevokeRequest request,
                                                                          Administrator administrator) {
    const base::TimePoint now = clock_.now();
    if (request.issued_before && *request.issued_before > now) co_return refuse(errc::revocation_in_future);
    store::Revocation revocation;
    revocation.id = store::RevocationId{base::Uuid::generate_v7(now)};
    revocation.user = user;
    revocation.token_id = request.token_id;
    revocation.issued_before = request.issued_before.value_or(just_after(now));
    revocation.revoked_at = now;
    revocation.expires_at = now + std::max(config_.revocation_lifetime, config_.token_lifetime);
    std::optional<store::IdempotencyClaim> claim;
    if (!administrator.idempotency_key.empty()) {
        claim.emplace();
        claim->key = base::sha256("revoke\n" + administrator.idempotency_key + '\n' + administrator.user_id);
        claim->request = base::sha256(user.to_string() + ' ' + contracts::encode_revoke_request(request));
        claim->now = now;
    }
    auto adding = revocations_.add(std::move(revocation), claim, std::move(administrator.traceparent));
    auto added = co_await std::move(adding);
    if (!added) co_return refuse(from_store(added.error()));
    if (!added->revocation.token_id) {
        // Also for one that was made before: it may not have come so far.
        auto ending = sessions_.end_all(user, added->revocation.issued_before);
        const auto ended = co_await std::move(ending);
        if (!ended) co_return refuse(from_store(ended.error()));
    }
    base::log_info("tokens were revoked", {{"user", user.to_string()},
                                           {"by", administrator.user_id.empty() ? "-" : administrator.user_id},
                                           {"what", added->revocation.token_id ? "one token" : "all issued before"}});
    co_return std::move(*added);
}

loop::Task<AuthResult<contracts::RevocationsAnswer>> AuthService::revocations(store::RevocationStore::Position after) {
    contracts::RevocationsAnswer answer;
    answer.as_of = clock_.now();
    auto listing = revocations_.list(after, answer.as_of, kRevocationsPage);
    const auto listed = co_await std::move(listing);
    if (!listed) co_return refuse(from_store(listed.error()));
    for (const auto& one : *listed) {
        answer.revocations.push_back(
            {one.id.uuid, {one.user, one.token_id, one.issued_before, one.revoked_at, one.expires_at}});
    }
    answer.has_more = listed->size() == kRevocationsPage;
    co_return answer;
}

}  // namespace carillon::auth
