"""Where the present state of a request's target is read: its root, and the document that a GET of it answers."""

from typing import Any
from uuid import UUID

from commands.work import Target
from projections import catalogue_documents, documents


def root(target: Target) -> tuple[str, tuple[Any, ...]]:
    """A query of (root id, system id, status, version)."""
    column = "number" if isinstance(target.ref, int) else "root_id"
    return f"SELECT root_id, system_id, status, version FROM roots WHERE kind = %s AND {column} = %s", (target.kind, target.ref)


def document(target: Target, root_id: UUID, reach: list[UUID] | None) -> tuple[str, dict[str, Any]]:
    """A query of (own version, wide version, JSON bytes), for a reader of these systems; no row for what is deleted."""
    kind = target.below[-1][0] if target.below else target.kind
    params = {f"{below}_id": stream_id for below, stream_id in target.below}
    sql = documents.DETAIL[kind] if kind in documents.DETAIL else catalogue_documents.one(kind, live=True)
    return sql, {"run_id": root_id, "root_id": root_id, "reach": reach, **params}
