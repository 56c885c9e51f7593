-- The reports that nobody has ended yet, and who works at them. Runs with search_path set to the ledger's schema.

CREATE TABLE report_jobs (
    report_id    uuid PRIMARY KEY,
    run_id       uuid NOT NULL,
    noted_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts     integer NOT NULL DEFAULT 0,
    fence        bigint NOT NULL DEFAULT 0,
    leased_until timestamptz,
    not_before   timestamptz NOT NULL DEFAULT '-infinity',
    error        text
) WITH (fillfactor = 50);
COMMENT ON TABLE report_jobs IS 'Operational state, no view: a row from the request of a report to its end. Who is asked for and has no row has ended.';
COMMENT ON COLUMN report_jobs.attempts IS 'Counted when a lease is taken, so that a worker that dies has used one up.';
COMMENT ON COLUMN report_jobs.fence IS 'Grows with every lease: whoever holds an older one can write nothing any more.';
COMMENT ON COLUMN report_jobs.error IS 'Why the last attempt came to nothing, where its worker lived to tell.';
