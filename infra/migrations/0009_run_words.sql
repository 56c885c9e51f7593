-- The words of each run, so that the runs which have a common word are counted without reading their documents.

CREATE TABLE run_words (
    run_id        uuid PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    has_exception boolean NOT NULL,
    titles        tsvector NOT NULL,
    words         tsvector NOT NULL
);
CREATE INDEX run_words_by_title ON run_words USING gin (titles) WITH (fastupdate = off);
CREATE INDEX run_words_by_word ON run_words USING gin (words) WITH (fastupdate = off);
COMMENT ON TABLE run_words IS 'Operational state, no view: the words of all visible search documents of a run, without positions. A deleted run has no row.';
COMMENT ON COLUMN run_words.has_exception IS 'Whether a step has one: then an outcome without an exception may take words away.';

CREATE TABLE stale_runs (
    run_id   uuid PRIMARY KEY,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX stale_runs_oldest ON stale_runs (noted_at);
COMMENT ON TABLE stale_runs IS 'Runs whose words may be others than those in run_words.';

CREATE TABLE run_words_noted (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    xid            xid8 NOT NULL,
    views_built_at timestamptz NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE run_words_noted IS 'Of every event of a transaction before this one the run was noted in stale_runs, and of every run of the views of that moment.';
