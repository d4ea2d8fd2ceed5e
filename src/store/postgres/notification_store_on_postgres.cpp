#include "store/postgres/notification_store_on_postgres.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "store/postgres/notification_rows.hpp"
#include "store/postgres/statements.hpp"
#include "store/sync_budget.hpp"

namespace carillon::store::postgres {
namespace {

// Versions are signed in the database.
constexpr base::Version kVersionMax = std::numeric_limits<std::int64_t>::max();

base::EventId new_event_id(base::TimePoint now) {
    return base::EventId{base::Uuid::generate_v7(now)};
}

const Statement& statement_for(StatusFilter status) {
    switch (status) {
        case StatusFilter::all:
            return sql::kListAll;
        case StatusFilter::unread:
            return sql::kListUnread;
        case StatusFilter::read:
            return sql::kListRead;
    }
    return sql::kListAll;
}

template <class T>
base::Result<T> result_of(Answer& answer) {
    if (auto* value = std::get_if<T>(&answer)) return std::move(*value);
    return std::get<base::ErrorCode>(answer);
}

Request page_request(const Statement& statement, base::UserId user, base::Version before, std::uint32_t rows) {
    Parameters parameters;
    parameters.add(user).add(std::min(before, kVersionMax)).add(rows);
    return Request{statement, std::move(parameters)};
}

}  // namespace

NotificationStoreOnPostgres::NotificationStoreOnPostgres(Database& database)
    : database_{database}, durations_{database.duration_of("create"),   database.duration_of("mark_read"),
                                      database.duration_of("read_all"), database.duration_of("list"),
                                      database.duration_of("find"),     database.duration_of("counts"),
                                      database.duration_of("sync")} {}

loop::Task<std::vector<base::Result<Created>>> NotificationStoreOnPostgres::create(std::vector<NewNotification> batch) {
    std::vector<Mutation> mutations;
    mutations.reserve(batch.size());
    for (auto& wanted : batch) {
        const auto event_id = new_event_id(wanted.created_at);
        const auto user = wanted.user_id;
        mutations.push_back({user, CreateWork{std::move(wanted), event_id}, {}, {}, {}});
    }
    auto applying = database_.mutate(std::move(mutations), durations_.create);
    auto answers = co_await std::move(applying);
    std::vector<base::Result<Created>> results;
    results.reserve(answers.size());
    for (auto& answer : answers) results.push_back(result_of<Created>(answer));
    co_return results;
}

loop::Task<base::Result<CreatedOnce>> NotificationStoreOnPostgres::create_once(std::vector<NewNotification> batch,
                                                                               IdempotencyClaim claim) {
    CreateOnceWork unit;
    for (const auto& wanted : batch) unit.event_ids.push_back(new_event_id(wanted.created_at));
    const auto user = batch.front().user_id;
    unit.batch = std::move(batch);
    std::vector<Mutation> one;
    one.push_back({user, std::move(unit), claim, {}, {}});
    auto applying = database_.mutate(std::move(one), durations_.create);
    auto answers = co_await std::move(applying);
    auto* first = std::get_if<CreatedIds>(&answers.front());
    if (first == nullptr) co_return result_of<CreatedOnce>(answers.front());
    auto reading = as_first_created(std::move(first->ids));
    co_return co_await std::move(reading);
}

loop::Task<base::Result<CreatedOnce>> NotificationStoreOnPostgres::as_first_created(
    std::vector<base::NotificationId> ids) {
    Parameters parameters;
    parameters.add(ids);
    auto reading = database_.query(Request{sql::kCreatedRows, std::move(parameters)}, durations_.find);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    const Rows& rows = found->front();
    std::unordered_map<base::NotificationId, std::size_t> places;
    for (std::size_t i = 0; i < rows.size(); ++i) places[rows.id<base::NotificationId>(i, 0)] = i;
    CreatedOnce again;
    again.replayed = true;
    for (const auto& id : ids) {
        const auto place = places.find(id);
        if (place == places.end()) {
            again.items.emplace_back(make_error_code(errc::not_found));
        } else {
            again.items.emplace_back(notification_of(rows, place->second, 0));
        }
    }
    co_return again;
}

loop::Task<base::Result<MarkedRead>> NotificationStoreOnPostgres::mark_read(base::UserId user, base::NotificationId id,
                                                                            base::TimePoint now,
                                                                            std::string traceparent,
                                                                            std::optional<IdempotencyClaim> claim) {
    std::vector<Mutation> one;
    one.push_back({user, MarkReadWork{id, now, std::move(traceparent), new_event_id(now)}, claim, {}, {}});
    auto applying = database_.mutate(std::move(one), durations_.mark_read);
    auto answers = co_await std::move(applying);
    co_return result_of<MarkedRead>(answers.front());
}

loop::Task<std::vector<base::Result<MarkedRead>>> NotificationStoreOnPostgres::mark_read_each(
    std::vector<MarkRead> batch, base::TimePoint now) {
    std::vector<Mutation> mutations;
    mutations.reserve(batch.size());
    for (auto& mark : batch) {
        MarkReadWork work{mark.id, now, std::move(mark.traceparent), new_event_id(now)};
        mutations.push_back({mark.user_id, std::move(work), {}, {}, {}});
    }
    auto applying = database_.mutate(std::move(mutations), durations_.mark_read);
    auto answers = co_await std::move(applying);
    std::vector<base::Result<MarkedRead>> results;
    results.reserve(answers.size());
    for (auto& answer : answers) results.push_back(result_of<MarkedRead>(answer));
    co_return results;
}

loop::Task<base::Result<ReadAll>> NotificationStoreOnPostgres::read_all(base::UserId user,
                                                                        std::optional<base::Version> before,
                                                                        base::TimePoint now, std::string traceparent,
                                                                        std::optional<IdempotencyClaim> claim) {
    std::vector<Mutation> one;
    one.push_back({user, ReadAllWork{before, now, std::move(traceparent), new_event_id(now)}, claim, {}, {}});
    auto applying = database_.mutate(std::move(one), durations_.read_all);
    auto answers = co_await std::move(applying);
    co_return result_of<ReadAll>(answers.front());
}

loop::Task<base::Result<NotificationPage>> NotificationStoreOnPostgres::list(ListQuery wanted) {
    // One more than asked says whether there is a next page.
    auto request = page_request(statement_for(wanted.status), wanted.user_id, wanted.before.value_or(kVersionMax),
                                wanted.limit + 1);
    auto reading = database_.query(std::move(request), durations_.list);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    co_return page_of(found->front(), wanted.limit);
}

loop::Task<base::Result<contracts::Notification>> NotificationStoreOnPostgres::find(base::UserId user,
                                                                                    base::NotificationId id) {
    Parameters parameters;
    parameters.add(id).add(user);
    auto reading = database_.query(Request{sql::kFind, std::move(parameters)}, durations_.find);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    if (found->front().size() == 0) co_return errc::not_found;
    co_return notification_of(found->front(), 0, 0);
}

loop::Task<base::Result<std::vector<UserCount>>> NotificationStoreOnPostgres::counts(std::vector<base::UserId> users) {
    Parameters parameters;
    parameters.add(users);
    auto reading = database_.query(Request{sql::kCounts, std::move(parameters)}, durations_.counts);
    const auto found = co_await std::move(reading);
    if (!found) co_return found.error();
    std::vector<UserCount> counts;
    counts.reserve(users.size());
    for (const auto& user : users) counts.push_back({user, {}});
    const Rows& rows = found->front();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        counts.at(rows.number(i, 0) - 1).state = {rows.number(i, 1), rows.number(i, 2)};
    }
    co_return counts;
}

loop::Task<base::Result<SyncPage>> NotificationStoreOnPostgres::sync(base::UserId user, base::Version since,
                                                                     std::uint32_t limit) {
    const std::uint32_t rows = std::clamp<std::uint32_t>(limit, 1, kSyncChangesMax);
    Parameters parameters;
    parameters.add(user).add(std::min(since, kVersionMax)).add(rows + 1).add(kSyncChangesMax + 1);
    auto reading = database_.query(Request{sql::kChangedSince, std::move(parameters)}, durations_.sync);
    const auto changed = co_await std::move(reading);
    if (!changed) co_return changed.error();
    auto page = changes_of(changed->front(), since, rows);
    if (page) co_return std::move(*page);
    // What is read now is newer than what made it a reset, and consistent in itself.
    auto reading_all = database_.query(page_request(sql::kListAll, user, kVersionMax, rows), durations_.sync);
    const auto newest = co_await std::move(reading_all);
    if (!newest) co_return newest.error();
    co_return snapshot_of(newest->front(), rows);
}

loop::Task<base::Result<void>> NotificationStoreOnPostgres::check() {
    co_return co_await database_.check();
}

}  // namespace carillon::store::postgres
