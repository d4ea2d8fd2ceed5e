-- oldest-binary: 0.1.0

CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL,
    email text NOT NULL,
    name text,
    password_hash text NOT NULL
);

-- Addresses are compared without regard to the case of ASCII letters, whatever the database's locale.
CREATE UNIQUE INDEX users_email ON users (lower(email COLLATE "C"));

-- As in the schema `notification`.
CREATE TABLE outbox (
    instance uuid NOT NULL,
    sequence bigint NOT NULL,
    user_id uuid NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    subject text NOT NULL,
    payload text NOT NULL,
    traceparent text NOT NULL,
    PRIMARY KEY (instance, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);

CREATE TABLE outbox_lease (
    instance uuid NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
