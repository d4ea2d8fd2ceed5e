#pragma once

#include <array>
#include <string_view>

/// The SQL of the stores, in one place so that a test can hold each statement against the query planner: none may scan
/// a table (`statements_test.cpp`). They live as long as the process, as `SqliteConnection` wants.
namespace carillon::store::sql {

// --- Writes

inline constexpr std::string_view kConsume =
    "INSERT INTO consumed_events (key, consumed_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

inline constexpr std::string_view kCountCreated =
    "INSERT INTO user_state (user_id, unread, version) VALUES (?1, 1, 1)"
    " ON CONFLICT (user_id) DO UPDATE SET unread = unread + 1, version = version + 1"
    " RETURNING unread, version";

inline constexpr std::string_view kInsertNotification =
    "INSERT INTO notifications (id, user_id, type, title, body, data, created_at,"
    " created_version, unread_version, version)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8) ON CONFLICT (id) DO NOTHING";

inline constexpr std::string_view kReadAtOf = "SELECT read_at FROM notifications WHERE id = ?1 AND user_id = ?2";

inline constexpr std::string_view kCountRead =
    "UPDATE user_state SET unread = unread - 1, version = version + 1 WHERE user_id = ?1 RETURNING unread, version";

inline constexpr std::string_view kMarkRead = "UPDATE notifications SET read_at = ?2, version = ?3 WHERE id = ?1";

// The index is named, because only it keeps the cost to what there is to read.
inline constexpr std::string_view kReadAll =
    "UPDATE notifications INDEXED BY notifications_unread SET read_at = ?2"
    " WHERE user_id = ?1 AND read_at IS NULL AND unread_version <= ?3";

inline constexpr std::string_view kCountReadAll =
    "UPDATE user_state SET unread = unread - ?2, version = version + 1,"
    " read_all_before = ?3, read_all_version = version + 1"
    " WHERE user_id = ?1 RETURNING unread, version";

inline constexpr std::string_view kBeat = "UPDATE heartbeat SET beat = beat + 1 WHERE id = 1";

inline constexpr std::string_view kInsertUser =
    "INSERT INTO users (id, email, name, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";

// --- Reads

inline constexpr std::string_view kState =
    "SELECT unread, version, read_all_before, read_all_version FROM user_state WHERE user_id = ?1";

// What `notification_of` and `creation_of` read (notification_rows.hpp).
#define CARILLON_SELECT_NOTIFICATION \
    "SELECT id, user_id, type, title, body, data, created_at, read_at, version, created_version FROM notifications "

inline constexpr std::string_view kFind = CARILLON_SELECT_NOTIFICATION "WHERE id = ?1 AND user_id = ?2";

inline constexpr std::string_view kListAll =
    CARILLON_SELECT_NOTIFICATION "WHERE user_id = ?1 AND created_version < ?2 ORDER BY created_version DESC LIMIT ?3";

inline constexpr std::string_view kListUnread = CARILLON_SELECT_NOTIFICATION
    "INDEXED BY notifications_unread"
    " WHERE user_id = ?1 AND created_version < ?2 AND read_at IS NULL ORDER BY created_version DESC LIMIT ?3";

inline constexpr std::string_view kListRead = CARILLON_SELECT_NOTIFICATION
    "INDEXED BY notifications_read"
    " WHERE user_id = ?1 AND created_version < ?2 AND read_at IS NOT NULL ORDER BY created_version DESC LIMIT ?3";

inline constexpr std::string_view kChangedSince =
    CARILLON_SELECT_NOTIFICATION "WHERE user_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3";

#undef CARILLON_SELECT_NOTIFICATION

inline constexpr std::string_view kCountChangedSince =
    "SELECT count(*) FROM (SELECT 1 FROM notifications WHERE user_id = ?1 AND version > ?2 LIMIT ?3)";

inline constexpr std::string_view kReadBeat = "SELECT beat FROM heartbeat WHERE id = 1";

#define CARILLON_SELECT_USER "SELECT id, email, name, password_hash, created_at FROM users "

inline constexpr std::string_view kUserByEmail = CARILLON_SELECT_USER "WHERE email = ?1";
inline constexpr std::string_view kUserById = CARILLON_SELECT_USER "WHERE id = ?1";

#undef CARILLON_SELECT_USER

// --- Outbox, by OutboxName

inline constexpr std::array<std::string_view, 2> kInsertEvent{
    "INSERT INTO notification_outbox (event_id, subject, payload, traceparent, created_at) VALUES (?1, ?2, ?3, ?4, ?5)"
    " RETURNING sequence",
    "INSERT INTO auth_outbox (event_id, subject, payload, traceparent, created_at) VALUES (?1, ?2, ?3, ?4, ?5)"
    " RETURNING sequence",
};

inline constexpr std::array<std::string_view, 2> kPendingEvents{
    "SELECT sequence, event_id, subject, payload, traceparent, created_at FROM notification_outbox"
    " WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    "SELECT sequence, event_id, subject, payload, traceparent, created_at FROM auth_outbox"
    " WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
};

inline constexpr std::array<std::string_view, 2> kRemoveEvents{
    "DELETE FROM notification_outbox WHERE sequence BETWEEN ?1 AND ?2",
    "DELETE FROM auth_outbox WHERE sequence BETWEEN ?1 AND ?2",
};

/// At start-up only: it reads the whole table.
inline constexpr std::array<std::string_view, 2> kCountEvents{
    "SELECT count(*) FROM notification_outbox",
    "SELECT count(*) FROM auth_outbox",
};

/// Everything that runs while serving.
inline constexpr std::array kHot{
    kConsume,
    kCountCreated,
    kInsertNotification,
    kReadAtOf,
    kCountRead,
    kMarkRead,
    kReadAll,
    kCountReadAll,
    kBeat,
    kInsertUser,
    kState,
    kFind,
    kListAll,
    kListUnread,
    kListRead,
    kChangedSince,
    kCountChangedSince,
    kReadBeat,
    kUserByEmail,
    kUserById,
    kInsertEvent[0],
    kInsertEvent[1],
    kPendingEvents[0],
    kPendingEvents[1],
    kRemoveEvents[0],
    kRemoveEvents[1],
};

}  // namespace carillon::store::sql
