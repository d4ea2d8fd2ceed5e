#pragma once

#include <vector>

#include "store/postgres/session.hpp"

/// The SQL of the stores, in one place so that a test can hold each statement against the planner: none may read a big
/// table through (`statements_pgtest.cpp`). Tables are found through the session's search path.
namespace carillon::store::postgres::sql {

// --- Transactions

inline constexpr Statement kBegin{"begin", "BEGIN"};
inline constexpr Statement kCommit{"commit", "COMMIT"};
inline constexpr Statement kRollback{"rollback", "ROLLBACK"};
/// For what may be lost with a crash of the server: the commit does not wait for the disk.
inline constexpr Statement kCommitLater{"commit_later", "SET LOCAL synchronous_commit TO off"};
inline constexpr Statement kTransactionId{"transaction_id", "SELECT pg_current_xact_id()"};
inline constexpr Statement kTransactionStatus{"transaction_status", "SELECT pg_xact_status($1::bigint::text::xid8)"};
inline constexpr Statement kPing{"ping", "SELECT 1"};

// --- A batch, first round

/// Locks the rows of users in the order given, and makes those that are missing where $2 says so. A row that is there
/// is only locked: nothing in it changes.
inline constexpr Statement kLockUsers{
    "lock_users",
    "INSERT INTO user_state (user_id)"
    " SELECT u.user_id FROM unnest($1::uuid[], $2::boolean[]) AS u (user_id, makes_row)"
    " WHERE u.makes_row OR (SELECT true FROM user_state s WHERE s.user_id = u.user_id)"
    " ON CONFLICT (user_id) DO UPDATE SET version = 0 WHERE false"};

/// The transaction's id comes with each row.
inline constexpr Statement kLockedStates{
    "locked_states",
    "SELECT user_id, unread, version, read_all_before, read_all_version, pg_current_xact_id()"
    " FROM user_state WHERE user_id = ANY ($1::uuid[])"};

inline constexpr Statement kStoredRows{
    "stored_rows", "SELECT id, user_id, read_at, unread_version FROM notifications WHERE id = ANY ($1::uuid[])"};

inline constexpr Statement kTakenIds{"taken_ids", "SELECT id FROM notifications WHERE id = ANY ($1::uuid[])"};

inline constexpr Statement kTakenKeys{"taken_keys", "SELECT key FROM consumed_events WHERE key = ANY ($1::text[])"};

inline constexpr Statement kUnreadRows{
    "unread_rows",
    "SELECT u.user_id, n.total, n.counted FROM unnest($1::uuid[], $2::bigint[]) AS u (user_id, before),"
    " LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE unread_version <= u.before) AS counted"
    " FROM notifications WHERE user_id = u.user_id AND read_at IS NULL) n"};

/// In the order given; who is not granted does not wait.
inline constexpr Statement kClaimKeys{
    "claim_keys", "SELECT k.lock, pg_try_advisory_xact_lock(k.lock) FROM unnest($1::bigint[]) AS k (lock)"};

inline constexpr Statement kFirstAnswers{
    "first_answers", "SELECT key, request, created_at, answer FROM idempotency_keys WHERE key = ANY ($1::bytea[])"};

// --- A batch, second round

inline constexpr Statement kInsertNotifications{
    "insert_notifications",
    "INSERT INTO notifications (id, user_id, created_at, read_at, created_version, unread_version, version,"
    " type, title, body, data)"
    " SELECT id, user_id, created_at, read_at, created_version, created_version, version, type, title, body, data"
    " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[],"
    " $7::text[], $8::text[], $9::text[], $10::json[])"
    " AS n (id, user_id, created_at, read_at, created_version, version, type, title, body, data)"};

inline constexpr Statement kMarkRead{
    "mark_read",
    "UPDATE notifications n SET read_at = m.read_at, version = m.version"
    " FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) AS m (id, read_at, version) WHERE n.id = m.id"};

inline constexpr Statement kReadAll{
    "read_all",
    "UPDATE notifications n SET read_at = r.read_at"
    " FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS r (user_id, watermark, read_at)"
    " WHERE n.user_id = r.user_id AND n.read_at IS NULL AND n.unread_version <= r.watermark"};

inline constexpr Statement kSetStates{
    "set_states",
    "UPDATE user_state s SET unread = n.unread, version = n.version, read_all_before = n.read_all_before,"
    " read_all_version = n.read_all_version"
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])"
    " AS n (user_id, unread, version, read_all_before, read_all_version) WHERE s.user_id = n.user_id"};

