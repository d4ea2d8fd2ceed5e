#include <gmock/gmock.h>

#include "contracts/revocations.hpp"
#include "store/testing/conformance_parts.hpp"
#include "store/testing/consistency.hpp"
#include "store/testing/drive.hpp"
#include "store/testing/sample_notifications.hpp"
#include "store/testing/user_store_conformance.hpp"

namespace carillon::store::testing {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void link_session_conformance() {}

namespace {

constexpr std::uint32_t kPerUserMax = 3;

base::Digest digest_of(std::uint8_t first) {
    base::Digest digest{};
    digest[0] = first;
    return digest;
}

Session sample_session(base::UserId user, base::TimePoint created_at = kNow) {
    Session session;
    session.id = SessionId{base::Uuid::generate_v7(created_at)};
    session.user = user;
    session.current = digest_of(1);
    session.created_at = created_at;
    session.expires_at = created_at + 24h;
    return session;
}

Revocation sample_revocation(base::UserId user, base::TimePoint revoked_at = kNow) {
    Revocation revocation;
    revocation.id = RevocationId{base::Uuid::generate_v7(revoked_at)};
    revocation.user = user;
    revocation.issued_before = revoked_at;
    revocation.revoked_at = revoked_at;
    revocation.expires_at = revoked_at + 24h;
    return revocation;
}

IdempotencyClaim claim_of(std::uint8_t key, std::uint8_t request) {
    return {digest_of(key), digest_of(request), std::nullopt, kNow};
}

void expect_same(const Revocation& found, const Revocation& wanted) {
    EXPECT_EQ(found.id, wanted.id);
    EXPECT_EQ(found.user, wanted.user);
    EXPECT_EQ(found.token_id, wanted.token_id);
    EXPECT_EQ(found.issued_before, wanted.issued_before);
    EXPECT_EQ(found.revoked_at, wanted.revoked_at);
    EXPECT_EQ(found.expires_at, wanted.expires_at);
}

}  // namespace

TEST_P(UserStoreConformance, FindsTheSessionThatItBegan) {
    auto session = sample_session(new_user());
    session.rotations = {kNow + 2ms, kNow + 1ms};
    ASSERT_TRUE(run(sessions().begin(session, kPerUserMax)));
    const auto found = run(sessions().find(session.id)).value();
    EXPECT_EQ(found.id, session.id);
    EXPECT_EQ(found.user, session.user);
    EXPECT_EQ(found.current, session.current);
    EXPECT_THAT(found.rotations, ElementsAre(kNow + 2ms, kNow + 1ms));
    EXPECT_EQ(found.created_at, session.created_at);
    EXPECT_EQ(found.expires_at, session.expires_at);
    EXPECT_EQ(run(sessions().find(SessionId{base::Uuid::generate_v7(kNow)})).error(), errc::not_found);
}

TEST_P(UserStoreConformance, RotatesASessionOnceForEachToken) {
    const auto session = sample_session(new_user());
    ASSERT_TRUE(run(sessions().begin(session, kPerUserMax)));
    ASSERT_TRUE(run(sessions().rotate(session.id, digest_of(1), digest_of(2), {kNow})));
    EXPECT_EQ(run(sessions().rotate(session.id, digest_of(1), digest_of(3), {kNow})).error(), errc::not_found);
    const auto found = run(sessions().find(session.id)).value();
    EXPECT_EQ(found.current, digest_of(2));
    EXPECT_THAT(found.rotations, ElementsAre(kNow));
}

TEST_P(UserStoreConformance, OfManyWhoRotateOneSessionOneWins) {
    const auto session = sample_session(new_user());
    ASSERT_TRUE(run(sessions().begin(session, kPerUserMax)));
    std::vector<std::future<base::Result<void>>> rotating;
    for (std::uint8_t i = 2; i < 18; ++i) {
        rotating.push_back(start(sessions().rotate(session.id, digest_of(1), digest_of(i), {kNow})));
    }
    std::size_t won = 0;
    for (auto& one : rotating) won += wait_for(std::move(one)).has_value() ? 1 : 0;
    EXPECT_EQ(won, 1U);
}

TEST_P(UserStoreConformance, KeepsTheNewestSessionsOfAUserOnly) {
    const auto user = new_user();
    const auto other = sample_session(new_user());
    ASSERT_TRUE(run(sessions().begin(other, kPerUserMax)));
    std::vector<Session> begun;
    for (int i = 0; i < 5; ++i) {
        begun.push_back(sample_session(user, kNow + std::chrono::seconds{i}));
        ASSERT_TRUE(run(sessions().begin(begun.back(), kPerUserMax)));
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(run(sessions().find(begun.at(i).id)).has_value(), i >= 2) << i;
    EXPECT_TRUE(run(sessions().find(other.id)));
}

TEST_P(UserStoreConformance, ForgetsExpiredSessionsWhenOneBegins) {
    const auto old = sample_session(new_user(), kNow - 48h);
    ASSERT_TRUE(run(sessions().begin(old, kPerUserMax)));
    EXPECT_TRUE(run(sessions().find(old.id)));
    ASSERT_TRUE(run(sessions().begin(sample_session(new_user()), kPerUserMax)));
    EXPECT_EQ(run(sessions().find(old.id)).error(), errc::not_found);
}

TEST_P(UserStoreConformance, EndsOneSessionAllOfAUserOrThoseBegunBefore) {
    const auto user = new_user();
    const auto first = sample_session(user, kNow);
    const auto second = sample_session(user, kNow + 1s);
    const auto third = sample_session(user, kNow + 2s);
    const auto other = sample_session(new_user());
    for (const auto& one : {first, second, third, other}) ASSERT_TRUE(run(sessions().begin(one, 10)));
    ASSERT_TRUE(run(sessions().end(first.id)));
    ASSERT_TRUE(run(sessions().end(first.id)));
    EXPECT_EQ(run(sessions().find(first.id)).error(), errc::not_found);
    EXPECT_EQ(run(sessions().end_all(user, kNow + 2s)).value(), 1U);
    EXPECT_EQ(run(sessions().find(second.id)).error(), errc::not_found);
    EXPECT_TRUE(run(sessions().find(third.id)));
    EXPECT_EQ(run(sessions().end_all(user, kNow + 24h)).value(), 1U);
    EXPECT_TRUE(run(sessions().find(other.id)));
}

TEST_P(UserStoreConformance, ErasingAUserEndsItsSessions) {
    User user;
    user.id = new_user();
    user.email = "ada@example.org";
    user.password_hash = "x";
    user.created_at = kNow;
    ASSERT_TRUE(run(store().create(user, "")));
    const auto session = sample_session(user.id);
    ASSERT_TRUE(run(sessions().begin(session, kPerUserMax)));
    ASSERT_TRUE(run(store().erase(user.id)));
    EXPECT_EQ(run(sessions().find(session.id)).error(), errc::not_found);
}

TEST_P(UserStoreConformance, KeepsARevocationWithItsEvent) {
    auto revocation = sample_revocation(new_user());
    revocation.token_id = "a token's id";
    const auto added = run(revocations().add(revocation, std::nullopt, "00-trace")).value();
    EXPECT_FALSE(added.replayed);
    expect_same(added.revocation, revocation);
    const auto events = run(outbox().pending(0, 10)).value();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].subject, "token.revoked");
    EXPECT_EQ(events[0].traceparent, "00-trace");
    const auto event = contracts::decode_token_revoked(events[0].payload).value();
    EXPECT_EQ(event.event_id.uuid, revocation.id.uuid);
    EXPECT_EQ(event.revocation.token_id, revocation.token_id);
}

