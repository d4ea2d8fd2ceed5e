#include "store/postgres/batch_plan.hpp"

#include <gmock/gmock.h>

#include "contracts/bus_events.hpp"

namespace carillon::store::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr base::TimePoint kNow{std::chrono::milliseconds{1'795'421'833'042}};
constexpr base::TimePoint kLater = kNow + std::chrono::minutes{1};

base::UserId user(int n) {
    base::UserId id;
    id.uuid.bytes.back() = static_cast<std::uint8_t>(n);
    return id;
}
base::NotificationId row(int n) {
    base::NotificationId id;
    id.uuid.bytes.back() = static_cast<std::uint8_t>(n);
    return id;
}

NewNotification wanted(int of_user, int id) {
    NewNotification one;
    one.id = row(id);
    one.user_id = user(of_user);
    one.type = "greeting";
    one.title = "Hello";
    one.created_at = kNow;
    return one;
}

Mutation create(int of_user, int id, std::optional<std::string> key = std::nullopt) {
    auto one = wanted(of_user, id);
    one.consumed_key = std::move(key);
    return {user(of_user), CreateWork{std::move(one), {}}, {}, {}, {}};
}
Mutation mark(int of_user, int id, base::TimePoint now = kLater) {
    return {user(of_user), MarkReadWork{row(id), now, "", {}}, {}, {}, {}};
}
Mutation read_all(int of_user, std::optional<base::Version> before = std::nullopt) {
    return {user(of_user), ReadAllWork{before, kLater, "", {}}, {}, {}, {}};
}

class Plan : public ::testing::Test {
 protected:
    BatchPlan& plan(std::vector<Mutation> batch) {
        batch_ = std::move(batch);
        plan_.emplace(batch_);
        return *plan_;
    }
    template <class T>
    T answer(std::size_t index) {
        return std::get<T>(plan_->answers().at(index));
    }
    base::ErrorCode error(std::size_t index) { return answer<base::ErrorCode>(index); }

    std::vector<Mutation> batch_;
    std::optional<BatchPlan> plan_;
};

TEST_F(Plan, AsksForUsersInOneOrderAndMakesRowsForCreationsOnly) {
    std::vector<Mutation> batch;
    batch.push_back(mark(3, 1));
    batch.push_back(create(1, 2));
    batch.push_back(read_all(2));
    batch.push_back(create(3, 3));
    auto& asked = plan(std::move(batch));
    EXPECT_THAT(asked.users(),
                ElementsAre(std::pair{user(1), true}, std::pair{user(2), false}, std::pair{user(3), true}));
    EXPECT_THAT(asked.marked_ids(), ElementsAre(row(1)));
    EXPECT_THAT(asked.created_ids(), ElementsAre(row(2), row(3)));
    EXPECT_THAT(asked.counted(), SizeIs(1));
}

TEST_F(Plan, AppliesTheMutationsOfAUserInTheirOrder) {
    std::vector<Mutation> batch;
    batch.push_back(create(1, 1));
    batch.push_back(mark(1, 9));
    batch.push_back(create(1, 2));
    auto& decided = plan(std::move(batch));
    decided.found_user(user(1), {{4, 7}, 0, 0});
    decided.found_row({row(9), user(1), std::nullopt, 3});
    decided.decide();
    EXPECT_EQ(answer<Created>(0).state.unread, 5U);
    EXPECT_EQ(answer<Created>(0).state.version, 8U);
    EXPECT_EQ(answer<MarkedRead>(1).state.unread, 4U);
    EXPECT_EQ(answer<MarkedRead>(1).state.version, 9U);
    EXPECT_EQ(answer<Created>(2).state.unread, 5U);
    EXPECT_EQ(answer<Created>(2).notification.version, 10U);
    ASSERT_THAT(decided.states(), SizeIs(1));
    EXPECT_EQ(decided.states()[0].second.inbox.version, 10U);
    EXPECT_THAT(decided.events(), SizeIs(3)) << "each version is one event";
    ASSERT_THAT(decided.marked(), SizeIs(1));
    EXPECT_EQ(decided.marked()[0].version, 9U);
}

TEST_F(Plan, ReadsWhatTheSameBatchCreates) {
    std::vector<Mutation> batch;
    batch.push_back(create(1, 1));
    batch.push_back(mark(1, 1));
    batch.push_back(mark(1, 1, kLater + std::chrono::hours{1}));
    batch.push_back(mark(2, 1));
    auto& decided = plan(std::move(batch));
    decided.decide();
    EXPECT_TRUE(answer<MarkedRead>(1).changed);
    EXPECT_FALSE(answer<MarkedRead>(2).changed);
    EXPECT_EQ(answer<MarkedRead>(2).read_at, kLater);
    EXPECT_EQ(error(3), errc::not_found) << "another user's";
    EXPECT_THAT(decided.marked(), IsEmpty()) << "the row is written once, as it ends";
    const auto& written = decided.created().at(row(1));
    EXPECT_EQ(written.read_at, kLater);
    EXPECT_EQ(written.created_version, 1U);
    EXPECT_EQ(written.version, 2U);
}