inline constexpr Statement kConsume{
    "consume", "INSERT INTO consumed_events (key, consumed_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])"};

/// A key that is there has expired.
inline constexpr Statement kKeepAnswers{
    "keep_answers",
    "INSERT INTO idempotency_keys AS i (key, request, user_id, created_at, answer)"
    " SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::text[])"
    " ON CONFLICT (key) DO UPDATE SET sequence = excluded.sequence, request = excluded.request,"
    " user_id = excluded.user_id, created_at = excluded.created_at, answer = excluded.answer"};

// --- Erasing a user, in steps of $2 of each kind

inline constexpr Statement kEraseNotifications{
    "erase_notifications",
    "WITH doomed AS ("
    "(SELECT id, true AS unread FROM notifications WHERE user_id = $1::uuid AND read_at IS NULL"
    " ORDER BY created_version LIMIT $2::bigint)"
    " UNION ALL (SELECT id, false FROM notifications WHERE user_id = $1::uuid AND read_at IS NOT NULL"
    " ORDER BY created_version LIMIT $2::bigint) LIMIT $2::bigint),"
    " gone AS (DELETE FROM notifications n USING doomed d WHERE n.id = d.id RETURNING d.unread)"
    " SELECT count(*), count(*) FILTER (WHERE unread) FROM gone"};

// Of all instances. There is no index by user: it would cost every event, and this is rare.
inline constexpr Statement kEraseEvents{
    "erase_events",
    "DELETE FROM outbox WHERE (instance, sequence) IN (SELECT instance, sequence FROM outbox WHERE user_id = $1::uuid"
    " ORDER BY instance, sequence LIMIT $2::bigint FOR UPDATE)"};

inline constexpr Statement kEraseKeys{
    "erase_keys",
    "DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM idempotency_keys WHERE user_id = $1::uuid"
    " ORDER BY sequence LIMIT $2::bigint)"};

inline constexpr Statement kSetErased{
    "set_erased",
    "UPDATE user_state SET unread = $2::bigint, version = $3::bigint, erased_version = $3::bigint"
    " WHERE user_id = $1::uuid"};

/// Of the oldest $3 keys, those that have expired or are too many.
inline constexpr Statement kPruneKeys{
    "prune_keys",
    "DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM (SELECT key, created_at, sequence FROM idempotency_keys"
    " ORDER BY sequence LIMIT $3::bigint FOR UPDATE SKIP LOCKED) old"
    " WHERE created_at <= $1::timestamptz OR sequence <= (SELECT max(sequence) FROM idempotency_keys) - $2::bigint)"};

// --- Outbox

inline constexpr Statement kInsertEvents{
    "insert_events",
    "INSERT INTO outbox (instance, sequence, user_id, event_id, created_at, subject, payload, traceparent)"
    " SELECT $1::uuid, $2::bigint + e.n - 1, e.user_id, e.event_id, e.created_at, e.subject, e.payload, e.traceparent"
    " FROM unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::text[]) WITH ORDINALITY"
    " AS e (user_id, event_id, created_at, subject, payload, traceparent, n)"};

inline constexpr Statement kPendingEvents{
    "pending_events",
    "SELECT sequence, event_id, created_at, subject, payload, traceparent FROM outbox"
    " WHERE instance = $1::uuid AND sequence > $2::bigint AND sequence <= $3::bigint ORDER BY sequence LIMIT "
    "$4::bigint"};

inline constexpr Statement kRemoveEvents{
    "remove_events", "DELETE FROM outbox WHERE instance = $1::uuid AND sequence = ANY ($2::bigint[])"};

inline constexpr Statement kCountEvents{"count_events", "SELECT count(*) FROM outbox WHERE instance = $1::uuid"};

/// Of all instances, in the order of their creation. Not by an index, as `kEraseEvents`.
inline constexpr Statement kPendingEventsOf{
    "pending_events_of",
    "SELECT position, event_id, created_at, subject, payload, traceparent FROM outbox"
    " WHERE user_id = $1::uuid AND position > $2::bigint ORDER BY position LIMIT $3::bigint"};

