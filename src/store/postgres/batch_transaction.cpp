#include "store/postgres/batch_transaction.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "store/postgres/batch_plan.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

// --- First round

struct FirstRound {
    Request request;
    // Where the answers to what is not always asked are.
    std::size_t stored_rows = 0;
    std::size_t taken_ids = 0;
    std::size_t taken_keys = 0;
    std::size_t unread_rows = 0;
    std::size_t granted_claims = 0;
    std::size_t first_answers = 0;
};

constexpr std::size_t kStatesAt = 2;

template <class Container>
auto to_vector(const Container& values) {
    return std::vector<typename Container::value_type>(values.begin(), values.end());
}

FirstRound first_round(const BatchPlan& plan, Checks checks) {
    FirstRound round;
    std::vector<base::UserId> users;
    std::vector<bool> makes_row;
    for (const auto& [user, makes] : plan.users()) {
        users.push_back(user);
        makes_row.push_back(makes);
    }
    Request& request = round.request;
    request.add(sql::kBegin);
    Parameters lock;
    lock.add(users).add(makes_row);
    request.add(sql::kLockUsers, std::move(lock));
    Parameters states;
    states.add(users);
    request.add(sql::kLockedStates, std::move(states));
    const auto ask = [&request](const Statement& statement, Parameters parameters) {
        request.add(statement, std::move(parameters));
        return request.steps().size() - 1;
    };
    Parameters marked;
    if (!plan.marked_ids().empty()) {
        marked.add(to_vector(plan.marked_ids()));
        round.stored_rows = ask(sql::kStoredRows, std::move(marked));
    }
    Parameters ids;
    if (checks == Checks::all && !plan.created_ids().empty()) {
        ids.add(to_vector(plan.created_ids()));
        round.taken_ids = ask(sql::kTakenIds, std::move(ids));
    }
    Parameters keys;
    if (!plan.consumed_keys().empty()) {
        keys.add(to_vector(plan.consumed_keys()));
        round.taken_keys = ask(sql::kTakenKeys, std::move(keys));
    }
    if (!plan.counted().empty()) {
        std::vector<base::UserId> readers;
        std::vector<base::Version> before;
        for (const auto& [user, version] : plan.counted()) {
            readers.push_back(user);
            before.push_back(version);
        }
        Parameters counted;
        counted.add(readers).add(before);
        round.unread_rows = ask(sql::kUnreadRows, std::move(counted));
    }
    if (!plan.claimed_keys().empty()) {
        Parameters locks;
        locks.add(to_vector(plan.claim_locks()));
        round.granted_claims = ask(sql::kClaimKeys, std::move(locks));
        // Read after the lock is granted: what its last holder kept is there.
        Parameters claimed;
        claimed.add(to_vector(plan.claimed_keys()));
        round.first_answers = ask(sql::kFirstAnswers, std::move(claimed));
    }
    return round;
}

/// Returns the transaction's id.
std::uint64_t take_first_round(BatchPlan& plan, const FirstRound& round, const std::vector<Rows>& replies) {
    std::uint64_t xid = 0;
    const Rows& states = replies.at(kStatesAt);
    for (std::size_t i = 0; i < states.size(); ++i) {
        UserState state;
        state.inbox = {states.number(i, 1), states.number(i, 2)};
        state.read_all_before = states.number(i, 3);
        state.read_all_version = states.number(i, 4);
        plan.found_user(states.id<base::UserId>(i, 0), state);
        xid = states.number(i, 5);
    }
    if (round.stored_rows != 0) {
        const Rows& rows = replies.at(round.stored_rows);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            plan.found_row({rows.id<base::NotificationId>(i, 0), rows.id<base::UserId>(i, 1), rows.optional_time(i, 2),
                            rows.number(i, 3)});
        }
    }
    if (round.taken_ids != 0) {
        const Rows& rows = replies.at(round.taken_ids);
        for (std::size_t i = 0; i < rows.size(); ++i) plan.found_id(rows.id<base::NotificationId>(i, 0));
    }
    if (round.taken_keys != 0) {
        const Rows& rows = replies.at(round.taken_keys);
        for (std::size_t i = 0; i < rows.size(); ++i) plan.found_key(rows.text(i, 0));
    }
    if (round.unread_rows != 0) {
        const Rows& rows = replies.at(round.unread_rows);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            plan.found_unread(rows.id<base::UserId>(i, 0), {rows.number(i, 1), rows.number(i, 2)});
        }
    }
    if (round.granted_claims != 0) {
        const Rows& locks = replies.at(round.granted_claims);
        for (std::size_t i = 0; i < locks.size(); ++i) {
            if (locks.boolean(i, 1)) plan.granted(locks.integer(i, 0));
        }
        const Rows& rows = replies.at(round.first_answers);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            plan.found_answer(rows.digest(i, 0), {rows.digest(i, 1), rows.time(i, 2), std::string{rows.text(i, 3)}});
        }
    }
    return xid;
}

