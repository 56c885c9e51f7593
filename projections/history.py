"""The history of a root: its events, page by page."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from domain.changes import HOST
from projections.documents import email

HOST_NAME = "system"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How an event came about: what its metadata tells to readers."""

    event_id: UUID
    surface: str = ""
    client: str = ""
    request_id: str = ""
    reason: str | None = None


class Line(NamedTuple):
    """One event as listed. `position` and `chain` are None until the event has its place; `bare`: what changed is not told."""

    version: int
    stream_id: UUID
    kind: str
    topic: str
    at: str
    actor: str
    metadata: str
    position: int | None
    chain: str | None
    bare: bool


class Page(NamedTuple):
    lines: list[Line]
    total: int
    more: bool


class HistoryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`everything`: also the events of what is deleted. `after` is the version of the last event of the page before."""

    root_id: UUID
    everything: bool
    limit: int
    newest_first: bool = False
    after: int | None = None
    kind: str | None = None
    component_id: UUID | None = None
    topics: list[str] | None = None
    actor: str | None = None


_ACTOR_ID = "(convert_from(e.metadata, 'UTF8')::jsonb ->> 'actor_id')::uuid"
_ACTOR = f"CASE {_ACTOR_ID} WHEN '{HOST}' THEN '{HOST_NAME}' ELSE {email(_ACTOR_ID)} END"

# Components that do not show, with the event that deleted them where they were deleted on their own: that one is told.
_GONE = """gone AS MATERIALIZED (
  SELECT card_id AS id, version AS last FROM cards WHERE run_id = %(root_id)s AND deleted UNION ALL
  SELECT s.step_id, CASE WHEN s.deleted THEN s.version END FROM steps s JOIN cards c USING (card_id)
    WHERE s.run_id = %(root_id)s AND (s.deleted OR c.deleted) UNION ALL
  SELECT o.observation_id, CASE WHEN o.deleted THEN o.version END
    FROM observations o JOIN steps s USING (step_id) JOIN cards c USING (card_id)
    WHERE o.run_id = %(root_id)s AND (o.deleted OR s.deleted OR c.deleted) UNION ALL
  SELECT file_id, version FROM files WHERE run_id = %(root_id)s AND deleted)"""
_IS_GONE = "e.originator_id IN (SELECT id FROM gone)"
_SHOWN = (
    f"CASE WHEN {_IS_GONE} THEN (e.originator_id, e.originator_version) IN (SELECT id, last FROM gone WHERE last IS NOT NULL) ELSE true END"
)


async def page(conn: AsyncConnection[Any], wanted: HistoryFilter) -> Page:
    """The events of one page, and how many match in all."""
    sql, params = _page(wanted)
    rows = await (await conn.execute(sql, params, prepare=True)).fetchall()
    return Page([Line(*row[1:]) for row in rows[: wanted.limit] if row[1] is not None], rows[0][0], len(rows) > wanted.limit)


def _page(wanted: HistoryFilter) -> tuple[str, dict[str, Any]]:
    params = {"root_id": wanted.root_id, "probe": wanted.limit + 1}
    clauses = ["e.root_id = %(root_id)s"] + ([] if wanted.everything else [_SHOWN])
    for clause, name, value in (
        ("e.kind = %(kind)s", "kind", wanted.kind),
        ("e.originator_id = %(component_id)s", "component_id", wanted.component_id),
        ("e.topic = ANY(%(topics)s)", "topics", wanted.topics),
        (_by(wanted.actor), "actor", wanted.actor),
    ):
        if value is not None:
            clauses.append(clause)
            params[name] = value
    where, beyond, order = " AND ".join(clauses), "", "DESC" if wanted.newest_first else "ASC"
    if wanted.after is not None:
        beyond = f" AND e.root_version {'<' if wanted.newest_first else '>'} %(after)s"
        params["after"] = wanted.after
    sql = f"""{"" if wanted.everything else f"WITH {_GONE} "}
      SELECT counted.n, listed.* FROM (SELECT count(*) AS n FROM events e WHERE {where}) counted LEFT JOIN (
        SELECT e.root_version, e.originator_id, e.kind, e.topic, stamp(e.recorded_at), {_ACTOR}, convert_from(e.metadata, 'UTF8'),
          l.seq, encode(l.chain_hash, 'hex'), {"false" if wanted.everything else _IS_GONE}
        FROM events e LEFT JOIN ledger l USING (originator_id, originator_version)
        WHERE {where}{beyond} ORDER BY e.root_version {order} LIMIT %(probe)s) listed ON true ORDER BY listed.root_version {order}"""
    return sql, params


def _by(actor: str | None) -> str:
    """A person is found once; a name that hides one has to be made for every event."""
    if actor is None or actor == HOST_NAME or actor.startswith("erased-user-"):
        return f"{_ACTOR} = %(actor)s"
    return f"{_ACTOR_ID} = (SELECT actor_id FROM users WHERE email = %(actor)s)"
