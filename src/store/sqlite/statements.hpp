#pragma once

#include <array>
#include <string_view>

/// The SQL of the stores, in one place so that a test can hold each statement against the query planner: none may scan
/// a table (`statements_test.cpp`). They live as long as the process, as `SqliteConnection` wants.
namespace carillon::store::sql {

// --- Writes

inline constexpr std::string_view kConsumed = "SELECT 1 FROM consumed_events WHERE key = ?1";
inline constexpr std::string_view kConsume = "INSERT INTO consumed_events (key, consumed_at) VALUES (?1, ?2)";

inline constexpr std::string_view kSetState =
    "INSERT INTO user_state (user_id, unread, version) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (user_id) DO UPDATE SET unread = ?2, version = ?3";

inline constexpr std::string_view kSetReadAll =
    "UPDATE user_state SET read_all_before = ?2, read_all_version = ?3 WHERE user_id = ?1";

inline constexpr std::string_view kInsertNotification =
    "INSERT INTO notifications (id, user_id, type, title, body, data, created_at,"
    " created_version, unread_version, version)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8) ON CONFLICT (id) DO NOTHING";

inline constexpr std::string_view kReadAtOf = "SELECT read_at FROM notifications WHERE id = ?1 AND user_id = ?2";

inline constexpr std::string_view kMarkRead = "UPDATE notifications SET read_at = ?2, version = ?3 WHERE id = ?1";

// The index is named, because only it keeps the cost to what there is to read.
inline constexpr std::string_view kReadAll =
    "UPDATE notifications INDEXED BY notifications_unread SET read_at = ?2"
    " WHERE user_id = ?1 AND read_at IS NULL AND unread_version <= ?3";

inline constexpr std::string_view kFirstAnswer =
    "SELECT request, created_at, answer, sequence FROM idempotency_keys WHERE key = ?1";
inline constexpr std::string_view kKeepAnswer =
    "INSERT INTO idempotency_keys (key, request, user_id, created_at, answer) VALUES (?1, ?2, ?3, ?4, ?5)";
inline constexpr std::string_view kForgetKey = "DELETE FROM idempotency_keys WHERE key = ?1";
// Of the oldest ?3, what came before ?1 or is numbered up to ?2.
inline constexpr std::string_view kPruneKeys =
    "DELETE FROM idempotency_keys WHERE sequence IN"
    " (SELECT sequence FROM idempotency_keys WHERE sequence > 0 ORDER BY sequence LIMIT ?3)"
    " AND (created_at <= ?1 OR sequence <= ?2)";

inline constexpr std::string_view kEraseUnread =
    "DELETE FROM notifications WHERE rowid IN (SELECT rowid FROM notifications INDEXED BY notifications_unread"
    " WHERE user_id = ?1 AND read_at IS NULL LIMIT ?2)";
inline constexpr std::string_view kEraseRead =
    "DELETE FROM notifications WHERE rowid IN (SELECT rowid FROM notifications INDEXED BY notifications_read"
    " WHERE user_id = ?1 AND read_at IS NOT NULL LIMIT ?2)";
inline constexpr std::string_view kEraseKeys =
    "DELETE FROM idempotency_keys WHERE sequence IN"
    " (SELECT sequence FROM idempotency_keys WHERE user_id = ?1 LIMIT ?2)";
inline constexpr std::string_view kSetErased = "UPDATE user_state SET erased_version = version WHERE user_id = ?1";
inline constexpr std::string_view kFreeBytes =
    "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
inline constexpr std::string_view kInsertZeros = "INSERT INTO zeros (bytes) VALUES (zeroblob(?1))";
inline constexpr std::string_view kRemoveZeros = "DELETE FROM zeros";
inline constexpr std::string_view kEraseUser = "DELETE FROM users WHERE id = ?1";

inline constexpr std::string_view kBeat = "UPDATE heartbeat SET beat = beat + 1 WHERE id = 1";

inline constexpr std::string_view kInsertUser =
    "INSERT INTO users (id, email, name, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
inline constexpr std::string_view kReplacePasswordHash =
    "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

inline constexpr std::string_view kInsertSession =
    "INSERT INTO sessions (id, user_id, current, rotations, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
inline constexpr std::string_view kRotateSession =
    "UPDATE sessions SET current = ?3, rotations = ?4 WHERE id = ?1 AND current = ?2";
inline constexpr std::string_view kRemoveSession = "DELETE FROM sessions WHERE id = ?1";
inline constexpr std::string_view kRemoveSessionsOf = "DELETE FROM sessions WHERE user_id = ?1 AND created_at < ?2";
inline constexpr std::string_view kRemoveSessionsBeyond =
    "DELETE FROM sessions WHERE id IN"
    " (SELECT id FROM sessions WHERE user_id = ?1 ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?2)";
inline constexpr std::string_view kRemoveExpiredSessions =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

inline constexpr std::string_view kInsertRevocation =
    "INSERT INTO revocations (id, user_id, token_id, issued_before, revoked_at, expires_at, claim_key, claim_request)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
inline constexpr std::string_view kRemoveExpiredRevocations =
    "DELETE FROM revocations WHERE id IN"
    " (SELECT id FROM revocations WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

// --- Reads

inline constexpr std::string_view kSessionById =
    "SELECT user_id, current, rotations, created_at, expires_at FROM sessions WHERE id = ?1";

#define CARILLON_SELECT_REVOCATION \
    "SELECT id, user_id, token_id, issued_before, revoked_at, expires_at, claim_request FROM revocations "

inline constexpr std::string_view kRevocationByClaim = CARILLON_SELECT_REVOCATION "WHERE claim_key = ?1";
inline constexpr std::string_view kListRevocations =
    CARILLON_SELECT_REVOCATION "WHERE (revoked_at, id) > (?1, ?2) AND expires_at > ?3 ORDER BY revoked_at, id LIMIT ?4";
inline constexpr std::string_view kIsRevoked =
    "SELECT 1 FROM revocations WHERE user_id = ?1 AND expires_at > ?4"
    " AND (token_id = ?2 OR (token_id IS NULL AND issued_before > ?3)) LIMIT 1";

#undef CARILLON_SELECT_REVOCATION

inline constexpr std::string_view kState =
    "SELECT unread, version, read_all_before, read_all_version, erased_version FROM user_state WHERE user_id = ?1";

// What `notification_of` and `creation_of` read (notification_rows.hpp). `version` is the caller's, so that an index
// whose rows have only one version can give the order.
#define CARILLON_SELECT(version)                                                 \
    "SELECT id, user_id, type, title, body, data, created_at, read_at, " version \
    ", created_version FROM "                                                    \
    "notifications "

inline constexpr std::string_view kFind = CARILLON_SELECT("version") "WHERE id = ?1 AND user_id = ?2";

// As it was created, whosever it is.
inline constexpr std::string_view kCreated =
    "SELECT id, user_id, type, title, body, data, created_at, NULL, created_version, created_version"
    " FROM notifications WHERE id = ?1";
inline constexpr std::string_view kKnown = "SELECT 1 FROM notifications WHERE id = ?1";

inline constexpr std::string_view kKeptAnswers =
    "SELECT sequence, created_at, answer FROM idempotency_keys WHERE user_id = ?1 AND sequence > ?2"
    " ORDER BY sequence LIMIT ?3";

#define CARILLON_UNREAD_BEFORE \
    CARILLON_SELECT("version") \
    "INDEXED BY notifications_unread WHERE user_id = ?1 AND created_version < ?2 AND read_at IS NULL"
#define CARILLON_READ_BEFORE   \
    CARILLON_SELECT("version") \
    "INDEXED BY notifications_read WHERE user_id = ?1 AND created_version < ?2 AND read_at IS NOT NULL"
#define CARILLON_NEWEST_FIRST " ORDER BY created_version DESC LIMIT ?3"

inline constexpr std::string_view kListUnread = CARILLON_UNREAD_BEFORE CARILLON_NEWEST_FIRST;
inline constexpr std::string_view kListRead = CARILLON_READ_BEFORE CARILLON_NEWEST_FIRST;
inline constexpr std::string_view kListAll =
    CARILLON_UNREAD_BEFORE " UNION ALL " CARILLON_READ_BEFORE CARILLON_NEWEST_FIRST;

#undef CARILLON_UNREAD_BEFORE
#undef CARILLON_READ_BEFORE
#undef CARILLON_NEWEST_FIRST

// Three kinds of rows: created since and not changed since (unread, read by a read-all), and changed since.
inline constexpr std::string_view kChangedSince =
    CARILLON_SELECT("created_version AS version")
    "INDEXED BY notifications_unread"
    " WHERE user_id = ?1 AND created_version > ?2 AND read_at IS NULL AND version = created_version"
    " UNION ALL " CARILLON_SELECT("created_version AS version")
    "INDEXED BY notifications_read"
    " WHERE user_id = ?1 AND created_version > ?2 AND read_at IS NOT NULL AND version = created_version"
    " UNION ALL " CARILLON_SELECT("version")
    "INDEXED BY notifications_changed WHERE user_id = ?1 AND version > ?2 AND version <> created_version"
    " ORDER BY version LIMIT ?3";

#undef CARILLON_SELECT

// Whatever was created since has changed since. Reads no more than ?3 rows of each kind.
inline constexpr std::string_view kCountChangedSince =
    "SELECT count(*) FROM ("
    "SELECT 1 FROM notifications INDEXED BY notifications_unread"
    " WHERE user_id = ?1 AND created_version > ?2 AND read_at IS NULL"
    " UNION ALL SELECT 1 FROM notifications INDEXED BY notifications_read"
    " WHERE user_id = ?1 AND created_version > ?2 AND read_at IS NOT NULL"
    " UNION ALL SELECT 1 FROM notifications INDEXED BY notifications_changed"
    " WHERE user_id = ?1 AND version > ?2 AND version <> created_version AND created_version <= ?2"
    " LIMIT ?3)";

inline constexpr std::string_view kReadBeat = "SELECT beat FROM heartbeat WHERE id = 1";

#define CARILLON_SELECT_USER "SELECT id, email, name, password_hash, created_at FROM users "

inline constexpr std::string_view kUserByEmail = CARILLON_SELECT_USER "WHERE email = ?1";
inline constexpr std::string_view kUserById = CARILLON_SELECT_USER "WHERE id = ?1";

#undef CARILLON_SELECT_USER

// --- Outbox, by OutboxName

inline constexpr std::array<std::string_view, 2> kInsertEvent{
    "INSERT INTO notification_outbox (event_id, subject, payload, traceparent, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    "INSERT INTO auth_outbox (event_id, subject, payload, traceparent, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
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

// The user's events, whose id ?1 is as the payload writes it. They read the whole table: it is short, since what is in
// it is on its way out, and only the duties to one user ask.
inline constexpr std::string_view kPendingEventsOf =
    "SELECT sequence, event_id, subject, payload, traceparent, created_at FROM notification_outbox"
    " WHERE sequence > ?2 AND json_extract(payload, '$.userId') = ?1 ORDER BY sequence LIMIT ?3";
inline constexpr std::array<std::string_view, 2> kEraseEvents{
    "DELETE FROM notification_outbox WHERE sequence IN (SELECT sequence FROM notification_outbox"
    " WHERE json_extract(payload, '$.userId') = ?1 ORDER BY sequence LIMIT ?2)",
    "DELETE FROM auth_outbox WHERE sequence IN (SELECT sequence FROM auth_outbox"
    " WHERE json_extract(payload, '$.userId') = ?1 ORDER BY sequence LIMIT ?2)",
};

/// At start-up only: it reads the whole table.
inline constexpr std::array<std::string_view, 2> kCountEvents{
    "SELECT count(*) FROM notification_outbox",
    "SELECT count(*) FROM auth_outbox",
};

/// Everything that runs while serving.
inline constexpr std::array kHot{
    kConsumed,
    kConsume,
    kSetState,
    kSetReadAll,
    kFirstAnswer,
    kKeepAnswer,
    kForgetKey,
    kPruneKeys,
    kEraseUnread,
    kEraseRead,
    kEraseKeys,
    kSetErased,
    kEraseUser,

    kInsertSession,
    kRotateSession,
    kRemoveSession,
    kRemoveSessionsOf,
    kRemoveSessionsBeyond,
    kRemoveExpiredSessions,
    kSessionById,
    kInsertRevocation,
    kRemoveExpiredRevocations,
    kRevocationByClaim,
    kListRevocations,
    kIsRevoked,
    kInsertNotification,
    kReadAtOf,
    kMarkRead,
    kReadAll,
    kBeat,
    kInsertUser,
    kState,
    kFind,
    kCreated,
    kKnown,
    kKeptAnswers,
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
