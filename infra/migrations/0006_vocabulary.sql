-- The words that were ever written, so that a mistyped one is found.

CREATE FUNCTION slips(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT DISTINCT left(word, n) || right(word, -1 - n) FROM generate_series(0, length(word) - 1) n) || word;
COMMENT ON FUNCTION slips IS 'The word, and the word without any one letter. Two words that are one slip apart, be it a letter too many, too few, another or two that are swapped, share one of these.';

CREATE TABLE vocabulary (
    word  text PRIMARY KEY,
    slips text[] NOT NULL GENERATED ALWAYS AS (slips(word)) STORED
);
CREATE INDEX vocabulary_by_slip ON vocabulary USING gin (slips);
COMMENT ON TABLE vocabulary IS 'Operational state, no view: words of search documents of now and before, in lower case. What is no more in any document finds nothing.';
