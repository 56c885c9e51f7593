"""What a request may look like; whatever it may not changes nothing."""

from typing import Any

import msgspec
import pytest

from tests.api.making import campaign, errors, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

MALFORMED = {
    "cut off": b'{"title": "a',
    "two values": b"{} {}",
    "not a number": b'{"title": NaN}',
    "infinity": b'{"title": -Infinity}',
    "too large a number": b'{"order": 1e400}',
    "escaped NUL": b'{"title": "a\\u0000b"}',
    "escaped NUL in a name": b'{"a\\u0000": 1}',
    "raw NUL": b'{"title": "a\0b"}',
    "lone high surrogate": b'{"title": "\\ud800"}',
    "lone low surrogate": b'{"title": "\\udc00 x"}',
    "surrogates the wrong way round": b'{"title": "\\udc00\\ud800"}',
    "not UTF-8": b'{"title": "\xff"}',
    "surrogate as UTF-8": b'{"title": "\xed\xa0\x80"}',
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"title": "a"}',
    "65 levels": b'{"title": ' + b"[" * 64 + b"]" * 64 + b"}",
    "100,000 levels": b"[" * 100_000,
    "trailing comma": b'{"title": "a",}',
    "comment": b"{} // x",
    "spaces only": b"   ",
    "a number of 5,000 digits": b'{"order": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_what_is_no_json_is_malformed(shared: World, name: str, method: str) -> None:
    made = await campaign(shared, 0)
    before = await version(shared, made.run)
    answer = await shared.engineer(method, made.run_path, MALFORMED[name])
    assert problem(answer) == (400, "malformed-request"), answer.text
    assert await version(shared, made.run) == before


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"5", b"true"])
async def test_the_top_level_must_be_an_object(shared: World, body: bytes) -> None:
    assert errors(await shared.engineer("POST", "/test-runs", body)) == {("#", "invalid_type")}


@pytest.mark.parametrize(
    "sent", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/merge-patch+json"]
)
async def test_a_body_of_another_kind_is_not_read(shared: World, sent: str) -> None:
    answer = await shared.engineer("POST", "/test-runs", b'{"title": "a"}', content_type=sent)
    assert problem(answer) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "sent", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON;charset=UTF-8", "application/merge-patch+json"]
)
async def test_a_patch_may_come_as_either_kind_of_json(shared: World, sent: str) -> None:
    made = await campaign(shared, 0)
    assert (await shared.engineer("PATCH", made.run_path, b'{"title": "a"}', content_type=sent)).status_code == 200


@pytest.mark.parametrize("sent", ["", "application/json", "text/plain"])
async def test_no_body_counts_as_an_empty_object(shared: World, sent: str) -> None:
    made = await campaign(shared, 0)
    assert (await shared.engineer("PATCH", made.run_path, b"", content_type=sent)).status_code == 200
    assert errors(await shared.engineer("POST", "/test-runs", b"", content_type=sent)) == {
        ("#/title", "required"),
        ("#/system_id", "required"),
    }


async def test_a_body_of_one_mebibyte_fits_and_a_byte_more_does_not(shared: World) -> None:
    fill = 1_048_576 - len(b'{"title": ""}')
    assert errors(await shared.engineer("POST", "/test-runs", b'{"title": "%s"}' % (b"x" * fill))) >= {("#/title", "too_long")}
    answer = await shared.engineer("POST", "/test-runs", b'{"title": "%s"}' % (b"x" * (fill + 1)))
    assert problem(answer) == (413, "content-too-large")