inline constexpr Statement kKeptAnswers{
    "kept_answers",
    "SELECT sequence, created_at, answer FROM idempotency_keys"
    " WHERE user_id = $1::uuid AND sequence > $2::bigint ORDER BY sequence LIMIT $3::bigint"};

inline constexpr Statement kRenewLease{
    "renew_lease",
    "INSERT INTO outbox_lease AS l (instance, expires_at) VALUES ($1::uuid, now() + $2::bigint * interval '1 ms')"
    " ON CONFLICT (instance) DO UPDATE SET expires_at = excluded.expires_at"};

inline constexpr Statement kDropLease{"drop_lease", "DELETE FROM outbox_lease WHERE instance = $1::uuid"};

/// Instances that have rows in the outbox and no lease that runs. Looks each instance up once, however many rows it
/// has.
inline constexpr Statement kDeadInstances{
    "dead_instances",
    "WITH RECURSIVE i (instance) AS ("
    "(SELECT instance FROM outbox ORDER BY instance LIMIT 1)"
    " UNION ALL"
    " SELECT (SELECT o.instance FROM outbox o WHERE o.instance > i.instance ORDER BY o.instance LIMIT 1)"
    " FROM i WHERE i.instance IS NOT NULL)"
    " SELECT i.instance FROM i WHERE i.instance IS NOT NULL AND i.instance <> $1::uuid"
    " AND NOT EXISTS (SELECT FROM outbox_lease l WHERE l.instance = i.instance AND l.expires_at > now())"};

/// Leases that ran out and whose instances have left nothing.
inline constexpr Statement kDropDeadLeases{"drop_dead_leases",
                                           "DELETE FROM outbox_lease l WHERE l.expires_at < now() - interval '1 minute'"
                                           " AND NOT EXISTS (SELECT FROM outbox o WHERE o.instance = l.instance)"};

/// Takes at most $4 rows of instance $3 over, in their order, under sequences from $2. Rows that another adopter is
/// just taking are left to it.
inline constexpr Statement kAdopt{
    "adopt",
    "WITH taken AS ("
    "SELECT instance, sequence FROM outbox WHERE instance = $3::uuid ORDER BY sequence LIMIT $4::bigint"
    " FOR UPDATE SKIP LOCKED),"
    " numbered AS (SELECT instance, sequence, row_number() OVER (ORDER BY sequence) AS n FROM taken)"
    " UPDATE outbox o SET instance = $1::uuid, sequence = $2::bigint + numbered.n - 1"
    " FROM numbered WHERE o.instance = numbered.instance AND o.sequence = numbered.sequence"
    " RETURNING o.sequence, o.event_id, o.created_at, o.subject, o.payload, o.traceparent"};

// --- Reads of inboxes

// A page of a user's rows, newest first, with the counters of the same snapshot. One row when there are none.
#define CARILLON_COLUMNS "id, user_id, type, title, body, data, created_at, read_at, version, created_version"
#define CARILLON_UNREAD_BEFORE                                                      \
    "(SELECT " CARILLON_COLUMNS                                                     \
    " FROM notifications WHERE user_id = $1::uuid AND created_version < $2::bigint" \
    " AND read_at IS NULL ORDER BY created_version DESC LIMIT $3::bigint)"
#define CARILLON_READ_BEFORE                                                        \
    "(SELECT " CARILLON_COLUMNS                                                     \
    " FROM notifications WHERE user_id = $1::uuid AND created_version < $2::bigint" \
    " AND read_at IS NOT NULL ORDER BY created_version DESC LIMIT $3::bigint)"
#define CARILLON_PAGE_OF(rows)                                              \
    "SELECT s.unread, s.version AS state_version, n.* FROM (SELECT) AS one" \
    " LEFT JOIN user_state s ON s.user_id = $1::uuid"                       \
    " LEFT JOIN (SELECT * FROM (" rows                                      \
    ") r ORDER BY created_version DESC LIMIT $3::bigint) n ON true"         \
    " ORDER BY n.created_version DESC"

