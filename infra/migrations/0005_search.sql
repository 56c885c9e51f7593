-- What search needs of PostgreSQL; both extensions are trusted, so the owner of the database may create them.

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
