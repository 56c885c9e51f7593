-- What search needs of PostgreSQL; both extensions are trusted, so the owner of the database may create them.

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

CREATE TABLE document_vectors (
    document_id uuid NOT NULL,
    run_id      uuid NOT NULL,
    model       text NOT NULL,
    text_hash   bytea NOT NULL,
    embedding   halfvec NOT NULL,
    PRIMARY KEY (document_id, model)
);
COMMENT ON TABLE document_vectors IS 'What search documents mean, by model. No view: it survives a rebuild, and follows the texts a moment later.';
