-- What search needs of PostgreSQL; the extension is trusted, so the owner of the database may create it.

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

CREATE TABLE document_vectors (
    document_id uuid NOT NULL,
    run_id      uuid NOT NULL,
    model       text NOT NULL,
    text_hash   bytea NOT NULL,
    embedding   halfvec NOT NULL,
    embedded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (document_id, model)
);
COMMENT ON TABLE document_vectors IS 'Operational state, no view: a vector for each search document, which may be made again from its text. Each model has an index of its own.';
COMMENT ON COLUMN document_vectors.text_hash IS 'SHA-256 of the text that was embedded; where it is not that of the document, the vector is out of date.';

CREATE TABLE documents_to_embed (
    document_id   uuid PRIMARY KEY,
    noted_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    claim         uuid,
    claimed_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX documents_to_embed_newest ON documents_to_embed (noted_at DESC);
COMMENT ON COLUMN documents_to_embed.claim IS 'Whose turn it is. Noting a document again takes the claim away, so that no vector of an old text ends the wait.';

CREATE TABLE embedded_model (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    model          text NOT NULL,
    views_built_at timestamptz NOT NULL
);
COMMENT ON TABLE embedded_model IS 'Every document of the views of that moment either has a vector of this model or waits in documents_to_embed.';
