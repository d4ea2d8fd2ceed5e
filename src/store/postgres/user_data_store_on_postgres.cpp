#include "store/postgres/user_data_store_on_postgres.hpp"

#include <utility>

#include "base/log.hpp"
#include "loop/run_on.hpp"
#include "store/call_timer.hpp"
#include "store/outbox_events.hpp"
#include "store/postgres/statements.hpp"

namespace carillon::store::postgres {
namespace {

struct Erasure {
    std::shared_ptr<OutboxInstance> outbox;
    std::shared_ptr<Pool> writers;
    base::UserId user;
    base::TimePoint now;
    std::string traceparent;
    base::SteadyTime deadline;
};

// Where the answers of the first round are.
constexpr std::size_t kStateAt = 2;
constexpr std::size_t kNotificationsAt = 3;
constexpr std::size_t kEventsAt = 4;
constexpr std::size_t kKeysAt = 5;

Request first_round(base::UserId user) {
    const auto bounded = [user] {
        Parameters parameters;
        parameters.add(user).add(kEraseRowsMax);
        return parameters;
    };
    Parameters lock;
    lock.add(std::vector{user}).add(std::vector{false});
    Parameters state;
    state.add(std::vector{user});
    Request request{sql::kBegin};
    request.add(sql::kLockUsers, std::move(lock)).add(sql::kLockedStates, std::move(state));
    request.add(sql::kEraseNotifications, bounded()).add(sql::kEraseEvents, bounded()).add(sql::kEraseKeys, bounded());
    return request;
}

// With an event, because the inbox has changed.
Request second_round(const Erasure& erasure, OutboxLedger::Range range, InboxState state,
                     std::vector<OutboxEvent>& events) {
    Parameters erased;
    erased.add(erasure.user).add(state.unread).add(state.version);
    Request request{sql::kSetErased, std::move(erased)};
    erasure.outbox->add_insert(request, range, events, {erasure.user});
    request.add(sql::kCommit);
    return request;
}

loop::Task<base::Result<EraseStep>> erase_in(std::shared_ptr<Session> session, Erasure erasure) {
    const auto deadline = erasure.deadline;
    const auto roll_back = [&session, deadline] {
        session->send(Request{sql::kRollback}, deadline, [](const Reply&) {});
    };
    auto deleting = Session::call(session, first_round(erasure.user), deadline);
    const auto found = co_await std::move(deleting);
    if (found.failure) {
        base::log_error("a user could not be erased", {{"reason", found.failure->message}});
        if (!found.failure->lost()) roll_back();
        co_return errc::unavailable;
    }
    const Rows& state = found.rows.at(kStateAt);
    const auto events_gone = found.rows.at(kEventsAt).changed();
    const auto keys_gone = found.rows.at(kKeysAt).changed();
    EraseStep step;
    step.notifications = found.rows.at(kNotificationsAt).number(0, 0);
    step.more = step.notifications == kEraseRowsMax || events_gone == kEraseRowsMax || keys_gone == kEraseRowsMax;
    if (state.size() > 0) step.state = {state.number(0, 1), state.number(0, 2)};

    auto& ledger = erasure.outbox->ledger();
    std::optional<OutboxLedger::Range> range;
    std::vector<OutboxEvent> events;
    Request finish{sql::kCommit};
    if (step.notifications > 0 || events_gone > 0) {
        step.state.unread -= found.rows.at(kNotificationsAt).number(0, 1);
        ++step.state.version;
        const base::EventId id{base::Uuid::generate_v7(erasure.now)};
        events.push_back(erased_event(id, erasure.user, step.state, erasure.now, erasure.traceparent));
        range = ledger.reserve(events.size());
        finish = second_round(erasure, *range, step.state, events);
    }
    auto finishing = Session::call(session, std::move(finish), deadline);
    const auto finished = co_await std::move(finishing);
    if (!finished.failure) {
        erasure.outbox->wrote();
        if (range) ledger.committed(*range, std::move(events));
        co_return step;
    }
    base::log_error("a user could not be erased", {{"reason", finished.failure->message}});
    if (!finished.failure->lost()) roll_back();
    if (range && finished.failure->lost()) erasure.outbox->in_doubt(*range, state.number(0, 5));
    if (range && !finished.failure->lost()) ledger.dropped(*range);
    co_return errc::unavailable;
}

loop::Task<base::Result<EraseStep>> erase_user(Erasure erasure) {
    const auto writers = erasure.writers;
    auto leasing = Pool::lease_when_free(writers, erasure.deadline);
    const auto session = co_await std::move(leasing);
    if (!session) co_return errc::unavailable;
    auto erasing = erase_in(session, std::move(erasure));
    const auto result = co_await std::move(erasing);
    writers->release(session);
    co_return result;
}

Parameters page_of_user(base::UserId user, std::uint64_t after, std::uint32_t limit) {
    Parameters parameters;
    parameters.add(user).add(after).add(limit);
    return parameters;
}

}  // namespace

UserDataStoreOnPostgres::UserDataStoreOnPostgres(Database& database)
    : database_{database},
      erase_duration_{database.duration_of("erase")},
      export_duration_{database.duration_of("export")} {}

loop::Task<base::Result<EraseStep>> UserDataStoreOnPostgres::erase(base::UserId user, base::TimePoint now,
                                                                   std::string traceparent) {
    const CallTimer timer{erase_duration_};
    Erasure erasure{database_.shared_outbox(),
                    database_.writers(),
                    user,
                    now,
                    std::move(traceparent),
                    std::chrono::steady_clock::now() + database_.time_max()};
    auto erasing = erase_user(std::move(erasure));
    auto crossing = loop::run_on(database_.executor(), std::move(erasing));
    co_return co_await std::move(crossing);
}

loop::Task<base::Result<std::vector<OutboxEvent>>> UserDataStoreOnPostgres::pending_events(base::UserId user,
                                                                                           std::uint64_t after,
                                                                                           std::uint32_t limit) {
    auto reading = database_.query(Request{sql::kPendingEventsOf, page_of_user(user, after, limit)}, export_duration_);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    co_return events_of(found->front());
}

loop::Task<base::Result<std::vector<KeptAnswer>>> UserDataStoreOnPostgres::kept_answers(base::UserId user,
                                                                                        std::uint64_t after,
                                                                                        std::uint32_t limit) {
    auto reading = database_.query(Request{sql::kKeptAnswers, page_of_user(user, after, limit)}, export_duration_);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    const Rows& rows = found->front();
    std::vector<KeptAnswer> answers;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        answers.push_back({rows.number(i, 0), rows.time(i, 1), std::string{rows.text(i, 2)}});
    }
    co_return answers;
}

}  // namespace carillon::store::postgres
