#include "store/postgres/notification_rows.hpp"

#include <algorithm>

#include "store/sync_budget.hpp"

namespace carillon::store::postgres {
namespace {

// Columns of a page, and of `sql::kChangedSince` after those of the notification.
constexpr int kUnread = 0;
constexpr int kStateVersion = 1;
constexpr int kNotification = 2;
constexpr int kReadAllBefore = 12;
constexpr int kReadAllVersion = 13;
constexpr int kErasedVersion = 14;
constexpr int kChanges = 15;

InboxState state_of(const Rows& rows) {
    if (rows.size() == 0) return {};
    return {rows.number(0, kUnread), rows.number(0, kStateVersion)};
}

bool has_notification(const Rows& rows, std::size_t row) {
    return !rows.is_null(row, kNotification);
}

}  // namespace

contracts::Notification notification_of(const Rows& rows, std::size_t row, int first) {
    contracts::Notification found;
    found.id = rows.id<base::NotificationId>(row, first);
    found.user_id = rows.id<base::UserId>(row, first + 1);
    found.type = rows.text(row, first + 2);
    found.title = rows.text(row, first + 3);
    found.body = rows.optional_text(row, first + 4);
    found.data_json = rows.optional_text(row, first + 5);
    found.created_at = rows.time(row, first + 6);
    found.read_at = rows.optional_time(row, first + 7);
    found.version = rows.number(row, first + 8);
    return found;
}

base::Version creation_of(const Rows& rows, std::size_t row, int first) {
    return rows.number(row, first + 9);
}

NotificationPage page_of(const Rows& rows, std::uint32_t limit) {
    NotificationPage page;
    page.state = state_of(rows);
    for (std::size_t i = 0; i < rows.size() && has_notification(rows, i); ++i) {
        if (i == limit) {
            page.next_before = creation_of(rows, i - 1, kNotification);
            break;
        }
        page.notifications.push_back(notification_of(rows, i, kNotification));
    }
    return page;
}

SyncPage snapshot_of(const Rows& rows, std::uint32_t limit) {
    SyncPage page;
    page.reset = true;
    page.state = state_of(rows);
    SyncBudget budget{limit};
    for (std::size_t i = 0; i < rows.size() && has_notification(rows, i); ++i) {
        auto row = notification_of(rows, i, kNotification);
        if (!budget.take(row)) break;
        page.notifications.push_back(std::move(row));
    }
    std::sort(page.notifications.begin(), page.notifications.end(),
              [](const auto& one, const auto& other) { return one.version < other.version; });
    return page;
}

std::optional<SyncPage> changes_of(const Rows& rows, base::Version since, std::uint32_t limit) {
    SyncPage page;
    page.state = state_of(rows);
    // Before the first version there was nothing to know, so nothing to forget.
    const bool knows_erased = since != 0 && since < rows.number(0, kErasedVersion);
    if (since > page.state.version || knows_erased || rows.number(0, kChanges) > kSyncChangesMax) return std::nullopt;
    if (rows.number(0, kReadAllVersion) > since) page.read_all_before = rows.number(0, kReadAllBefore);
    SyncBudget budget{limit};
    for (std::size_t i = 0; i < rows.size() && has_notification(rows, i); ++i) {
        auto row = notification_of(rows, i, kNotification);
        if (!budget.take(row)) {
            page.has_more = true;
            break;
        }
        page.notifications.push_back(std::move(row));
        page.created_versions.push_back(creation_of(rows, i, kNotification));
    }
    return page;
}

}  // namespace carillon::store::postgres
