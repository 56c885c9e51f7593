"""Checkpoints are signed in time, copied everywhere, and go on when a copy's place is away or the key changes."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from infra.audit import checkpoints, journal, keys, store, verification
from infra.audit.statements import Checkpoint, PublicKey, is_signed
from infra.audit.verification import Range
from infra.database import blocking
from infra.embedded.processes import free_port
from infra.embedded.s3 import S3
from infra.settings import Settings
from tests.conftest import World
from tests.faults.tampering import sequenced, with_folder
from tests.workers.test_sequencer import make_system
from workers import checkpoints as checkpointer


@pytest.fixture
def s3(open_folder: Path) -> Iterator[S3]:
    server = S3(open_folder / "s3", free_port(), uuid4().hex, uuid4().hex, ("evidence", "other"))
    yield server
    server.stop()


def with_store(settings: Settings, s3: S3) -> Settings:
    names = {"s3_endpoint": s3.endpoint, "s3_access_key": s3.access_key, "s3_secret_key": s3.secret_key, "s3_buckets": s3.buckets}
    return msgspec.structs.replace(settings, checkpoint_events=2, **names)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(checkpointer.run(settings, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


def made(settings: Settings) -> list[Checkpoint]:
    with blocking(settings) as conn:
        return checkpoints.since(conn, 0)


async def until(settings: Settings, count: int) -> list[Checkpoint]:
    for _ in range(400):
        if len(found := await asyncio.to_thread(made, settings)) >= count:
            return found
        await asyncio.sleep(0.05)
    raise TimeoutError(found)


async def stored(settings: Settings) -> set[str]:
    async with store.opened(settings) as there:
        return set(await there.tags())


async def test_a_checkpoint_is_signed_and_copied_to_file_and_store(world: World, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointer, "AGAIN_S", 0.2)
    settings = with_store(world.settings, s3)
    async with running(settings):  # S3 is not there yet: it must not matter
        first = await sequenced(settings)
        assert [each.seq for each in await until(settings, 1)] == [first]
        await asyncio.to_thread(s3.start)
        await make_system(world, 1)
        await make_system(world, 2)
        last = await sequenced(settings)
        found = await until(settings, 2)
        wanted = {f"checkpoints/{first}.json", f"checkpoints/{last}.json", f"checkpoints/keys/{found[0].key_id}.json"}
        for _ in range(200):
            if (there := await stored(settings)) == wanted:
                break
            await asyncio.sleep(0.1)
        assert there == wanted
    assert journal.read(checkpoints.file_of(settings), Checkpoint) == found
    private = settings.data_dir / "keys" / "signing.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    with blocking(settings) as conn:
        (key,) = keys.known(conn)
    assert all(is_signed(each, key.public_key) for each in found)
    async with store.opened(settings) as there:
        assert await there.others([key, *found]) == {}
        forged = msgspec.structs.replace(found[1], chain_hash="0" * 64)
        await there.put(forged)
        begun = await asyncio.to_thread(verification.verify, settings, Range())
        others = await there.others([key, *found])
    assert list(others) == [f"checkpoints/{last}.json"]
    await asyncio.to_thread(verification.with_store, settings, begun, others)
    assert {(p.position, p.kind) for p in begun.report().problems} == {(last, "checkpoint")}


async def test_nothing_new_makes_no_checkpoint_and_little_new_waits_for_its_minutes(world: World) -> None:
    settings = world.settings
    last = await sequenced(settings)
    assert (await asyncio.to_thread(checkpoints.make, settings) or Checkpoint(0, "", "", "")).seq == last
    assert await asyncio.to_thread(checkpoints.make, settings) is None
    async with world.pool.connection() as conn:
        assert await checkpoints.due(conn, settings) is False
        await make_system(world, 1)
        await sequenced(settings)
        assert await checkpoints.due(conn, settings) is False  # 1 of 10,000, and 5 minutes have not passed
        assert await checkpoints.due(conn, msgspec.structs.replace(settings, checkpoint_minutes=0)) is True
        assert await checkpoints.due(conn, msgspec.structs.replace(settings, checkpoint_events=1)) is True


async def test_a_new_key_is_vouched_for_by_the_old_one(world: World) -> None:
    settings = world.settings
    await sequenced(settings)
    before = await asyncio.to_thread(checkpoints.make, settings)
    await asyncio.to_thread(checkpoints.rotate_key, settings)
    await make_system(world, 1)
    await sequenced(settings)
    after = await asyncio.to_thread(checkpoints.make, settings)
    assert before is not None
    assert after is not None
    assert before.key_id != after.key_id
    old, new = journal.read(keys.public_file(settings), PublicKey) or ()
    assert (new.key_id, new.signed_by, is_signed(new, old.public_key)) == (after.key_id, before.key_id, True)
    report = (await asyncio.to_thread(verification.verify, settings, Range())).report()
    assert (report.ok, report.signed_position, report.notes) == (True, after.seq, [])


async def test_a_rotation_that_was_cut_off_is_finished(world: World) -> None:
    await asyncio.to_thread(checkpoints.prepare, world.settings)
    folder = keys.folder(world.settings)
    old = (folder / "signing.pem").read_bytes()
    await asyncio.to_thread(checkpoints.rotate_key, world.settings)
    (folder / "signing.pem").rename(folder / "coming.pem")
    (folder / "signing.pem").write_bytes(old)
    await sequenced(world.settings)
    assert await asyncio.to_thread(checkpoints.make, world.settings) is not None


async def test_a_host_without_the_ledgers_key_signs_nothing(world: World, tmp_path: Path) -> None:
    await sequenced(world.settings)
    await asyncio.to_thread(checkpoints.make, world.settings)
    await make_system(world, 1)
    await sequenced(world.settings)
    with pytest.raises(keys.NoKey):
        await asyncio.to_thread(checkpoints.make, with_folder(world.settings, tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere" / "keys" / "signing.pem").exists()


def test_a_line_cut_by_a_crash_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.ndjson"
    every = [Checkpoint(n, "00", "", "") for n in (1, 2, 3)]
    journal.complete(path, every[:2], Checkpoint, lambda each: each.seq)
    path.write_bytes(path.read_bytes()[:-7])
    assert journal.read(path, Checkpoint) == every[:1]
    assert journal.complete(path, every, Checkpoint, lambda each: each.seq) == 2
    assert journal.read(path, Checkpoint) == every
    path.write_bytes(path.read_bytes().replace(b'"seq":2', b'"seq":x'))
    with pytest.raises(journal.Unreadable, match="line 2"):
        journal.read(path, Checkpoint)
