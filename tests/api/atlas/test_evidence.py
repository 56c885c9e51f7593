"""The evidence of a run: an archive that proves itself to whoever has nothing but Python."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from domain.tokens import Role
from infra.audit import keys
from tests.api.making import Campaign, campaign, problem
from tests.conftest import Atlas, World
from tests.faults.tampering import sequenced, signed

FILES = [
    "README.txt", "chain.json", "checkpoints.json", "events.ndjson", "files.json", "manifest.json", "public-keys.json", "run.json", "verify.py",
]  # fmt: skip


async def export(client: Atlas, run_path: str) -> bytes:
    answer = await client("GET", f"{run_path}/evidence")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="TR-0001-evidence.zip"'
    assert answer.headers["cache-control"] == "no-store"
    return answer.content


def unpacked(archive: bytes, folder: Path) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        assert sorted(source.namelist()) == FILES
        source.extractall(folder)
    return folder


def verdict(folder: Path, *arguments: str) -> tuple[int, str]:
    """What the verifier says with nothing of ours, or of anybody else, within its reach."""
    command = [getattr(sys, "_base_executable", sys.executable), "-I", "-S", "-B", "verify.py", *arguments]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    return done.returncode, done.stdout + done.stderr


async def busy(world: World) -> Campaign:
    """A campaign with something of everything, other runs among it, and several checkpoints along its way."""
    made = await campaign(world, steps=3)
    client = world.engineer
    await signed(world.settings)
    for n, status in enumerate(("passed", "failed", "passed_with_exception", "done")):
        body = {"execution_status": status, **({"exception": 'a "note" \\ ü\n🔋'} if "exception" in status else {})}
        assert (await client("PATCH", made.step_path, body)).status_code == 200
        other = await campaign(world, system=made.system)
        assert (await client("PATCH", other.run_path, {"title": f"Other {n}"})).status_code == 200
        if n == 1:
            await signed(world.settings)
    issue = (await client("POST", "/issues", {"title": "Trips late"})).json()["uuid"]
    file = {"file_name": "motor.csv", "s3_url": await world.put("motor.csv", b"t,v"), "file_size": 3}
    file["associate_with"] = {"test_card_id": made.card}
    for method, path, sent in (
        ("PUT", f"{made.run_path}/issues/{issue}", None),
        ("POST", f"{made.step_path}/observations", {"text": "smoke"}),
        ("PATCH", made.card_path, {"description": "At 13 V", "order": 2}),
        ("PATCH", made.run_path, {"title": "Acceptance Rev 2 🔋"}),
        ("POST", f"{made.run_path}/data", file),
        ("POST", f"{made.run_path}/close", {"reason": "done"}),
    ):
        assert (await client(method, path, sent)).status_code in (200, 201, 204)
    await sequenced(world.settings)
    return made


async def test_evidence_proves_itself_and_every_flipped_byte_shows(world: World, tmp_path: Path) -> None:
    made = await busy(world)
    archive = await export(world.clients[Role.VIEWER], made.run_path)
    assert await export(world.engineer, made.run_path) == archive, "the same evidence is the same archive"
    folder = unpacked(archive, tmp_path / "evidence")
    code, said = verdict(folder)
    assert code == 0, said
    assert "VERDICT: GOOD" in said
    assert "TR-0001: 17 events, versions 1 to 17" in said
    key = keys.present(world.settings)
    assert key is not None
    assert verdict(folder, "--key-id", key.key_id)[0] == 0
    assert verdict(folder, "--key-id", "0" * 16)[0] == 3
    assert len(json.loads((folder / "chain.json").read_text())["segments"]) == 3
    for name in FILES:
        whole = (folder / name).read_bytes()
        place = whole.index(b"Needs Python") if name == "verify.py" else len(whole) // 2
        (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code, said = verdict(folder)
        assert (code, f"VERDICT: NOT GOOD. {name}: " in said) == (3, True), (name, said)
        (folder / name).unlink()
        assert verdict(folder)[0] != 0
        (folder / name).write_bytes(whole)
    assert verdict(folder)[0] == 0


def again(folder: Path, name: str, content: bytes) -> None:
    """Puts other content into a file and into the manifest, as a forger without the key would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    listing = "".join(f"{digest}  {file}\n" for file, digest in sorted(manifest["files"].items()))
    manifest |= {"digest": hashlib.sha256(listing.encode()).hexdigest(), "key_id": None, "signature": None}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def forged(name: str, content: bytes) -> bytes:
    """The most that can be done to one file."""
    if name == "run.json":
        return content.replace(b"Rev 2", b"Rev 3")
    if name == "chain.json":
        chain = json.loads(content)
        chain["segments"][0]["event_hashes"][-1] = "0" * 64
        return json.dumps(chain).encode()
    if name == "checkpoints.json":
        return content.replace(b"T", b"U", 1)
    if name == "public-keys.json":
        (key,) = json.loads(content)
        return json.dumps(
            [key | {"public_key": "58" + "66" * 31, "key_id": hashlib.sha256(bytes.fromhex("58" + "66" * 31)).hexdigest()[:16]}]
        ).encode()
    events: list[Any] = [json.loads(line) for line in content.splitlines()]
    state = base64.b64decode(events[1]["state_base64"]).replace(b"Over", b"Unde")
    events[1]["state_base64"] = base64.b64encode(state).decode()
    return b"".join(json.dumps(e).encode() + b"\n" for e in events)