// --- Second round

std::optional<std::string_view> view(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return std::string_view{*text};
}

void add_created(Request& request, BatchPlan& plan) {
    if (plan.created().empty()) return;
    std::vector<base::NotificationId> ids;
    std::vector<base::UserId> users;
    std::vector<base::TimePoint> created_at;
    std::vector<std::optional<base::TimePoint>> read_at;
    std::vector<base::Version> created_versions;
    std::vector<base::Version> versions;
    std::vector<std::string_view> types;
    std::vector<std::string_view> titles;
    std::vector<std::optional<std::string_view>> bodies;
    std::vector<std::optional<JsonText>> data;
    for (const auto& [id, row] : plan.created()) {
        ids.push_back(id);
        users.push_back(row.wanted->user_id);
        created_at.push_back(row.wanted->created_at);
        read_at.push_back(row.read_at);
        created_versions.push_back(row.created_version);
        versions.push_back(row.version);
        types.emplace_back(row.wanted->type);
        titles.emplace_back(row.wanted->title);
        bodies.push_back(view(row.wanted->body));
        const auto json = view(row.wanted->data_json);
        data.push_back(json ? std::optional{JsonText{*json}} : std::nullopt);
    }
    Parameters parameters;
    parameters.add(ids).add(users).add(created_at).add(read_at).add(created_versions).add(versions);
    parameters.add(types).add(titles).add(bodies).add(data);
    request.add(sql::kInsertNotifications, std::move(parameters));
}

void add_marked(Request& request, const BatchPlan& plan) {
    if (plan.marked().empty()) return;
    std::vector<base::NotificationId> ids;
    std::vector<base::TimePoint> times;
    std::vector<base::Version> versions;
    for (const auto& row : plan.marked()) {
        ids.push_back(row.id);
        times.push_back(row.read_at);
        versions.push_back(row.version);
    }
    Parameters parameters;
    parameters.add(ids).add(times).add(versions);
    request.add(sql::kMarkRead, std::move(parameters));
}

void add_read_alls(Request& request, const BatchPlan& plan) {
    if (plan.read_alls().empty()) return;
    std::vector<base::UserId> users;
    std::vector<base::Version> watermarks;
    std::vector<base::TimePoint> times;
    for (const auto& rows : plan.read_alls()) {
        users.push_back(rows.user);
        watermarks.push_back(rows.watermark);
        times.push_back(rows.read_at);
    }
    Parameters parameters;
    parameters.add(users).add(watermarks).add(times);
    request.add(sql::kReadAll, std::move(parameters));
}

void add_states(Request& request, const BatchPlan& plan) {
    if (plan.states().empty()) return;
    std::vector<base::UserId> users;
    std::vector<std::uint64_t> unread;
    std::vector<base::Version> versions;
    std::vector<base::Version> read_all_before;
    std::vector<base::Version> read_all_versions;
    for (const auto& [user, state] : plan.states()) {
        users.push_back(user);
        unread.push_back(state.inbox.unread);
        versions.push_back(state.inbox.version);
        read_all_before.push_back(state.read_all_before);
        read_all_versions.push_back(state.read_all_version);
    }
    Parameters parameters;
    parameters.add(users).add(unread).add(versions).add(read_all_before).add(read_all_versions);
    request.add(sql::kSetStates, std::move(parameters));
}

