"""Earlier versions of a card template, folded from its events."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from domain.card_templates import CardTemplate, evolve
from domain.facts import Kind
from infra import mapper
from projections.catalogue_documents import one


class Version(NamedTuple):
    """A template as one of its versions was; `recorded` is the number of the event that made it."""

    recorded: int
    at: datetime
    template: CardTemplate


async def versions(conn: AsyncConnection[Any], template_id: UUID) -> list[Version]:
    """Every version in order; deleting and restoring make none."""
    cursor = await conn.execute(
        "SELECT originator_version, recorded_at, topic, schema_number, state FROM events"
        " WHERE originator_id = %s ORDER BY originator_version",
        (template_id,),
    )
    made: list[Version] = []
    state: CardTemplate | None = None
    for recorded, at, topic, number, event in await cursor.fetchall():
        state = evolve(state, mapper.decode(topic, number, event))
        if state is not None and state.version > len(made):
            made.append(Version(recorded, at, state))
    return made


# The version is laid over the table of the same name, so that it is read by the same document.
OF_VERSION = f"""WITH past AS MATERIALIZED (SELECT * FROM card_templates WHERE template_id = %(root_id)s),
  card_templates AS (SELECT template_id, %(title)s::text AS title, %(description)s::text AS description, %(steps)s::json AS steps,
    %(system_id)s::uuid AS system_id, %(template_version)s::int AS template_version, created_by, created_at,
    %(updated_at)s::timestamptz AS updated_at, deleted, %(version)s::int AS version FROM past)
  {one(Kind.CARD_TEMPLATE, live=True)}"""


def params(template_id: UUID, version: Version) -> dict[str, Any]:
    state = version.template
    return {
        "root_id": template_id,
        "title": state.title,
        "description": state.description,
        "steps": msgspec.json.encode(state.steps).decode(),
        "system_id": state.system_id,
        "template_version": state.version,
        "updated_at": version.at,
        "version": version.recorded,
    }