@pytest.mark.parametrize("missing", [0, 3, -1])
async def test_an_event_left_out_or_a_forged_file_is_named(world: World, tmp_path: Path, missing: int) -> None:
    made = await busy(world)
    archive = await export(world.engineer, made.run_path)
    folder = unpacked(archive, tmp_path / "evidence")
    lines = (folder / "events.ndjson").read_bytes().splitlines(keepends=True)
    del lines[missing]
    again(folder, "events.ndjson", b"".join(lines))
    code, said = verdict(folder)
    assert (code, "NOT GOOD" in said) == (3, True)
    if missing:
        return
    for name in ("run.json", "chain.json", "checkpoints.json", "public-keys.json", "events.ndjson"):
        folder = unpacked(archive, tmp_path / name)
        content = (folder / name).read_bytes()
        assert forged(name, content) != content
        again(folder, name, forged(name, content))
        code, said = verdict(folder)
        assert (code, f"NOT GOOD. {name}: " in said) == (3, True), (name, said)


async def test_of_what_is_deleted_only_auditor_and_admin_get_evidence(world: World, tmp_path: Path) -> None:
    made = await campaign(world)
    assert (await world.engineer("DELETE", made.card_path)).status_code == 204
    await sequenced(world.settings)
    await signed(world.settings)
    for role in Role:
        answer = await world.clients[role]("GET", f"{made.run_path}/evidence")
        assert answer.status_code == (200 if role in (Role.AUDITOR, Role.ADMIN) else 403), role
    await world.engineer("POST", f"{made.card_path}/restore")
    await sequenced(world.settings)
    await export(world.clients[Role.VIEWER], made.run_path)
    assert (await world.engineer("DELETE", made.run_path)).status_code == 204
    await sequenced(world.settings)
    assert problem(await world.engineer("GET", f"{made.run_path}/evidence")) == (404, "not-found")
    folder = unpacked(await export(world.clients[Role.AUDITOR], "/test-runs/tr-1"), tmp_path / "deleted")
    assert verdict(folder)[0] == 0
    assert b"test_run.deleted" in (folder / "events.ndjson").read_bytes()


async def test_without_a_checkpoint_and_its_key_evidence_waits(world: World, tmp_path: Path) -> None:
    made = await campaign(world)
    answer = await world.engineer("GET", f"{made.run_path}/evidence")
    assert problem(answer) == (409, "state-conflict")
    await signed(world.settings)  # the worker made the key and the checkpoint
    await export(world.engineer, made.run_path)
    (world.settings.data_dir / "keys").rename(tmp_path / "gone")
    await export(world.engineer, made.run_path)  # a host without the key exports what is signed
    folder = unpacked(await export(world.engineer, made.run_path), tmp_path / "unsigned")
    assert "not signed; its events are" in verdict(folder)[1]
    await world.engineer("PATCH", made.run_path, {"title": "Newer"})
    await sequenced(world.settings)
    answer = await world.engineer("GET", f"{made.run_path}/evidence")
    assert "within 5 minutes" in answer.json()["detail"]


def test_the_verifier_is_for_old_pythons_too() -> None:
    source = Path("infra/audit/standalone.py").read_text()
    compile(source, "verify.py", "exec", dont_inherit=True)
    newer = ("match ", ":=", "removeprefix", "removesuffix", " | None = ", "zip(strict", "datetime.UTC")
    assert not [word for word in newer if word in source]