void add_consumed(Request& request, const BatchPlan& plan) {
    if (plan.consumed().empty()) return;
    std::vector<std::string_view> keys;
    std::vector<base::TimePoint> times;
    for (const auto& [key, time] : plan.consumed()) {
        keys.push_back(key);
        times.push_back(time);
    }
    Parameters parameters;
    parameters.add(keys).add(times);
    request.add(sql::kConsume, std::move(parameters));
}

// Two old keys may go for each that comes: so the table shrinks to what is due, and nobody waits for it.
constexpr std::uint64_t kPrunedForEach = 2;

void add_kept(Request& request, const BatchPlan& plan) {
    if (plan.kept().empty()) return;
    std::vector<base::Digest> keys;
    std::vector<base::Digest> requests;
    std::vector<std::optional<base::UserId>> owners;
    std::vector<base::TimePoint> times;
    std::vector<std::string_view> answers;
    for (const auto& [key, row] : plan.kept()) {
        keys.push_back(key);
        requests.push_back(row.claim->request);
        owners.push_back(row.claim->owner);
        times.push_back(row.claim->now);
        answers.emplace_back(row.answer);
    }
    Parameters parameters;
    parameters.add(keys).add(requests).add(owners).add(times).add(answers);
    request.add(sql::kKeepAnswers, std::move(parameters));
    Parameters prune;
    prune.add(*std::max_element(times.begin(), times.end()) - kIdempotencyLifetime).add(kIdempotencyKeysMax);
    prune.add(kPrunedForEach * keys.size());
    request.add(sql::kPruneKeys, std::move(prune));
}

}  // namespace

loop::Task<BatchOutcome> run_batch(std::shared_ptr<OutboxInstance> outbox, std::shared_ptr<Session> session,
                                   const std::vector<Mutation>& batch, Checks checks, base::SteadyTime deadline) {
    BatchOutcome outcome;
    const auto roll_back = [&session, deadline] {
        session->send(Request{sql::kRollback}, deadline, [](const Reply&) {});
    };
    BatchPlan plan{batch};
    auto first = first_round(plan, checks);
    auto reading = Session::call(session, std::move(first.request), deadline);
    const auto found = co_await std::move(reading);
    if (found.failure) {
        if (!found.failure->lost()) roll_back();
        outcome.failure = found.failure;
        co_return outcome;
    }
    const auto xid = take_first_round(plan, first, found.rows);
    plan.decide();
    if (plan.changes_nothing()) {
        roll_back();
        outcome.answers = std::move(plan.answers());
        co_return outcome;
    }

    // Without an event there is nothing to put in order: an answer was kept, and that is all.
    std::optional<OutboxLedger::Range> range;
    if (!plan.events().empty()) range = outbox->ledger().reserve(plan.events().size());
    Request writes;
    add_created(writes, plan);
    add_marked(writes, plan);
    add_read_alls(writes, plan);
    add_states(writes, plan);
    add_consumed(writes, plan);
    add_kept(writes, plan);
    if (range) outbox->add_insert(writes, *range, plan.events(), plan.event_users());
    writes.add(sql::kCommit);
    auto writing = Session::call(session, std::move(writes), deadline);
    const auto written = co_await std::move(writing);
    if (written.failure) {
        outcome.failure = written.failure;
        if (!written.failure->lost()) roll_back();
        if (range && written.failure->lost()) outbox->in_doubt(*range, xid);
        if (range && !written.failure->lost()) outbox->ledger().dropped(*range);
        co_return outcome;
    }
    outbox->wrote();
    if (range) outbox->ledger().committed(*range, std::move(plan.events()));
    outcome.answers = std::move(plan.answers());
    co_return outcome;
}

}  // namespace carillon::store::postgres
