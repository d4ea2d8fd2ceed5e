-- oldest-binary: 0.1.0

-- Log-ins that go on by refresh tokens (session_store.hpp). Of a token there is a SHA-256 only.
CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    current bytea NOT NULL,
    rotations text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Tokens that are good no longer (revocation_store.hpp): one by its `jti`, or a user's by their `iat`.
CREATE TABLE revocations (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    token_id text,
    issued_before timestamptz NOT NULL,
    revoked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    claim_key bytea UNIQUE,
    claim_request bytea
);

CREATE INDEX revocations_user ON revocations (user_id);
CREATE INDEX revocations_time ON revocations (revoked_at, id);
CREATE INDEX revocations_expiry ON revocations (expires_at);