TEST_F(Plan, AReadAllTakesWhatIsThereAndLeavesWhatComesAfterIt) {
    std::vector<Mutation> batch;
    batch.push_back(read_all(1));
    batch.push_back(create(1, 1));
    batch.push_back(mark(1, 9));
    auto& decided = plan(std::move(batch));
    decided.found_user(user(1), {{3, 20}, 0, 0});
    decided.found_unread(user(1), {3, 3});
    decided.found_row({row(9), user(1), std::nullopt, 12});
    decided.decide();
    EXPECT_EQ(answer<ReadAll>(0).updated, 3U);
    EXPECT_EQ(answer<ReadAll>(0).state.unread, 0U);
    EXPECT_EQ(answer<ReadAll>(0).state.version, 21U);
    EXPECT_EQ(answer<Created>(1).state.unread, 1U);
    EXPECT_FALSE(answer<MarkedRead>(2).changed) << "the read-all had read it";
    ASSERT_THAT(decided.read_alls(), SizeIs(1));
    EXPECT_EQ(decided.read_alls()[0].watermark, 20U);
    const auto state = decided.states().at(0).second;
    EXPECT_EQ(state.read_all_before, 20U);
    EXPECT_EQ(state.read_all_version, 21U);
}

TEST_F(Plan, AReadAllUpToAVersionCountsOnlyThose) {
    std::vector<Mutation> batch;
    batch.push_back(read_all(1, 12));
    batch.push_back(mark(1, 9));
    batch.push_back(mark(1, 8));
    auto& decided = plan(std::move(batch));
    EXPECT_EQ(decided.counted().at(user(1)), 12U);
    decided.found_user(user(1), {{5, 20}, 0, 0});
    decided.found_unread(user(1), {5, 2});
    decided.found_row({row(9), user(1), std::nullopt, 12});
    decided.found_row({row(8), user(1), std::nullopt, 13});
    decided.decide();
    EXPECT_EQ(answer<ReadAll>(0).updated, 2U);
    EXPECT_EQ(answer<ReadAll>(0).state.unread, 3U);
    EXPECT_FALSE(answer<MarkedRead>(1).changed) << "the watermark is included";
    EXPECT_TRUE(answer<MarkedRead>(2).changed);
    EXPECT_EQ(answer<MarkedRead>(2).state.unread, 2U);
}

TEST_F(Plan, AReadAllPutsACountRightThatWasWrong) {
    std::vector<Mutation> batch;
    batch.push_back(read_all(1));
    auto& decided = plan(std::move(batch));
    decided.found_user(user(1), {{7, 20}, 0, 0});
    decided.found_unread(user(1), {4, 4});
    decided.decide();
    EXPECT_EQ(answer<ReadAll>(0).updated, 4U);
    EXPECT_EQ(answer<ReadAll>(0).state.unread, 0U);
}

TEST_F(Plan, WhatChangesNothingTakesNoVersion) {
    std::vector<Mutation> batch;
    batch.push_back(read_all(1));
    batch.push_back(mark(1, 9));
    batch.push_back(mark(1, 8));
    auto& decided = plan(std::move(batch));
    decided.found_user(user(1), {{0, 20}, 5, 6});
    decided.found_unread(user(1), {0, 0});
    decided.found_row({row(9), user(1), kNow, 12});
    decided.found_row({row(8), user(2), std::nullopt, 12});
    decided.decide();
    EXPECT_EQ(answer<ReadAll>(0).updated, 0U);
    EXPECT_EQ(answer<MarkedRead>(1).read_at, kNow);
    EXPECT_EQ(answer<MarkedRead>(1).state.version, 20U);
    EXPECT_EQ(error(2), errc::not_found);
    EXPECT_TRUE(decided.changes_nothing());
    EXPECT_THAT(decided.states(), IsEmpty());
}

TEST_F(Plan, KnowsWhatWasApplied) {
    std::vector<Mutation> batch;
    batch.push_back(create(1, 1));
    batch.push_back(create(2, 1));
    batch.push_back(create(1, 2));
    batch.push_back(create(1, 3, "a"));
    batch.push_back(create(1, 4, "a"));
    batch.push_back(create(1, 5, "b"));
    auto& decided = plan(std::move(batch));
    decided.found_id(row(2));
    decided.found_key("b");
    decided.decide();
    EXPECT_EQ(answer<Created>(0).state.version, 1U);
    EXPECT_EQ(error(1), errc::already_applied) << "the same id, for another user";
    EXPECT_EQ(error(2), errc::already_applied) << "an id that is there";
    EXPECT_EQ(answer<Created>(3).state.version, 2U);
    EXPECT_EQ(error(4), errc::already_applied) << "the same key";
    EXPECT_EQ(error(5), errc::already_applied) << "a key that is there";
    EXPECT_THAT(decided.created(), SizeIs(2));
    EXPECT_THAT(decided.consumed(), SizeIs(1));
}

// --- Idempotency keys

