-- oldest-binary: 0.1.0

-- One row of an inbox. Columns of fixed width come first, so that none is padded.
CREATE TABLE notifications (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    created_version bigint NOT NULL,
    unread_version bigint NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    title text NOT NULL,
    body text,
    data json
);

-- Each row is in one of the first two, so that a creation touches only one of them: the list is both merged. What
-- changed after its creation is in the third too; the rest changed last when it was created.
CREATE INDEX notifications_unread ON notifications (user_id, created_version, unread_version) WHERE read_at IS NULL;
CREATE INDEX notifications_read ON notifications (user_id, created_version) WHERE read_at IS NOT NULL;
CREATE INDEX notifications_changed ON notifications (user_id, version, created_version)
    WHERE version <> created_version;

-- The exact counters of one user, and the newest read-all: what it read (`read_all_before`) and when it was applied.
-- Half of each page is left free, so that a change finds room beside the row it replaces, and no index is touched.
CREATE TABLE user_state (
    user_id uuid NOT NULL PRIMARY KEY,
    unread bigint NOT NULL DEFAULT 0 CHECK (unread >= 0),
    version bigint NOT NULL DEFAULT 0,
    read_all_before bigint NOT NULL DEFAULT 0,
    read_all_version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Events from the bus that were applied. Kept for ever: an event may come again after any time.
CREATE TABLE consumed_events (
    key text COLLATE "C" NOT NULL PRIMARY KEY,
    consumed_at timestamptz NOT NULL
);

-- Events that were committed and not yet acknowledged by the bus. Each belongs to the instance that publishes it, which
-- gives the sequence. Rows come and go all the time, so the table is vacuumed by count and not by its size.
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

-- Until when an instance answers for its rows in the outbox. One that lets it run out loses them to the others.
CREATE TABLE outbox_lease (
    instance uuid NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
