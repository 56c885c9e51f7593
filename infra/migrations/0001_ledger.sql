-- The event log and what the append needs beside it. Runs with search_path set to the ledger's schema.

CREATE TABLE roots (
    root_id   uuid PRIMARY KEY,
    kind      text NOT NULL,
    number    bigint UNIQUE,
    system_id uuid,
    status    text NOT NULL,
    version   integer NOT NULL,
    structure integer NOT NULL DEFAULT 0,
    at        timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE roots IS 'Head row of every record: lock, guard and order of its history in one row.';
COMMENT ON COLUMN roots.structure IS 'Grows when something below is deleted or restored, so that a write that saw it alive can tell.';

CREATE TABLE events (
    notification_id    bigint GENERATED ALWAYS AS IDENTITY,
    xid                xid8 NOT NULL DEFAULT pg_current_xact_id(),
    originator_id      uuid NOT NULL,
    originator_version integer NOT NULL,
    root_id            uuid NOT NULL,
    root_version       integer NOT NULL,
    kind               text NOT NULL,
    topic              text NOT NULL,
    schema_number      smallint NOT NULL,
    state              bytea NOT NULL,
    metadata           bytea NOT NULL,
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX events_by_root ON events (root_id, root_version);
CREATE INDEX events_in_order ON events (xid, notification_id);

CREATE TABLE members (
    stream_id uuid PRIMARY KEY,
    root_id   uuid NOT NULL,
    parent_id uuid NOT NULL,
    kind      text NOT NULL,
    position  bigint NOT NULL,
    live      boolean NOT NULL
);
CREATE INDEX members_by_parent ON members (parent_id, kind);
CREATE INDEX members_by_root ON members (root_id, kind);
COMMENT ON TABLE members IS 'What belongs to what, in which order, alive or not: deciding an order or a limit needs it.';

CREATE TABLE idempotency (
    actor_id    uuid NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    command_id  uuid NOT NULL,
    status      smallint NOT NULL,
    headers     jsonb NOT NULL,
    body        bytea,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (actor_id, key)
);

CREATE TABLE counters (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO counters VALUES ('test_run', 0);

CREATE TABLE users (
    actor_id uuid PRIMARY KEY,
    email    text UNIQUE,
    name     text NOT NULL DEFAULT ''
);
