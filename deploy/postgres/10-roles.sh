#!/bin/sh
# Runs once, as PostgreSQL's superuser, when the database's volume is new: the ledger's owner, the app's role, the extensions.
# Needs POSTGRES_USER, RUNLEDGER_OWNER_PASSWORD and RUNLEDGER_APP_PASSWORD.
set -eu
psql --set=ON_ERROR_STOP=1 --set=owner="$RUNLEDGER_OWNER_PASSWORD" --set=app="$RUNLEDGER_APP_PASSWORD" \
  --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE runledger_owner LOGIN PASSWORD :'owner';
CREATE ROLE runledger_app LOGIN PASSWORD :'app';
CREATE DATABASE runledger OWNER runledger_owner;
REVOKE ALL ON DATABASE runledger FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE runledger TO runledger_app;
\connect runledger
CREATE EXTENSION vector;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
SQL