async def test_64_levels_are_read(shared: World) -> None:
    deep: Any = []
    for _ in range(60):
        deep = [deep]
    answer = await shared.engineer("POST", "/issues", {"title": "deep", "description": [{"x": deep}]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["description"] == [{"x": deep}]


async def test_brackets_in_a_text_are_no_levels(shared: World) -> None:
    made = await campaign(shared, 0)
    text = '[{"' * 80
    answer = await shared.engineer("PATCH", made.run_path, {"description": text})
    assert answer.json()["description"] == text


async def test_of_a_repeated_member_the_last_counts(shared: World) -> None:
    made = await campaign(shared, 0)
    answer = await shared.engineer("PATCH", made.run_path, b'{"title": 5, "title": "last"}')
    assert (answer.status_code, answer.json()["title"]) == (200, "last")


async def test_text_comes_back_exactly_as_sent(shared: World) -> None:
    made = await campaign(shared, 0)
    text = "  e\u0301 \u00e9 \u202e<b>&amp;\u2028\t\r\n\u200b\ufeff \U0001f680\ufffe\u0001\\ '\"; DROP TABLE runs --%s {rows} "
    answer = await shared.engineer("PATCH", made.run_path, {"title": text, "description": text})
    assert (answer.json()["title"], answer.json()["description"]) == (text, text)


@pytest.mark.parametrize("value", ["5", True, 5.5, [], {}, "", 0, -1, 2**60, 1e300, 10**30])
async def test_nothing_is_taken_for_a_number_that_is_none(shared: World, value: Any) -> None:
    made = await campaign(shared, 0)
    answer = await shared.engineer("POST", f"{made.run_path}/cards", {"title": "a", "order": value})
    wrong = "out_of_range" if type(value) in (int, float) and value != 5.5 else "invalid_type"
    assert errors(answer) == {("#/order", wrong)}


async def test_five_point_nought_is_five(shared: World) -> None:
    made = await campaign(shared, 0)
    answer = await shared.engineer("POST", f"{made.run_path}/cards", b'{"title": "a", "order": 5.0}')
    assert (answer.status_code, answer.json()["order"], type(answer.json()["order"])) == (201, 5, int)


@pytest.mark.parametrize("value", [5, True, None, [], {}, 1.5])
async def test_nothing_is_taken_for_a_text_that_is_none(shared: World, value: Any) -> None:
    made = await campaign(shared)
    for path in (made.run_path, made.card_path, made.step_path):
        assert errors(await shared.engineer("PATCH", path, {"title": value, "description": value})) == {
            ("#/title", "invalid_type"),
            ("#/description", "invalid_type"),
        }


@pytest.mark.parametrize("text", ["", " ", "\t\r\n", "\u00a0\u2003\u3000"])
async def test_a_title_of_white_space_is_blank(shared: World, text: str) -> None:
    made = await campaign(shared)
    for path in (made.run_path, made.card_path, made.step_path):
        assert errors(await shared.engineer("PATCH", path, {"title": text})) == {("#/title", "blank")}


async def test_lengths_count_code_points(shared: World) -> None:
    made = await campaign(shared)
    for path, most in ((made.run_path, 255), (made.card_path, 255), (made.step_path, 100)):
        assert (await shared.engineer("PATCH", path, {"title": "\U0001f680" * most})).status_code == 200
        assert errors(await shared.engineer("PATCH", path, {"title": "\U0001f680" * (most + 1)})) == {("#/title", "too_long")}
        assert (await shared.engineer("PATCH", path, {"description": "\U0001f680" * 20_000})).status_code == 200
        assert errors(await shared.engineer("PATCH", path, {"description": "x" * 20_001})) == {("#/description", "too_long")}


async def test_an_unknown_member_is_named_as_a_json_pointer_in_a_fragment(shared: World) -> None:
    made = await campaign(shared, 0)
    answer = await shared.engineer("PATCH", made.run_path, {"a/b~c": 1, "d e": 2, "é%": 3, "uuid": "x", "TITLE": "x"})
    assert errors(answer) == {(f"#/{name}", "unknown_field") for name in ("a~1b~0c", "d%20e", "%C3%A9%25", "uuid", "TITLE")}


async def test_a_request_with_nothing_to_say_must_say_nothing(shared: World) -> None:
    made = await campaign(shared)
    issue = (await shared.engineer("POST", "/issues", {"title": "a"})).json()["uuid"]
    before = await version(shared, made.run)
    for method, path in (
        ("DELETE", made.run_path),
        ("DELETE", made.step_path),
        ("PUT", f"{made.run_path}/issues/{issue}"),
        ("POST", f"{made.card_path}/restore"),
    ):
        assert errors(await shared.engineer(method, path, {"x": 1})) == {("#/x", "unknown_field")}
    assert await version(shared, made.run) == before


@pytest.mark.parametrize("path", ["/test-runs/%FF", "/test-runs/%ZZ", "/test-runs/%", "/test-runs/%00", "/test-runs/a%ED%A0%80"])
async def test_a_path_that_cannot_be_read_is_malformed(shared: World, path: str) -> None:
    url = shared.http.base_url.copy_with(raw_path=f"/api/v1{path}".encode())
    headers = {"authorization": f"Bearer {shared.engineer.token}"}
    assert problem(await shared.http.get(url, headers=headers)) == (400, "malformed-request")
    assert problem(await shared.http.get(url)) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "query", ["a=%FF", "a=%", "a=%2", "%00=1", "system_id=a%00", "a=%ED%A0%80", "limit=1&limit=1", "cursor=a&cursor=b"]
)
async def test_a_query_that_cannot_be_read_is_malformed(shared: World, query: str) -> None:
    url = shared.http.base_url.copy_with(raw_path=f"/api/v1/test-runs?{query}".encode())
    answer = await shared.http.get(url, headers={"authorization": f"Bearer {shared.engineer.token}"})
    assert problem(answer) == (400, "malformed-request")


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "tr-",
        "TR-",
        "TR-x",
        "TR-0",
        "TR--1",
        "TR-٤٢",
        "0",
        "-1",
        "TR-" + "9" * 30,
        "{",
        "a" * 5_000,
        "00000000-0000-0000-0000-00000000000g",
        "c9d0e1f2a3b45678cdef789012345678",
    ],
)
async def test_a_path_id_of_another_form_is_not_there(shared: World, value: str) -> None:
    for client in shared.clients.values():
        assert problem(await client("GET", f"/test-runs/{value}")) == (404, "not-found")
        assert problem(await client("PATCH", f"/test-runs/{value}/cards/{value}", b'{"x": 1}')) == (404, "not-found")


