-- Answers that are kept so that a call may be repeated: one row for each key (idempotency.hpp). AUTOINCREMENT: the oldest
-- is the one with the smallest sequence, and the numbers say how many there are at most.
CREATE TABLE idempotency_keys (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    request BLOB NOT NULL,
    user_id BLOB,
    created_at INTEGER NOT NULL,
    answer TEXT NOT NULL
) STRICT;

CREATE INDEX idempotency_keys_user ON idempotency_keys (user_id, sequence) WHERE user_id IS NOT NULL;

-- The version at which notifications of the user were last erased. Who knows only older ones must forget what he has: so
-- there is nothing to remember about each.
ALTER TABLE user_state ADD COLUMN erased_version INTEGER NOT NULL DEFAULT 0;
DROP TABLE tombstones;
