#include "store/sqlite/notification_changes.hpp"

#include <algorithm>
#include <utility>

#include "store/outbox_events.hpp"
#include "store/sqlite/notification_rows.hpp"
#include "store/sqlite/statements.hpp"

namespace carillon::store {
namespace {

base::EventId new_event_id(base::TimePoint now) {
    return base::EventId{base::Uuid::generate_v7(now)};
}

contracts::Notification row_of(const NewNotification& wanted, base::Version version) {
    contracts::Notification row;
    row.id = wanted.id;
    row.user_id = wanted.user_id;
    row.type = wanted.type;
    row.title = wanted.title;
    row.body = wanted.body;
    row.data_json = wanted.data_json;
    row.created_at = wanted.created_at;
    row.version = version;
    return row;
}

// The result of a statement that counts and returns the new state.
template <class... Args>
InboxState counted(SqliteConnection& connection, std::string_view sql, const Args&... args) {
    SqliteQuery query{connection, sql, args...};
    if (!query.next()) return {};
    return {query.number(0), query.number(1)};
}

}  // namespace

base::Result<Created> create_notification(WriteTransaction& transaction, const NewNotification& wanted,
                                          base::EventId event_id) {
    auto& connection = transaction.connection();
    if (wanted.consumed_key && connection.run(sql::kConsume, *wanted.consumed_key, wanted.created_at) == 0) {
        return errc::already_applied;
    }
    Created created;
    created.state = counted(connection, sql::kCountCreated, wanted.user_id);
    const auto inserted = connection.run(sql::kInsertNotification, wanted.id, wanted.user_id, wanted.type, wanted.title,
                                         wanted.body, wanted.data_json, wanted.created_at, created.state.version);
    if (inserted == 0) return errc::already_applied;
    created.notification = row_of(wanted, created.state.version);
    transaction.add_event(OutboxName::notification, created_event(event_id, created, wanted.traceparent));
    return created;
}

base::Result<MarkedRead> mark_notification_read(WriteTransaction& transaction, base::UserId user,
                                                base::NotificationId id, base::TimePoint now,
                                                const std::string& traceparent) {
    auto& connection = transaction.connection();
    MarkedRead read;
    read.id = id;
    read.read_at = now;
    {
        SqliteQuery row{connection, sql::kReadAtOf, id, user};
        if (!row.next()) return errc::not_found;
        read.changed = row.is_null(0);
        if (!read.changed) read.read_at = row.time(0);
    }
    if (!read.changed) {
        read.state = state_of(connection, user).inbox;
        return read;
    }
    read.state = counted(connection, sql::kCountRead, user);
    connection.run(sql::kMarkRead, id, now, read.state.version);
    transaction.add_event(OutboxName::notification, read_event(new_event_id(now), user, read, traceparent));
    return read;
}

base::Result<ReadAll> read_all_notifications(WriteTransaction& transaction, base::UserId user,
                                             std::optional<base::Version> before, base::TimePoint now,
                                             const std::string& traceparent) {
    auto& connection = transaction.connection();
    ReadAll result;
    result.state = state_of(connection, user).inbox;
    const base::Version watermark = std::min(before.value_or(result.state.version), result.state.version);
    const auto read = connection.run(sql::kReadAll, user, now, watermark);
    if (read == 0) return result;
    result.updated = static_cast<std::uint64_t>(read);
    result.state = counted(connection, sql::kCountReadAll, user, read, watermark);
    transaction.add_event(OutboxName::notification,
                          read_all_event(new_event_id(now), user, result.state, now, traceparent));
    return result;
}

}  // namespace carillon::store
