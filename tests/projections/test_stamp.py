"""Every answer holds hundreds of times as text: what each costs shows."""

from tests.conftest import World


async def test_postgresql_puts_the_body_in_place_of_the_call(world: World) -> None:
    async with world.pool.connection() as conn:
        plan = await (await conn.execute("EXPLAIN (VERBOSE) SELECT stamp(created_at) FROM runs")).fetchall()
    assert "to_char" in str(plan)
    assert "stamp(" not in str(plan)