inline constexpr Statement kListAll{"list_all",
                                    CARILLON_PAGE_OF(CARILLON_UNREAD_BEFORE " UNION ALL " CARILLON_READ_BEFORE)};
inline constexpr Statement kListUnread{"list_unread", CARILLON_PAGE_OF(CARILLON_UNREAD_BEFORE)};
inline constexpr Statement kListRead{"list_read", CARILLON_PAGE_OF(CARILLON_READ_BEFORE)};

#undef CARILLON_UNREAD_BEFORE
#undef CARILLON_READ_BEFORE
#undef CARILLON_PAGE_OF

inline constexpr Statement kFind{
    "find", "SELECT " CARILLON_COLUMNS " FROM notifications WHERE id = $1::uuid AND user_id = $2::uuid"};

#undef CARILLON_COLUMNS

/// As they were created.
inline constexpr Statement kCreatedRows{
    "created_rows",
    "SELECT id, user_id, type, title, body, data, created_at, NULL::timestamptz, created_version, created_version"
    " FROM notifications WHERE id = ANY ($1::uuid[])"};

inline constexpr Statement kCounts{
    "counts",
    "SELECT u.n, s.unread, s.version FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)"
    " JOIN user_state s ON s.user_id = u.id"};

// Of the changes since version $2: the counters, how many there are ($4 at most are looked at), and the first $3. Three
// kinds of rows: created since and not changed since (unread, or read by a read-all), and changed since. Whatever was
// created since has changed since.
#define CARILLON_CHANGED(version_column)                                                \
    "SELECT id, user_id, type, title, body, data, created_at, read_at, " version_column \
    " AS version, created_version FROM notifications WHERE user_id = $1::uuid"

inline constexpr Statement kChangedSince{
    "changed_since",
    "SELECT s.unread, s.version AS state_version, n.*, s.read_all_before, s.read_all_version, s.erased_version,"
    " (SELECT count(*) FROM ("
    "(SELECT FROM notifications WHERE user_id = $1::uuid AND created_version > $2::bigint AND read_at IS NULL"
    " LIMIT $4::bigint)"
    " UNION ALL (SELECT FROM notifications WHERE user_id = $1::uuid AND created_version > $2::bigint"
    " AND read_at IS NOT NULL LIMIT $4::bigint)"
    " UNION ALL (SELECT FROM notifications WHERE user_id = $1::uuid AND version > $2::bigint"
    " AND version <> created_version AND created_version <= $2::bigint LIMIT $4::bigint)"
    " LIMIT $4::bigint) c) AS changes"
    " FROM (SELECT) AS one LEFT JOIN user_state s ON s.user_id = $1::uuid"
    " LEFT JOIN ("
    "(" CARILLON_CHANGED("created_version")
    " AND created_version > $2::bigint AND read_at IS NULL AND version = created_version"
    " ORDER BY created_version LIMIT $3::bigint)"
    " UNION ALL (" CARILLON_CHANGED("created_version")
    " AND created_version > $2::bigint AND read_at IS NOT NULL AND version = created_version"
    " ORDER BY created_version LIMIT $3::bigint)"
    " UNION ALL (" CARILLON_CHANGED("version")
    " AND version > $2::bigint AND version <> created_version ORDER BY version LIMIT $3::bigint)"
    " ORDER BY version LIMIT $3::bigint) n ON true"
    " ORDER BY n.version"};

#undef CARILLON_CHANGED

// --- Users

inline constexpr Statement kReplacePasswordHash{
    "replace_password_hash",
    "UPDATE users SET password_hash = $3::text WHERE id = $1::uuid AND password_hash = $2::text"};

inline constexpr Statement kInsertUser{
    "insert_user",
    "INSERT INTO users (id, created_at, email, name, password_hash)"
    " VALUES ($1::uuid, $2::timestamptz, $3::text, $4::text, $5::text) ON CONFLICT DO NOTHING"};

#define CARILLON_SELECT_USER "SELECT id, email, name, password_hash, created_at FROM users "

inline constexpr Statement kUserByEmail{
    "user_by_email", CARILLON_SELECT_USER "WHERE lower(email COLLATE \"C\") = lower($1::text COLLATE \"C\")"};
