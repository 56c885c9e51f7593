"""Atlas: the evidence of a run, for those who check it without us."""

import asyncio

from litestar import Response, get

from api.atlas.audit import one_at_a_time
from api.atlas.runs import target
from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from domain.refusals import Forbidden
from domain.runs import number_text
from domain.tokens import Role, at_least
from projections import evidence

WITHIN = "A zip of every event with its place in the chain, the signed checkpoints, and a verifier that needs only Python."


@get(
    "/test-runs/{run_id:str}/evidence",
    operation=Operation(
        "Export the evidence of a run",
        Role.VIEWER,
        bytes,
        more=(409,),
        kept=False,
        media=("application/zip",),
        headers=("Disposition",),
        description=WITHIN,
    ),
)
async def export_evidence(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    """Every event of the run is in it. So one who may not read about deleted things gets none of a run that holds some."""
    actor, where = exchange.actor(request), target(run_id)
    reads_deleted = at_least(actor.role, Role.AUDITOR)
    async with exchange.pool.connection() as conn:
        root_id, _ = await exchange.found(conn, actor, where, deleted=reads_deleted)
        await exchange.show_deleted(request, conn, root_id)
        holds_deleted = await (await conn.execute(evidence.HOLDS_DELETED, (root_id,))).fetchone()
        if holds_deleted == (True,) and not reads_deleted:
            raise Forbidden(f"Something in this run was deleted; its evidence needs the role auditor or admin, the token has {actor.role}.")
        number = await (await conn.execute("SELECT number FROM roots WHERE root_id = %s", (root_id,))).fetchone()
    made = await asyncio.get_running_loop().run_in_executor(one_at_a_time, evidence.build, exchange.settings, root_id, actor.reach)
    name = number_text(number[0]) if number else "run"
    headers = {"content-disposition": f'attachment; filename="{name}-evidence.zip"', "cache-control": "no-store"}
    return Response(made, media_type="application/zip", headers=headers)


HANDLERS = [export_evidence]