IdempotencyClaim claim(char key, char request = 'r', base::TimePoint now = kNow) {
    IdempotencyClaim made;
    made.key.fill(static_cast<std::uint8_t>(key));
    made.request.fill(static_cast<std::uint8_t>(request));
    made.now = now;
    return made;
}

class ClaimedPlan : public Plan {
 protected:
    BatchPlan& plan_granted(std::vector<Mutation> batch) {
        auto& made = plan(std::move(batch));
        for (const auto lock : made.claim_locks()) made.granted(lock);
        return made;
    }
    static Mutation claimed(Mutation mutation, const IdempotencyClaim& by) {
        mutation.claim = by;
        return mutation;
    }
};

TEST_F(ClaimedPlan, AClaimThatIsNotGrantedChangesNothing) {
    std::vector<Mutation> batch;
    batch.push_back(claimed(mark(1, 9), claim('a')));
    auto& decided = plan(std::move(batch));
    decided.found_user(user(1), {{1, 1}, 0, 0});
    decided.found_row({row(9), user(1), std::nullopt, 1});
    decided.decide();
    EXPECT_EQ(error(0), errc::in_flight);
    EXPECT_TRUE(decided.changes_nothing());
}

TEST_F(ClaimedPlan, OfTwoWithOneKeyTheFirstIsDone) {
    std::vector<Mutation> batch;
    batch.push_back(claimed(mark(1, 9), claim('a')));
    batch.push_back(claimed(mark(1, 9), claim('a')));
    auto& decided = plan_granted(std::move(batch));
    decided.found_user(user(1), {{1, 1}, 0, 0});
    decided.found_row({row(9), user(1), std::nullopt, 1});
    decided.decide();
    EXPECT_TRUE(answer<MarkedRead>(0).changed);
    EXPECT_EQ(error(1), errc::in_flight);
    EXPECT_THAT(decided.kept(), SizeIs(1));
}

TEST_F(ClaimedPlan, AnAnswerIsGivenAgainUnlessItHasExpiredOrTheRequestIsAnother) {
    const auto text = encode_first_answer(MarkedRead{row(9), kNow, {3, 8}, true, false});
    std::vector<Mutation> batch;
    batch.push_back(claimed(mark(1, 9), claim('a')));
    batch.push_back(claimed(mark(1, 9), claim('b', 'x')));
    batch.push_back(claimed(read_all(2), claim('c')));
    batch.push_back(claimed(mark(1, 9), claim('d', 'r', kNow + kIdempotencyLifetime)));
    auto& decided = plan_granted(std::move(batch));
    for (const char key : {'a', 'b', 'c', 'd'}) {
        decided.found_answer(claim(key).key, {claim(key).request, kNow, text});
    }
    decided.found_user(user(1), {{1, 9}, 0, 0});
    decided.found_row({row(9), user(1), kNow, 1});
    decided.decide();
    EXPECT_TRUE(answer<MarkedRead>(0).replayed);
    EXPECT_EQ(answer<MarkedRead>(0).state.version, 8U) << "of then";
    EXPECT_EQ(error(1), errc::key_reused);
    EXPECT_EQ(error(2), errc::key_reused) << "the key belongs to another kind of call";
    EXPECT_FALSE(answer<MarkedRead>(3).replayed);
    EXPECT_EQ(answer<MarkedRead>(3).state.version, 9U);
    ASSERT_THAT(decided.kept(), SizeIs(1));
    EXPECT_EQ(decided.kept().begin()->first, claim('d').key);
}

TEST_F(ClaimedPlan, AnAnswerThatChangedNothingIsKeptToo) {
    std::vector<Mutation> batch;
    batch.push_back(claimed(mark(1, 9), claim('a')));
    batch.push_back(claimed(read_all(2), claim('b')));
    auto& decided = plan_granted(std::move(batch));
    decided.decide();
    EXPECT_EQ(error(0), errc::not_found);
    EXPECT_EQ(answer<ReadAll>(1).updated, 0U);
    EXPECT_THAT(decided.kept(), SizeIs(2));
    EXPECT_THAT(decided.events(), IsEmpty());
    EXPECT_FALSE(decided.changes_nothing());
}

TEST_F(ClaimedPlan, AUnitIsAllOrNothing) {
    CreateOnceWork good;
    good.batch = {wanted(1, 1), wanted(2, 2)};
    CreateOnceWork bad;
    bad.batch = {wanted(1, 3), wanted(2, 2)};
    good.event_ids.resize(2);
    bad.event_ids.resize(2);
    std::vector<Mutation> batch;
    batch.push_back({user(1), std::move(good), claim('a'), {}, {}});
    batch.push_back({user(1), std::move(bad), claim('b'), {}, {}});
    auto& decided = plan_granted(std::move(batch));
    EXPECT_THAT(decided.users(), SizeIs(2));
    decided.decide();
    EXPECT_EQ(answer<CreatedOnce>(0).items.size(), 2U);
    EXPECT_EQ(error(1), errc::already_applied);
    EXPECT_THAT(decided.created(), SizeIs(2));
    EXPECT_THAT(decided.kept(), SizeIs(1)) << "a refused call has not used its key";
}

}  // namespace
}  // namespace carillon::store::postgres
