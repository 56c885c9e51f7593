"""The JSON documents and lists of the catalogue."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.facts import Kind
from projections.documents import email

_WHO = f"'created_by', {email('t.created_by')}, 'created_at', stamp(t.created_at)"
_WHEN = "'updated_at', stamp(t.updated_at)"


class Shelf(NamedTuple):
    """How one kind is shown: its table, key, document and the text column that `search` looks into."""

    table: str
    key: str
    document: str
    search: str
    shared: bool = True


SHELVES = {
    Kind.SYSTEM: Shelf(
        "systems",
        "system_id",
        f"""json_build_object('system_id', t.system_id, 'system_name', t.system_name, 'description', t.description,
        'has_blueprints', false, {_WHO}, 'is_deleted', t.deleted)""",
        "system_name",
        shared=False,
    ),
    Kind.ASSET: Shelf(
        "assets",
        "asset_id",
        f"""json_build_object('uuid', t.asset_id, 'name', t.name, 'serial_number', t.serial_number, 'part_number', t.part_number,
        'revision', t.revision, 'system_id', t.system_id, 'description', t.description, {_WHO}, {_WHEN})""",
        "name",
    ),
    Kind.ISSUE: Shelf(
        "issues",
        "issue_id",
        f"""json_build_object('uuid', t.issue_id, 'title', t.title, 'description', t.description, 'status', t.status,
        'priority', t.priority, 'tags', to_json(t.tags), 'owner', t.owner, 'resolution_summary', t.resolution_summary,
        'attachment_ids', to_json(t.attachment_ids), 'session_ids', to_json(t.session_ids), 'system_id', t.system_id,
        {_WHO}, {_WHEN})""",
        "title",
    ),
    Kind.CARD_TEMPLATE: Shelf(
        "card_templates",
        "template_id",
        f"""json_build_object('uuid', t.template_id, 'title', t.title, 'description', t.description, 'version', t.template_version,
        'system_id', t.system_id, 'steps', t.steps, {_WHO}, {_WHEN})""",
        "title",
    ),
}


def one(kind: Kind, *, live: bool = False) -> str:
    """A query of (own version, wide version, JSON bytes) for `root_id`; with `live` a deleted one has no row."""
    shelf = SHELVES[kind]
    sql = (
        f"SELECT t.version, t.version, convert_to(({shelf.document})::text, 'UTF8') FROM {shelf.table} t WHERE t.{shelf.key} = %(root_id)s"
    )
    return sql + " AND NOT t.deleted" if live else sql


def page(
    kind: Kind, limit: int, scope: list[UUID] | None, filters: dict[str, Any], after: tuple[datetime, UUID] | None
) -> tuple[str, dict[str, Any]]:
    """A query of (JSON bytes, matches in all, created_at and id of the last row, whether more follow), newest first."""
    shelf = SHELVES[kind]
    where, params = _where(shelf, scope, filters)
    params |= {"limit": limit, "probe": limit + 1}
    beyond = ""
    if after is not None:
        beyond = f" AND (t.created_at < %(at)s OR (t.created_at = %(at)s AND t.{shelf.key} > %(id)s))"
        params |= {"at": after[0], "id": after[1]}
    order = f"t.created_at DESC, t.{shelf.key}"
    sql = f"""WITH page AS MATERIALIZED (
        SELECT t.*, row_number() OVER (ORDER BY {order}) AS place FROM (
          SELECT * FROM {shelf.table} t WHERE {where}{beyond} ORDER BY {order} LIMIT %(probe)s) t)
      SELECT convert_to(json_build_object('items', coalesce((SELECT json_agg({shelf.document} ORDER BY t.place) FROM page t
            WHERE t.place <= %(limit)s), '[]'), 'count', (SELECT count(*) FROM page WHERE place <= %(limit)s))::text, 'UTF8'),
        (SELECT count(*) FROM {shelf.table} t WHERE {where}), last.created_at, last.{shelf.key}, (SELECT count(*) FROM page) > %(limit)s
      FROM (SELECT 1) one LEFT JOIN page last ON last.place = %(limit)s"""
    return sql, params


def _where(shelf: Shelf, scope: list[UUID] | None, filters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    clauses, params = ["TRUE"], dict(filters)
    if not params.pop("is_deleted", False):
        clauses.append("NOT t.deleted")
    if scope is not None:
        clauses.append("(t.system_id = ANY(%(scope)s)" + (" OR t.system_id IS NULL)" if shelf.shared else ")"))
        params["scope"] = scope
    if "search" in params:
        clauses.append(f"strpos(lower(t.{shelf.search}), lower(%(search)s)) > 0")
    if "tag" in params:
        clauses.append("%(tag)s = ANY(t.tags)")
    clauses += [f"t.{name} = %({name})s" for name in ("status", "priority", "system_id") if name in params]
    return " AND ".join(clauses), params