inline constexpr Statement kUserById{"user_by_id", CARILLON_SELECT_USER "WHERE id = $1::uuid"};

#undef CARILLON_SELECT_USER

inline constexpr Statement kEraseUser{
    "erase_user",
    "WITH gone AS (DELETE FROM users WHERE id = $1::uuid RETURNING id),"
    " events AS (DELETE FROM outbox o USING gone WHERE o.user_id = gone.id),"
    " ended AS (DELETE FROM sessions WHERE user_id = $1::uuid) SELECT count(*) FROM gone"};

// --- Sessions and revocations

inline constexpr Statement kInsertSession{
    "insert_session",
    "INSERT INTO sessions (id, user_id, current, rotations, created_at, expires_at)"
    " VALUES ($1::uuid, $2::uuid, $3::bytea, $4::text, $5::timestamptz, $6::timestamptz)"};
inline constexpr Statement kSessionById{
    "session_by_id", "SELECT user_id, current, rotations, created_at, expires_at FROM sessions WHERE id = $1::uuid"};
inline constexpr Statement kRotateSession{
    "rotate_session",
    "UPDATE sessions SET current = $3::bytea, rotations = $4::text WHERE id = $1::uuid AND current = $2::bytea"};
inline constexpr Statement kRemoveSession{"remove_session", "DELETE FROM sessions WHERE id = $1::uuid"};
inline constexpr Statement kRemoveSessionsOf{
    "remove_sessions_of", "DELETE FROM sessions WHERE user_id = $1::uuid AND created_at < $2::timestamptz"};
inline constexpr Statement kRemoveSessionsBeyond{
    "remove_sessions_beyond",
    "DELETE FROM sessions WHERE id = ANY (ARRAY(SELECT id FROM sessions WHERE user_id = $1::uuid"
    " ORDER BY created_at DESC, id DESC OFFSET $2::bigint))"};
inline constexpr Statement kRemoveExpiredSessions{
    "remove_expired_sessions",
    "DELETE FROM sessions WHERE id = ANY (ARRAY(SELECT id FROM sessions WHERE expires_at <= $1::timestamptz"
    " ORDER BY expires_at LIMIT $2::bigint))"};

#define CARILLON_SELECT_REVOCATION \
    "SELECT id, user_id, token_id, issued_before, revoked_at, expires_at, claim_request FROM revocations "

inline constexpr Statement kInsertRevocation{
    "insert_revocation",
    "INSERT INTO revocations (id, user_id, token_id, issued_before, revoked_at, expires_at, claim_key, claim_request)"
    " VALUES ($1::uuid, $2::uuid, $3::text, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7::bytea, $8::bytea)"
    " ON CONFLICT (claim_key) DO NOTHING"};
inline constexpr Statement kRevocationByClaim{"revocation_by_claim",
                                              CARILLON_SELECT_REVOCATION "WHERE claim_key = $1::bytea"};
inline constexpr Statement kRemoveExpiredRevocations{
    "remove_expired_revocations",
    "DELETE FROM revocations WHERE id = ANY (ARRAY(SELECT id FROM revocations WHERE expires_at <= $1::timestamptz"
    " ORDER BY expires_at LIMIT $2::bigint))"};
inline constexpr Statement kListRevocations{
    "list_revocations", CARILLON_SELECT_REVOCATION
    "WHERE (revoked_at, id) > ($1::timestamptz, $2::uuid) AND expires_at > $3::timestamptz"
    " ORDER BY revoked_at, id LIMIT $4::bigint"};
inline constexpr Statement kIsRevoked{
    "is_revoked",
    "SELECT 1 FROM revocations WHERE user_id = $1::uuid AND expires_at > $4::timestamptz"
    " AND (token_id = $2::text OR (token_id IS NULL AND issued_before > $3::timestamptz)) LIMIT 1"};

#undef CARILLON_SELECT_REVOCATION

// --- What each kind of session prepares

/// Changes of inboxes.
const std::vector<const Statement*>& inbox_writes();
/// Everything else of the schema `notification`.
const std::vector<const Statement*>& inbox_reads();
/// Of the schema `auth`.
const std::vector<const Statement*>& user_writes();
const std::vector<const Statement*>& user_reads();

}  // namespace carillon::store::postgres::sql
