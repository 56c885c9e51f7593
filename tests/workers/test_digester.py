"""The digester reads every registered file once, whatever happens to it, to S3 and to the object meanwhile."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from commands.door import Door
from infra.embedded.processes import free_port
from infra.embedded.s3 import S3
from infra.settings import Settings
from projections import views
from tests.api.making import Campaign, campaign, made
from tests.conftest import World
from tests.infra import stores
from workers import digester

CONTENT = b"t,v\n0,12.0\n" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WAIT_S_MAX = 15.0
ALONE = """
import asyncio
from commands.door import Door
from infra import database
from infra.settings import Settings
from projections import views
from workers import digester

async def main():
    settings = Settings.from_env()
    async with database.pool(settings) as pool:
        await digester.run(settings, Door(pool, views.project_inline), asyncio.Event())

asyncio.run(main())
"""


@asynccontextmanager
async def digesting(world: World, settings: Settings | None = None) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(digester.run(settings or world.settings, Door(world.pool, views.project_inline), stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def until(check: Callable[[], Awaitable[Any]]) -> Any:
    end = asyncio.get_running_loop().time() + WAIT_S_MAX
    while not (found := await check()):
        assert asyncio.get_running_loop().time() < end, "it never came"
        await asyncio.sleep(0.05)
    return found


async def registered(world: World, here: Campaign, content: bytes = CONTENT) -> str:
    address = await world.put(f"digest/{uuid4()}.csv", content)
    file = await made(world.engineer, f"{here.run_path}/data", {"file_name": "a.csv", "s3_url": address, "file_size": len(content)})
    return str(file["uuid"])


async def sha256_of(world: World, here: Campaign, file: str) -> str | None:
    found: str | None = (await world.engineer("GET", f"{here.run_path}/data/{file}")).json()["sha256"]
    return found


async def verifications(world: World) -> int:
    async with world.pool.connection() as conn:
        row = await (await conn.execute("SELECT count(*) FROM events WHERE topic = 'file.verified'")).fetchone()
    return int((row or (0,))[0])


async def trouble(world: World) -> list[tuple[int, str | None]]:
    async with world.pool.connection() as conn:
        return [tuple(row) for row in await (await conn.execute("SELECT tries, fault FROM unread_files")).fetchall()]


async def test_a_registered_file_is_read_and_its_digest_recorded_by_the_machine(world: World) -> None:
    here = await campaign(world)
    file = await registered(world, here)
    assert (await world.engineer("POST", f"{here.run_path}/close")).status_code == 200
    async with digesting(world):
        assert await until(lambda: sha256_of(world, here, file)) == SHA256
        later = await campaign(world)
        second = await registered(world, later, b"")
        assert await until(lambda: sha256_of(world, later, second)) == hashlib.sha256(b"").hexdigest()
    last = (await world.engineer("GET", f"{here.run_path}/history?order=desc&limit=1")).json()["items"][0]
    assert (last["type"], last["actor"], last["component_id"]) == ("file.verified", "system", file)
    assert (await world.engineer("GET", here.run_path)).json()["contributors"] == ["engineer@example.com"]
    assert await trouble(world) == []


async def test_what_is_deleted_is_not_read(world: World) -> None:
    here, gone = await campaign(world), await campaign(world)
    deleted, file = await registered(world, here), await registered(world, here)
    await registered(world, gone)
    assert (await world.engineer("DELETE", f"{here.run_path}/data/{deleted}")).status_code == 204
    assert (await world.engineer("DELETE", gone.run_path)).status_code == 204
    async with digesting(world):
        assert await until(lambda: sha256_of(world, here, file)) == SHA256
        await asyncio.sleep(1.5 * digester.LOOK_S)
    assert (await verifications(world), await trouble(world)) == (1, [])


async def test_many_files_are_read_once_each_by_several_digesters(world: World) -> None:
    here = await campaign(world)
    files = [await registered(world, here, CONTENT + str(n).encode()) for n in range(20)]

    async def all_read() -> bool:
        listed = (await world.engineer("GET", f"{here.run_path}/data")).json()["items"]
        return all(file["sha256"] for file in listed)

    async with digesting(world), digesting(world), digesting(world):
        await until(all_read)
        await asyncio.sleep(1.5 * digester.LOOK_S)
    assert await sha256_of(world, here, files[7]) == hashlib.sha256(CONTENT + b"7").hexdigest()
    assert (await verifications(world), await trouble(world)) == (20, [])


async def test_an_object_that_was_replaced_or_is_gone_is_shown_and_left_alone(world: World) -> None:
    here = await campaign(world)
    files = [await registered(world, here) for _ in range(3)]
    listed = (await world.engineer("GET", f"{here.run_path}/data")).json()["items"]
    await stores.put(world.settings, listed[0]["s3_url"].removeprefix("s3://runledger/"), CONTENT[::-1])
    await stores.remove(world.settings, listed[1]["s3_url"].removeprefix("s3://runledger/"))
    async with digesting(world):
        assert await until(lambda: sha256_of(world, here, files[2])) == SHA256
        await asyncio.sleep(3 * digester.LOOK_S)
    told = sorted(await trouble(world), key=str)
    assert [tries for tries, _ in told] == [1, 1]
    assert {(fault or "").split(" ", 1)[0] for _, fault in told} == {listed[0]["s3_url"], listed[1]["s3_url"]}
    assert await sha256_of(world, here, files[0]) is None
    figures = (await world.http.get("/metrics")).text
    assert "runledger_files_unread 2.0" in figures
    assert "runledger_files_faulty 2.0" in figures


async def test_a_file_waits_for_s3_and_is_read_when_it_is_back(world: World, open_folder: Path) -> None:
    server = S3(open_folder / "s3", free_port(), uuid4().hex, uuid4().hex, ("runledger",))
    server.start()
    own = replace(world.settings, s3_endpoint=server.endpoint, s3_access_key=server.access_key, s3_secret_key=server.secret_key)
    here = await campaign(world)
    file = await registered(world, here)
    url = (await world.engineer("GET", f"{here.run_path}/data/{file}")).json()["s3_url"]
    await stores.put(own, url.removeprefix("s3://runledger/"), CONTENT)
    server.stop()
    async with digesting(world, own):
        assert (await until(lambda: trouble(world)))[0][1] is None
        server.start()
        assert await until(lambda: sha256_of(world, here, file)) == SHA256
        assert await until(lambda: none(world))
    server.stop()
    assert await verifications(world) == 1


async def none(world: World) -> bool:
    return await trouble(world) == []


async def test_a_digester_that_is_killed_leaves_the_file_to_the_next(world: World) -> None:
    here = await campaign(world)
    file = await registered(world, here)
    environment = os.environ | world.settings.addresses() | {"FAULT_POINT": "file.read", "RUNLEDGER_DATA_DIR": str(world.settings.data_dir)}
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", ALONE, env=environment, cwd=Path(__file__).parents[2])
    assert await asyncio.wait_for(killed.wait(), WAIT_S_MAX) == -signal.SIGKILL
    assert (await verifications(world), await trouble(world)) == (0, [])
    async with digesting(world):
        assert await until(lambda: sha256_of(world, here, file)) == SHA256
    assert await verifications(world) == 1


async def test_a_digester_that_loses_the_database_goes_on(world: World) -> None:
    here = await campaign(world)
    async with digesting(world):
        file = await registered(world, here)
        assert await until(lambda: sha256_of(world, here, file)) == SHA256
        async with world.pool.connection() as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%unread_files%' AND pid <> pg_backend_pid()"
            )
        second = await registered(world, here, CONTENT * 2)
        assert await until(lambda: sha256_of(world, here, second))
    assert await verifications(world) == 2
