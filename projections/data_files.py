"""Data files as seen: the records of objects in S3."""

from domain.changes import Change
from domain.data_files import (
    FileAssociated,
    FileDeleted,
    FileDissociated,
    FileRegistered,
    FileRestored,
    FileVerified,
)
from projections.cards import CARDS
from projections.rows import Rows
from projections.runs import RUNS
from projections.steps import STEPS
from projections.tables import Table

# `card_ids` and `step_ids` stand side by side: each pair is an association, with no step where the file belongs to the whole card.
FILES = Table(
    "files",
    "file_id",
    "run_id",
    {
        "file_id": "uuid NOT NULL",
        "run_id": "uuid NOT NULL",
        "file_name": "text NOT NULL",
        "s3_url": "text NOT NULL",
        "file_size": "bigint NOT NULL",
        "content_type": "text NOT NULL",
        "s3_version_id": "text",
        "s3_etag": "text NOT NULL",
        "sha256": "text",
        "uploaded_by": "uuid NOT NULL",
        "created_at": "timestamptz NOT NULL",
        "recorded": "integer NOT NULL",
        "deleted": "boolean NOT NULL",
        "version": "integer NOT NULL",
        "card_ids": "uuid[] NOT NULL",
        "step_ids": "uuid[] NOT NULL",
    },
    ("(run_id)", "USING gin (step_ids)", "(created_at) WHERE sha256 IS NULL AND NOT deleted"),
)


def project(change: Change, rows: Rows) -> None:
    file, event = change.stream_id, change.event
    match event:
        case FileRegistered():
            _register(change, event, rows)
        case FileVerified():
            rows.set(FILES, file, sha256=event.sha256)
        case FileAssociated() | FileDissociated():
            places = change.after.associations
            rows.set(FILES, file, card_ids=[p.card_id for p in places], step_ids=[p.step_id for p in places])
            if event.step_id is None:
                rows.set(CARDS, event.card_id, updated_at=change.at)
            else:
                rows.set(STEPS, event.step_id, updated_at=change.at)
        case FileDeleted() | FileRestored():
            rows.set(FILES, file, deleted=change.after.deleted)
            rows.add(RUNS, change.root_id, file_count=-1 if change.after.deleted else 1)
    rows.set(FILES, file, version=change.version)


def _register(change: Change, event: FileRegistered, rows: Rows) -> None:
    rows.put(
        FILES,
        change.stream_id,
        run_id=change.root_id,
        file_name=event.file_name,
        s3_url=event.s3_url,
        file_size=event.file_size,
        content_type=event.content_type,
        s3_version_id=event.s3_version_id,
        s3_etag=event.s3_etag,
        sha256=None,
        uploaded_by=change.actor_id,
        created_at=change.at,
        recorded=change.wide,
        deleted=False,
        version=change.version,
        card_ids=[],
        step_ids=[],
    )
    rows.add(RUNS, change.root_id, file_count=1)