TEST_P(UserStoreConformance, RevokesOneTokenOrThoseIssuedBefore) {
    const auto user = new_user();
    auto one = sample_revocation(user);
    one.token_id = "first";
    ASSERT_TRUE(run(revocations().add(one, std::nullopt, "")));
    const auto revoked = [&](base::UserId whose, const char* token, base::TimePoint issued_at, base::TimePoint now) {
        return run(revocations().standing(whose, token, issued_at, now)).value() == Standing::revoked;
    };
    EXPECT_TRUE(revoked(user, "first", kNow - 1s, kNow));
    EXPECT_FALSE(revoked(user, "second", kNow - 1s, kNow));
    EXPECT_FALSE(revoked(user, "", kNow - 1s, kNow));
    EXPECT_FALSE(revoked(new_user(), "first", kNow - 1s, kNow));
    ASSERT_TRUE(run(revocations().add(sample_revocation(user, kNow + 1ms), std::nullopt, "")));
    EXPECT_TRUE(revoked(user, "second", kNow, kNow));
    EXPECT_TRUE(revoked(user, "", base::TimePoint{}, kNow));
    EXPECT_FALSE(revoked(user, "second", kNow + 1ms, kNow));
    EXPECT_FALSE(revoked(user, "first", kNow, kNow + 25h));
}

TEST_P(UserStoreConformance, ListsRevocationsInPagesByTimeWithoutTheExpired) {
    std::vector<Revocation> made;
    for (int i = 0; i < 5; ++i) {
        made.push_back(sample_revocation(new_user(), kNow + std::chrono::milliseconds{i / 2}));
        ASSERT_TRUE(run(revocations().add(made.back(), std::nullopt, "")));
    }
    std::sort(made.begin(), made.end(), [](const Revocation& a, const Revocation& b) {
        return std::pair{a.revoked_at, a.id} < std::pair{b.revoked_at, b.id};
    });
    std::vector<Revocation> listed;
    RevocationStore::Position after{kNow, {}};
    for (;;) {
        const auto page = run(revocations().list(after, kNow, 2)).value();
        if (page.empty()) break;
        listed.insert(listed.end(), page.begin(), page.end());
        after = {page.back().revoked_at, page.back().id};
    }
    ASSERT_THAT(listed, SizeIs(made.size()));
    for (std::size_t i = 0; i < made.size(); ++i) expect_same(listed[i], made[i]);
    EXPECT_THAT(run(revocations().list({kNow + 1ms, {}}, kNow, 10)).value(), SizeIs(3));
    EXPECT_THAT(run(revocations().list({kNow, {}}, kNow + 25h, 10)).value(), IsEmpty());
    // And they are removed by the next one.
    ASSERT_TRUE(run(revocations().add(sample_revocation(new_user(), kNow + 48h), std::nullopt, "")));
    EXPECT_THAT(run(revocations().list({kNow, {}}, kNow, 10)).value(), SizeIs(1));
}

TEST_P(UserStoreConformance, ARevocationIsMadeOnceForAClaim) {
    const auto first = sample_revocation(new_user());
    ASSERT_FALSE(run(revocations().add(first, claim_of(7, 1), "")).value().replayed);
    const auto again = run(revocations().add(sample_revocation(first.user, kNow + 5s), claim_of(7, 1), "")).value();
    EXPECT_TRUE(again.replayed);
    expect_same(again.revocation, first);
    EXPECT_EQ(run(revocations().add(sample_revocation(first.user), claim_of(7, 2), "")).error(), errc::key_reused);
    EXPECT_THAT(run(outbox().pending(0, 10)).value(), SizeIs(1));
    EXPECT_THAT(run(revocations().list({kNow, {}}, kNow, 10)).value(), SizeIs(1));
}

}  // namespace carillon::store::testing
