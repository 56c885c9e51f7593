"""A program in a process of its own is held to its limits, and knows nothing of ours."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import confined
from infra.confined import Broken, Limits, TooMuch

AMPLE = Limits(30, 512)


async def python(script: str, folder: Path, limits: Limits = AMPLE) -> None:
    await confined.run([sys.executable, "-P", "-c", script], folder, limits)


async def until(true: Callable[[], object]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def test_it_writes_into_its_folder_and_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNLEDGER_S3_SECRET_KEY", "canary")
    await python("import os, pathlib; pathlib.Path('seen').write_text(str(dict(os.environ)))", tmp_path)
    assert "canary" not in (tmp_path / "seen").read_text()


async def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TooMuch, match="took longer than 1 s"):
        await python("import time; time.sleep(60)", tmp_path, Limits(1, 512))


async def test_what_holds_too_much_is_ended(tmp_path: Path) -> None:
    script = "import time; held = b'x' * 200 * 2**20; time.sleep(60)"
    with pytest.raises(TooMuch, match="more than 100 MB"):
        await python(script, tmp_path, Limits(30, 100))


async def test_what_writes_too_much_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        await python("open('big', 'wb').write(b'x' * 65 * 2**20)", tmp_path)
    assert (tmp_path / "big").stat().st_size <= confined.WRITTEN_BYTES_MAX


async def test_its_last_words_are_kept(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="exit code 1") as caught:
        await python("raise ValueError('no such column')", tmp_path)
    assert "no such column" in caught.value.said


async def test_it_ends_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    script = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
    waiting = asyncio.create_task(python(script, tmp_path))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
