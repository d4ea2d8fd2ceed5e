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

template <class... Args>
bool any(SqliteConnection& connection, std::string_view sql, const Args&... args) {
    SqliteQuery query{connection, sql, args...};
    return query.next();
}

}  // namespace

base::Result<Created> create_notification(WriteTransaction& transaction, const NewNotification& wanted,
                                          base::EventId event_id) {
    auto& connection = transaction.connection();
    if (wanted.consumed_key && any(connection, sql::kConsumed, *wanted.consumed_key)) return errc::already_applied;
    const InboxState before = state_of(connection, wanted.user_id).inbox;
    const base::Version version = before.version + 1;
    const auto inserted = connection.run(sql::kInsertNotification, wanted.id, wanted.user_id, wanted.type, wanted.title,
                                         wanted.body, wanted.data_json, wanted.created_at, version);
    if (inserted == 0) return errc::already_applied;
    if (wanted.consumed_key) connection.run(sql::kConsume, *wanted.consumed_key, wanted.created_at);
    Created created;
    created.state = advance(connection, wanted.user_id, before, before.unread + 1);
    created.notification = row_of(wanted, version);
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
    read.state = state_of(connection, user).inbox;
    if (!read.changed) return read;
    read.state = advance(connection, user, read.state, read.state.unread - 1);
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
    result.state = advance(connection, user, result.state, result.state.unread - result.updated);
    connection.run(sql::kSetReadAll, user, watermark, result.state.version);
    transaction.add_event(OutboxName::notification,
                          read_all_event(new_event_id(now), user, result.state, watermark, now, traceparent));
    return result;
}

}  // namespace carillon::store
