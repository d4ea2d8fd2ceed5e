#include "store/sqlite/notification_reads.hpp"

#include <algorithm>
#include <limits>

#include "store/sqlite/notification_rows.hpp"
#include "store/sqlite/statements.hpp"
#include "store/sync_budget.hpp"

namespace carillon::store {
namespace {

// Versions are signed in the file.
constexpr base::Version kVersionMax = std::numeric_limits<std::int64_t>::max();

std::string_view statement_for(StatusFilter status) {
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

bool too_many_changes(SqliteConnection& connection, base::UserId user, base::Version since) {
    SqliteQuery count{connection, sql::kCountChangedSince, user, since, kSyncChangesMax + 1};
    return count.next() && count.number(0) > kSyncChangesMax;
}

// The newest that fit into one page, in the order of their last changes.
std::vector<contracts::Notification> snapshot(SqliteConnection& connection, base::UserId user, std::uint32_t limit) {
    std::vector<contracts::Notification> rows;
    SyncBudget budget{limit};
    SqliteQuery query{connection, sql::kListAll, user, kVersionMax, limit};
    while (query.next()) {
        auto row = notification_of(query);
        if (!budget.take(row)) break;
        rows.push_back(std::move(row));
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
    return rows;
}

}  // namespace

NotificationPage read_page(SqliteConnection& connection, const ListQuery& query) {
    NotificationPage page;
    page.state = state_of(connection, query.user_id).inbox;
    const base::Version before = std::min(query.before.value_or(kVersionMax), kVersionMax);
    base::Version last = 0;
    SqliteQuery rows{connection, statement_for(query.status), query.user_id, before, query.limit + 1};
    while (rows.next()) {
        if (page.notifications.size() == query.limit) {
            page.next_before = last;
            break;
        }
        page.notifications.push_back(notification_of(rows));
        last = creation_of(rows);
    }
    return page;
}

base::Result<contracts::Notification> read_notification(SqliteConnection& connection, base::UserId user,
                                                        base::NotificationId id) {
    SqliteQuery row{connection, sql::kFind, id, user};
    if (!row.next()) return errc::not_found;
    return notification_of(row);
}

std::vector<UserCount> read_counts(SqliteConnection& connection, const std::vector<base::UserId>& users) {
    std::vector<UserCount> counts;
    counts.reserve(users.size());
    for (const auto& user : users) counts.push_back({user, state_of(connection, user).inbox});
    return counts;
}

SyncPage read_sync(SqliteConnection& connection, base::UserId user, base::Version since, std::uint32_t limit) {
    SyncPage page;
    const UserState state = state_of(connection, user);
    page.state = state.inbox;
    if (state.read_all_version > since) page.read_all_before = state.read_all_before;
    // Before the first version there was nothing to know, so nothing to forget.
    const bool knows_erased = since != 0 && since < state.erased_version;
    page.reset = since > state.inbox.version || knows_erased || too_many_changes(connection, user, since);
    if (page.reset) {
        page.notifications = snapshot(connection, user, limit);
        return page;
    }
    SyncBudget budget{limit};
    SqliteQuery rows{connection, sql::kChangedSince, user, since, limit + 1};
    while (rows.next()) {
        auto row = notification_of(rows);
        if (!budget.take(row)) {
            page.has_more = true;
            break;
        }
        page.notifications.push_back(std::move(row));
        page.created_versions.push_back(creation_of(rows));
    }
    return page;
}

}  // namespace carillon::store
