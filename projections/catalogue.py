"""The catalogue as seen: systems, assets, issues and card templates. Each row is its entity's state."""

from typing import Any

import msgspec

from domain.changes import Change
from domain.facts import Kind
from projections.rows import Rows
from projections.tables import Table

_COMMON = {
    "created_by": "uuid NOT NULL",
    "created_at": "timestamptz NOT NULL",
    "updated_at": "timestamptz NOT NULL",
    "deleted": "boolean NOT NULL",
    "version": "integer NOT NULL",
}

SYSTEMS = Table(
    "systems",
    "system_id",
    "system_id",
    {"system_id": "uuid NOT NULL", "system_name": "text NOT NULL", "description": "text", **_COMMON},
    ("(created_at DESC, system_id)",),
)
ASSETS = Table(
    "assets",
    "asset_id",
    "asset_id",
    {
        "asset_id": "uuid NOT NULL",
        "name": "text NOT NULL",
        "serial_number": "text",
        "part_number": "text",
        "revision": "text",
        "system_id": "uuid",
        "description": "text NOT NULL",
        **_COMMON,
    },
    ("(created_at DESC, asset_id) WHERE NOT deleted",),
)
ISSUES = Table(
    "issues",
    "issue_id",
    "issue_id",
    {
        "issue_id": "uuid NOT NULL",
        "title": "text NOT NULL",
        "description": "json NOT NULL",
        "status": "text NOT NULL",
        "priority": "text NOT NULL",
        "tags": "text[] NOT NULL",
        "owner": "text NOT NULL",
        "resolution_summary": "text",
        "attachment_ids": "uuid[] NOT NULL",
        "session_ids": "uuid[] NOT NULL",
        "system_id": "uuid",
        **_COMMON,
    },
    ("(created_at DESC, issue_id) WHERE NOT deleted",),
)
CARD_TEMPLATES = Table(
    "card_templates",
    "template_id",
    "template_id",
    {
        "template_id": "uuid NOT NULL",
        "title": "text NOT NULL",
        "description": "text NOT NULL",
        "steps": "json NOT NULL",
        "system_id": "uuid",
        "template_version": "integer NOT NULL",
        **_COMMON,
    },
    ("(created_at DESC, template_id) WHERE NOT deleted",),
)
TABLES = {Kind.SYSTEM: SYSTEMS, Kind.ASSET: ASSETS, Kind.ISSUE: ISSUES, Kind.CARD_TEMPLATE: CARD_TEMPLATES}


def project(change: Change, rows: Rows) -> None:
    """A creation puts the whole state; later facts set the members that they changed."""
    table = TABLES[change.kind]
    if change.before is None:
        state = _columns(change.after)
        stamps = {"created_by": change.actor_id, "created_at": change.at}
        rows.put(table, change.stream_id, **state, **stamps, updated_at=change.at, version=change.version)
        return
    before, after = _columns(change.before), _columns(change.after)
    rows.set(table, change.stream_id, **{c: v for c, v in after.items() if before[c] is not v})  # equal is not enough: 1 == True
    rows.set(table, change.stream_id, updated_at=change.at, version=change.version)


def _columns(state: msgspec.Struct) -> dict[str, Any]:
    values = {f: getattr(state, f) for f in state.__struct_fields__}
    if "steps" in values:
        values["template_version"] = values.pop("version")
    return values