async def test_a_run_is_found_by_every_form_of_its_id(shared: World) -> None:
    made = await campaign(shared, 0)
    number = (await shared.engineer("GET", made.run_path)).json()["test_run_id"]
    digits = number.removeprefix("TR-")
    for form in (made.run, made.run.upper(), number, number.lower(), f"Tr-{int(digits)}", f"tR-00000000000000000000000000{digits}"):
        assert (await shared.engineer("GET", f"/test-runs/{form}")).json()["uuid"] == made.run, form
    answer = await shared.engineer("POST", f"/test-runs/{number}/cards", {"title": "by number"})
    assert answer.headers["location"] == f"/api/v1/test-runs/{made.run}/cards/{answer.json()['uuid']}"


async def test_ids_are_shown_in_lower_case(shared: World) -> None:
    made = await campaign(shared, 0)
    answer = await shared.engineer("POST", "/test-runs", {"title": "upper", "system_id": made.system.upper()})
    assert answer.json()["system_id"] == made.system.lower()


STAMPS = {
    "2026-04-13T11:00:00": "2026-04-13T11:00:00.000000",
    "2026-04-13 11:00:00": "2026-04-13T11:00:00.000000",
    "2026-04-13T11:00:00Z": "2026-04-13T11:00:00.000000",
    "2026-04-13T11:00:00.5+02:00": "2026-04-13T09:00:00.500000",
    "2026-04-13T11:00:00.1234567-0330": "2026-04-13T14:30:00.123456",
    "2026-12-31T23:59:59.999999999Z": "2026-12-31T23:59:59.999999",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000000",
    "9999-12-31T23:59:59.999999": "9999-12-31T23:59:59.999999",
    "2024-02-29T00:00:00+14:00": "2024-02-28T10:00:00.000000",
}


@pytest.mark.parametrize("sent", STAMPS)
async def test_a_timestamp_is_shown_in_utc_with_six_decimals(shared: World, sent: str) -> None:
    made = await campaign(shared)
    answer = await shared.engineer("PATCH", made.step_path, {"started_at": sent})
    assert answer.json()["started_at"] == STAMPS[sent]


NO_STAMPS = [
    "", " ", "now", "2026-04-13", "2026-04-13T11:00", "2026-04-13T23:59:60Z", "2026-06-30T23:59:61Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-13T24:00:00Z",
    "2026-04-13T11:00:00+24:00", "2026-04-13T11:00:00+02:60", "2026-04-13T11:00:00.Z", "2026-04-13T11:00:00 Z", "+2026-04-13T11:00:00Z",
    "12026-04-13T11:00:00Z", "٢٠٢٦-04-13T11:00:00Z", "2026-W16-1T11:00:00Z", "20260413T110000Z", "1776078000", "2026-04-13T11:00:00Z\n",
]  # fmt: skip


@pytest.mark.parametrize("sent", NO_STAMPS)
async def test_what_is_no_timestamp_is_refused(shared: World, sent: str) -> None:
    made = await campaign(shared)
    assert errors(await shared.engineer("PATCH", made.step_path, {"started_at": sent, "ended_at": sent})) == {
        ("#/started_at", "invalid_format"),
        ("#/ended_at", "invalid_format"),
    }


@pytest.mark.parametrize("sent", [5, 1776078000.5, True, [], {}])
async def test_a_number_is_no_timestamp(shared: World, sent: Any) -> None:
    made = await campaign(shared)
    assert errors(await shared.engineer("PATCH", made.step_path, {"started_at": sent})) == {("#/started_at", "invalid_type")}


async def test_many_unknown_members_make_a_bounded_answer(shared: World) -> None:
    body = msgspec.json.encode({f"x{i}": i for i in range(50_000)})
    answer = await shared.engineer("POST", "/test-runs", body)
    assert answer.status_code == 422
    assert len(answer.content) < 8 * len(body)
