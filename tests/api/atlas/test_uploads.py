"""Uploads and downloads: the bytes go between the client and S3, and what is registered is what arrived."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from domain.tokens import Role
from domain.uploads import PART_BYTES_MIN, PUT_BYTES_MAX, part_sizes
from infra import multipart
from infra.objects import Objects
from infra.settings import NO_UPLOADS, Settings
from tests.api.making import campaign, errors, made, problem
from tests.conftest import World, opened

CONTENT = b"t,v\n0,12.0\n" * 1_000
MIB = 1 << 20
FILE = {"file_name": "Prüfung 4.csv", "file_size": len(CONTENT), "content_type": "text/csv"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def send(url: str, content: bytes, headers: dict[str, str] | None = None) -> None:
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.put(url, content=content, headers=headers)
    assert answer.status_code == 200, answer.text


def soon(stamp: str, seconds: int) -> bool:
    return timedelta(0) < datetime.fromisoformat(stamp).replace(tzinfo=UTC) - datetime.now(UTC) <= timedelta(seconds=seconds)


async def test_a_file_is_uploaded_registered_and_downloaded(shared: World) -> None:
    here = await campaign(shared)
    operator = await shared.client(Role.OPERATOR)
    asked = await operator("POST", f"{here.run_path}/uploads", FILE | {"sha256": hashlib.sha256(CONTENT).hexdigest()})
    assert (asked.status_code, asked.headers["cache-control"], asked.headers["x-run-version"]) == (201, "no-store", "3")
    upload = asked.json()
    assert upload["s3_url"] == f"s3://runledger/uploads/{here.run}/{upload['upload_id']}/Pr_fung_4.csv"
    assert (upload["method"], upload["parts"], soon(upload["expires_at"], 3_600)) == ("PUT", None, True)
    await send(upload["url"], CONTENT, upload["headers"])
    file = await made(operator, f"{here.run_path}/data", FILE | {"s3_url": upload["s3_url"]})
    answer = await shared.clients[Role.VIEWER]("GET", f"{here.run_path}/data/{file['uuid']}/download")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    download = answer.json()
    assert (download["file_name"], download["sha256"], soon(download["expires_at"], 300)) == ("Prüfung 4.csv", None, True)
    async with httpx.AsyncClient() as http:
        got = await http.get(download["url"])
    assert (got.content, got.headers["content-disposition"]) == (
        CONTENT, "attachment; filename=\"Pr_fung 4.csv\"; filename*=UTF-8''Pr%C3%BCfung%204.csv"
    )  # fmt: skip


async def test_nothing_is_recorded_by_asking(shared: World) -> None:
    here = await campaign(shared)
    await made(shared.engineer, f"{here.run_path}/uploads", FILE)
    assert (await shared.engineer("GET", f"{here.run_path}/history")).headers["x-total-count"] == "3"


async def test_asking_twice_with_one_key_gives_the_same_address(shared: World) -> None:
    here = await campaign(shared)
    first, second = [await made(shared.engineer, f"{here.run_path}/uploads", FILE, idempotency_key="one") for _ in range(2)]
    assert first == second
    assert (await made(shared.engineer, f"{here.run_path}/uploads", FILE))["s3_url"] != first["s3_url"]


async def in_parts(world: World, run_path: str, size: int) -> dict[str, Any]:
    wanted = FILE | {"file_size": size, "multipart": True}
    upload: dict[str, Any] = await made(world.engineer, f"{run_path}/uploads", wanted)
    assert (upload["url"], upload["headers"]) == (None, {})
    return upload


async def test_a_large_file_goes_in_parts_and_is_put_together_when_it_is_registered(shared: World) -> None:
    here, size = await campaign(shared), PART_BYTES_MIN + MIB
    upload = await in_parts(shared, here.run_path, size)
    register = FILE | {"file_size": size, "s3_url": upload["s3_url"]}
    assert [(part["number"], part["size"]) for part in upload["parts"]] == [(1, PART_BYTES_MIN), (2, MIB)]
    await send(upload["parts"][1]["url"], b"b" * MIB)
    early = await shared.engineer("POST", f"{here.run_path}/data", register)
    assert (problem(early), errors(early)) == ((422, "file-not-usable"), {("#/file_size", "mismatch")})
    assert f"{size}, but {MIB} bytes have arrived in 1 parts" in early.json()["detail"]
    await send(upload["parts"][0]["url"], b"a" * PART_BYTES_MIN)
    file = await made(shared.engineer, f"{here.run_path}/data", register)
    assert file["file_size"] == size
    async with Objects(shared.settings) as objects:
        assert await multipart.under_way(objects, "runledger", f"uploads/{here.run}/") == []
    again = await made(shared.engineer, f"{here.run_path}/data", register)
    assert again["s3_etag"] == file["s3_etag"]


async def test_a_file_too_large_for_one_request_goes_in_parts_unasked(shared: World) -> None:
    here = await campaign(shared)
    upload = await made(shared.engineer, f"{here.run_path}/uploads", FILE | {"file_size": PUT_BYTES_MAX + 1})
    assert [part["size"] for part in upload["parts"]] == part_sizes(PUT_BYTES_MAX + 1)
    assert soon(upload["expires_at"], 86_400)


async def test_an_upload_that_never_came_is_no_file(shared: World) -> None:
    here = await campaign(shared)
    for upload in (await made(shared.engineer, f"{here.run_path}/uploads", FILE), await in_parts(shared, here.run_path, len(CONTENT))):
        answer = await shared.engineer("POST", f"{here.run_path}/data", FILE | {"s3_url": upload["s3_url"]})
        assert problem(answer) == (422, "file-not-usable")


async def test_abandoned_parts_are_thrown_away_and_young_ones_kept(shared: World) -> None:
    here = await campaign(shared)
    await in_parts(shared, here.run_path, len(CONTENT))
    async with Objects(shared.settings) as objects:
        other = await multipart.begin(objects, multipart.Address("runledger", "uploads/not-ours"), "text/csv")
        assert await multipart.abort_abandoned(objects, "runledger", datetime.now(UTC) - timedelta(hours=1)) == 0
        assert len(await multipart.under_way(objects, "runledger", f"uploads/{here.run}/")) == 1
        assert await multipart.abort_abandoned(objects, "runledger", datetime.now(UTC) + timedelta(hours=1)) >= 1
        assert await multipart.under_way(objects, "runledger", f"uploads/{here.run}/") == []
        assert [found for _, found in await multipart.under_way(objects, "runledger", "uploads/not-ours")] == [other]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"file_size": -1}, ("#/file_size", "out_of_range")),
        ({"file_name": ""}, ("#/file_name", "blank")),
        ({"file_name": "a\nb"}, ("#/file_name", "invalid_format")),
        ({"content_type": "x"}, ("#/content_type", "invalid_format")),
        ({"content_type": "text/csv\r\nx: y"}, ("#/content_type", "invalid_format")),
        ({"sha256": "A" * 64}, ("#/sha256", "invalid_format")),
        ({"s3_url": "s3://runledger/mine"}, ("#/s3_url", "unknown_field")),
    ],
)
async def test_what_is_asked_for_must_fit(shared: World, more: dict[str, Any], named: tuple[str, str]) -> None:
    here = await campaign(shared)
    assert errors(await shared.engineer("POST", f"{here.run_path}/uploads", FILE | more)) == {named}


async def test_a_closed_run_takes_no_upload_and_still_gives_downloads(shared: World) -> None:
    here = await campaign(shared)
    register = {"file_name": "a", "file_size": 1, "s3_url": await shared.put("closed.csv", b"a")}
    file = await made(shared.engineer, f"{here.run_path}/data", register)
    assert (await shared.engineer("POST", f"{here.run_path}/close")).status_code == 200
    assert problem(await shared.engineer("POST", f"{here.run_path}/uploads", FILE)) == (409, "closed")
    assert (await shared.engineer("GET", f"{here.run_path}/data/{file['uuid']}/download")).status_code == 200
    assert (await shared.engineer("POST", f"{here.run_path}/reopen", {"reason": "x"})).status_code == 200
    assert (await shared.engineer("DELETE", f"{here.run_path}/data/{file['uuid']}")).status_code == 204
    assert problem(await shared.engineer("GET", f"{here.run_path}/data/{file['uuid']}/download")) == (404, "not-found")


async def test_a_deployment_may_take_no_uploads_and_forbid_a_bucket_later(shared: World) -> None:
    here = await campaign(shared)
    file = await made(shared.engineer, f"{here.run_path}/data", {"file_name": "a", "file_size": 1, "s3_url": await shared.put("a", b"a")})
    async with opened(replace(shared.settings, upload_bucket=NO_UPLOADS, s3_buckets=("another",))) as other:
        assert problem(await other.engineer("POST", f"{here.run_path}/uploads", FILE)) == (409, "not-configured")
        assert problem(await other.engineer("GET", f"{here.run_path}/data/{file['uuid']}/download")) == (409, "not-configured")


async def test_without_s3_one_piece_is_handed_out_and_parts_wait(shared: World) -> None:
    here = await campaign(shared)
    async with opened(replace(shared.settings, s3_endpoint="http://127.0.0.1:1")) as other:
        await made(other.engineer, f"{here.run_path}/uploads", FILE)
        answer = await other.engineer("POST", f"{here.run_path}/uploads", FILE | {"multipart": True})
        assert problem(answer) == (503, "storage-unavailable")
        assert answer.headers["retry-after"] == "5"


async def test_addresses_for_clients_name_the_endpoint_that_they_reach(with_s3: Settings) -> None:
    """Two names of one server: what is signed for the one is taken there, and the API itself asks the other."""
    inner = (with_s3.s3_endpoint or "").replace("127.0.0.1", "localhost")
    async with opened(replace(with_s3, s3_endpoint=inner, s3_public_endpoint=with_s3.s3_endpoint)) as world:
        here = await campaign(world)
        upload = (await world.engineer("POST", f"{here.run_path}/uploads", FILE)).json()
        assert upload["url"].startswith(f"{with_s3.s3_endpoint}/")
        await send(upload["url"], CONTENT, upload["headers"])
        file = await made(world.engineer, f"{here.run_path}/data", FILE | {"s3_url": upload["s3_url"]})
        download = (await world.engineer("GET", f"{here.run_path}/data/{file['uuid']}/download")).json()
        assert download["url"].startswith(f"{with_s3.s3_endpoint}/")
        async with httpx.AsyncClient() as http:
            assert (await http.get(download["url"])).content == CONTENT
