-- The sequence over the log and what follows it. Runs with search_path set to the ledger's schema.

CREATE TABLE ledger (
    seq                bigint PRIMARY KEY,
    notification_id    bigint NOT NULL,
    originator_id      uuid NOT NULL,
    originator_version integer NOT NULL,
    event_hash         bytea NOT NULL,
    chain_hash         bytea NOT NULL
);
CREATE UNIQUE INDEX ledger_by_event ON ledger (originator_id, originator_version);
COMMENT ON TABLE ledger IS 'The gapless order of finished events, 1, 2, 3 ..., and the hash chain over them.';

CREATE TABLE ledger_head (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq        bigint NOT NULL,
    chain_hash bytea NOT NULL,
    at         timestamptz NOT NULL
) WITH (fillfactor = 20);
INSERT INTO ledger_head (seq, chain_hash, at) VALUES (0, decode(repeat('00', 32), 'hex'), '-infinity');
COMMENT ON COLUMN ledger_head.at IS 'Recorded time of the last event in the sequence: no later append may claim an earlier one, whatever the clock says.';

CREATE TABLE checkpoints (
    seq        bigint PRIMARY KEY,
    chain_hash bytea NOT NULL,
    at         timestamptz NOT NULL,
    key_id     text NOT NULL,
    signature  bytea NOT NULL
);

CREATE TABLE signing_keys (
    key_id     text PRIMARY KEY,
    public_key bytea NOT NULL,
    at         timestamptz NOT NULL,
    signed_by  text NOT NULL,
    signature  bytea NOT NULL
);
COMMENT ON TABLE signing_keys IS 'Public keys that sign checkpoints. Each is vouched for by the key before it, the first one by itself.';

CREATE TABLE followers (
    name       text PRIMARY KEY,
    seq        bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE parked (
    follower   text NOT NULL,
    root_id    uuid NOT NULL,
    seq        bigint NOT NULL,
    attempts   integer NOT NULL,
    error      text NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    wanted     text,
    reason     text,
    PRIMARY KEY (follower, root_id)
);
COMMENT ON COLUMN parked.seq IS 'The first event of the root that the follower has not taken.';
COMMENT ON COLUMN parked.wanted IS 'What an operator asked for: retry or skip.';

CREATE TABLE rebuilds (
    rebuild_id  uuid PRIMARY KEY,
    state       text NOT NULL,
    fingerprint text NOT NULL,
    asked_by    uuid,
    done        bigint NOT NULL DEFAULT 0,
    total       bigint NOT NULL DEFAULT 0,
    differences json,
    error       text,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at    timestamptz
);
CREATE UNIQUE INDEX rebuilds_one_at_a_time ON rebuilds ((true)) WHERE state IN ('asked', 'running');

CREATE TABLE view_set (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    fingerprint text NOT NULL,
    built_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE view_set IS 'Which definitions the live views were built from.';
