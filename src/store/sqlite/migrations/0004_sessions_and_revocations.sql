-- Log-ins that go on by refresh tokens (session_store.hpp). Of a token there is a SHA-256 only.
CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    current BLOB NOT NULL,
    rotations TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Tokens that are good no longer (revocation_store.hpp): one by its `jti`, or a user's by their `iat`.
CREATE TABLE revocations (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    token_id TEXT,
    issued_before INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    claim_key BLOB UNIQUE,
    claim_request BLOB
) STRICT;

CREATE INDEX revocations_user ON revocations (user_id);
CREATE INDEX revocations_time ON revocations (revoked_at, id);
CREATE INDEX revocations_expiry ON revocations (expires_at);
