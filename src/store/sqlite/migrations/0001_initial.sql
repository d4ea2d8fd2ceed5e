-- Times are milliseconds since the Unix epoch, UTC. Ids are the 16 bytes of a UUID.

-- One row of an inbox. The rowid keeps inserts at the end of the file, whatever the ids are.
CREATE TABLE notifications (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT,
    data TEXT,
    created_at INTEGER NOT NULL,
    read_at INTEGER,
    created_version INTEGER NOT NULL,
    unread_version INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- Each row is in one of the first two, so that a creation touches only one of them: the list is both merged. What
-- changed after its creation is in the third too; the rest changed last when it was created.
CREATE INDEX notifications_unread ON notifications (user_id, created_version, unread_version) WHERE read_at IS NULL;
CREATE INDEX notifications_read ON notifications (user_id, created_version) WHERE read_at IS NOT NULL;
CREATE INDEX notifications_changed ON notifications (user_id, version, created_version)
    WHERE version <> created_version;

-- The exact counters of one user, and the newest read-all: what it read (`read_all_before`) and when it was applied.
CREATE TABLE user_state (
    user_id BLOB NOT NULL PRIMARY KEY,
    unread INTEGER NOT NULL CHECK (unread >= 0),
    version INTEGER NOT NULL,
    read_all_before INTEGER NOT NULL DEFAULT 0,
    read_all_version INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What was deleted, and by which version.
CREATE TABLE tombstones (
    user_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    notification_id BLOB NOT NULL,
    PRIMARY KEY (user_id, version)
) STRICT, WITHOUT ROWID;

-- Events from the bus that were applied. Kept for ever: an event may come again after any time.
CREATE TABLE consumed_events (
    key TEXT NOT NULL PRIMARY KEY,
    consumed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    email TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name TEXT,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Events that were committed and not yet acknowledged by the bus. AUTOINCREMENT: a sequence is never given twice.
CREATE TABLE notification_outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE auth_outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Written by the health check, so that it finds out whether writes work.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    beat INTEGER NOT NULL
) STRICT;
INSERT INTO heartbeat (id, beat) VALUES (1, 0);
