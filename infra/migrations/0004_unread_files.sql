-- Trouble with reading data files for the first time. Runs with search_path set to the ledger's schema.

CREATE TABLE unread_files (
    file_id    uuid PRIMARY KEY,
    tries      integer NOT NULL DEFAULT 1,
    not_before timestamptz NOT NULL,
    fault      text
);
COMMENT ON TABLE unread_files IS 'Files whose object could not be read from end to end yet, and when it is tried again; without a row it never was tried.';
COMMENT ON COLUMN unread_files.fault IS 'Why no repetition is likely to mend it: the object is gone or was replaced. NULL while S3 is only away.';
