-- Who was denied, who read what others may not, and when tokens were last used. Runs with search_path set to the ledger's schema.

CREATE TABLE access_log (
    entry_id   uuid PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    status     smallint NOT NULL,
    reason     text NOT NULL,
    method     text NOT NULL,
    path       text NOT NULL,
    actor_id   uuid,
    token_id   uuid,
    role       text,
    request_id text NOT NULL,
    client     text NOT NULL
);
CREATE INDEX access_log_by_actor ON access_log (actor_id, entry_id);
CREATE INDEX access_log_by_status ON access_log (status, entry_id);
COMMENT ON TABLE access_log IS 'The app may add and read; only the owner can take old entries away.';
COMMENT ON COLUMN access_log.path IS 'Without the query, and with whatever looks like a token taken out.';

CREATE TABLE token_uses (
    token_id uuid PRIMARY KEY,
    used_at  timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE token_uses IS 'Operational state, no view: about when each token was last used, to a minute.';
