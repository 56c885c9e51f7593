-- People who came with a token of an OIDC issuer. Runs with search_path set to the ledger's schema.

CREATE TABLE sign_ins (
    issuer         text NOT NULL,
    subject_sha256 bytea NOT NULL,
    actor_id       uuid NOT NULL REFERENCES users,
    PRIMARY KEY (issuer, subject_sha256),
    UNIQUE (issuer, actor_id)
);
COMMENT ON TABLE sign_ins IS 'Whose subject an actor is: an e-mail that went to somebody else is not the same person. A row outlives the erasure.';
