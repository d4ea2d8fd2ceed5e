#include "store/sqlite/notification_rows.hpp"

#include "store/sqlite/statements.hpp"

namespace carillon::store {

UserState state_of(SqliteConnection& connection, base::UserId user) {
    SqliteQuery query{connection, sql::kState, user};
    if (!query.next()) return {};
    return {{query.number(0), query.number(1)}, query.number(2), query.number(3), query.number(4)};
}

InboxState advance(SqliteConnection& connection, base::UserId user, InboxState now, std::uint64_t unread) {
    const InboxState next{unread, now.version + 1};
    connection.run(sql::kSetState, user, next.unread, next.version);
    return next;
}

contracts::Notification notification_of(const SqliteQuery& query) {
    contracts::Notification row;
    row.id = query.id<base::NotificationId>(0);
    row.user_id = query.id<base::UserId>(1);
    row.type = query.text(2);
    row.title = query.text(3);
    row.body = query.optional_text(4);
    row.data_json = query.optional_text(5);
    row.created_at = query.time(6);
    if (!query.is_null(7)) row.read_at = query.time(7);
    row.version = query.number(8);
    return row;
}

base::Version creation_of(const SqliteQuery& query) {
    return query.number(9);
}

}  // namespace carillon::store
