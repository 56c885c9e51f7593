"""A language model's server may do what it likes: there is an answer within the budget, or a reason without a secret."""

import asyncio
import gzip
import json
import logging
import time
from pathlib import Path

import pytest

from infra import language_model
from infra.language_model import LanguageModel, Unanswered
from infra.settings import Settings, SettingsError
from tests import language_models as servers
from tests.language_models import KEY, NAME, Answer, refuses, says, sends, serving, waits

SCHEMA = {"type": "object"}


def model(url: str, seconds: float = 5, tokens: int = 4_000) -> LanguageModel:
    return LanguageModel(url, NAME, KEY, seconds, tokens)


async def asked(url: str, seconds: float = 5) -> str:
    return await language_model.answer(model(url, seconds), "Say it.", '{"n": 1}', SCHEMA)


async def reason(*answers: Answer, seconds: float = 5) -> str:
    with serving(*answers) as server, pytest.raises(Unanswered) as caught:
        await asked(server.url, seconds)
    assert KEY not in repr(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


async def test_it_is_asked_for_json_of_the_schema_with_the_key() -> None:
    with serving(says("hello")) as server:
        assert await asked(server.url) == "hello"
    question = server.asked[0]
    assert (question["path"], question["model"]) == ("/v1/chat/completions", NAME)
    assert question["response_format"]["json_schema"]["schema"] == SCHEMA
    assert [message["content"] for message in question["messages"]] == ["Say it.", '{"n": 1}']
    assert 0 < question["max_completion_tokens"] < 4_000
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("status", [400, 422])
async def test_an_older_server_is_asked_in_the_form_that_it_knows(status: int) -> None:
    with serving(refuses(status), says("hello")) as server:
        assert await asked(server.url) == "hello"
    assert server.asked[1]["response_format"] == {"type": "json_object"}
    assert "max_completion_tokens" not in server.asked[1]


async def test_a_server_that_refuses_both_forms_is_asked_no_third_time() -> None:
    with serving(refuses(400)) as server, pytest.raises(Unanswered, match="status 400"):
        await asked(server.url)
    assert len(server.asked) == 2


async def test_an_overloaded_server_is_asked_again_after_the_pause_that_it_wants() -> None:
    began = time.monotonic()
    with serving(refuses(429, Retry_After="1"), refuses(503), says("hello")) as server:
        assert await asked(server.url) == "hello"
    assert len(server.asked) == 3
    assert time.monotonic() - began >= 3  # 1 s instead of 0.5 s, then 2 s


async def test_a_pause_beyond_the_budget_is_not_waited_for() -> None:
    began = time.monotonic()
    assert await reason(refuses(429, Retry_After="3600")) == "answered with status 429, and another try would come too late"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refuses(401), "did not accept the key (401)"),
        (refuses(404), "answered with status 404"),
        (sends(b"", 302, Location="http://127.0.0.1:1/v1"), "answered with a redirect (302), which is not followed"),
        (servers.floods, "answered with more than 256 KiB"),
        (sends(b"<html>garbage"), "answered in another form than that of chat completions"),
        (sends(b"[" * 200_000), "answered in another form than that of chat completions"),
        (sends(b'{"choices": []}'), "answered in another form than that of chat completions"),
        (sends(gzip.compress(b" " * 10**8), Content_Encoding="gzip"), "answered in another form than that of chat completions"),
        (says("half a", "length"), "needed more tokens than it may spend"),
        (says(""), "answered without a text"),
    ],
)
async def test_what_is_no_answer_has_a_reason(answer: Answer, told: str) -> None:
    assert await reason(answer) == told


@pytest.mark.parametrize("answer", [refuses(500), servers.hangs_up, servers.breaks_off])
async def test_what_stays_broken_is_given_up_after_three_tries(answer: Answer) -> None:
    with serving(answer) as server, pytest.raises(Unanswered):
        await asked(server.url)
    assert len(server.asked) == 3


@pytest.mark.parametrize("answer", [waits(3, says("late")), servers.drips])
async def test_time_is_up_when_the_budget_is_spent(answer: Answer) -> None:
    began = time.monotonic()
    assert await reason(answer, seconds=0.5) in ("took longer than 0.5 s", "could not be reached in time (ReadTimeout)")
    assert time.monotonic() - began < 1.5


async def test_who_is_cancelled_meanwhile_is_cancelled() -> None:
    with serving(waits(2, says("late"))) as server:
        asking = asyncio.create_task(asked(server.url))
        await asyncio.sleep(0.2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_the_key_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger)
    assert KEY not in await reason(refuses(401), seconds=1)
    assert "chat/completions" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in repr(model("http://127.0.0.1:1/v1"))


async def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(Unanswered, match="could not be reached"):
        await asked("http://127.0.0.1:1/v1")
    with pytest.raises(Unanswered, match="could not be reached"):
        await language_model.is_listed(model("http://127.0.0.1:1/v1"))


@pytest.mark.parametrize(
    ("answer", "listed"),
    [
        (sends(json.dumps({"data": [{"id": NAME}]}).encode()), True),
        (sends(json.dumps({"data": [{"id": "other"}]}).encode()), False),
        (sends(b"no such page", 404), None),
    ],
)
async def test_whether_the_model_is_listed_is_known_where_the_server_tells(answer: Answer, listed: bool | None) -> None:
    with serving(answer) as server:
        assert await language_model.is_listed(model(server.url)) is listed


ENV = {"RUNLEDGER_LLM_URL": "https://models.example.com/v1", "RUNLEDGER_LLM_MODEL": NAME, "RUNLEDGER_LLM_KEY": KEY}


def test_a_model_is_made_of_the_settings(tmp_path: Path) -> None:
    assert language_model.of(Settings(data_dir=tmp_path)) is None
    made = language_model.of(Settings.from_env(ENV))
    assert made == LanguageModel("https://models.example.com/v1", NAME, KEY, 60, 16_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"RUNLEDGER_LLM_MODEL": ""},
        {"RUNLEDGER_LLM_URL": ""},
        {"RUNLEDGER_LLM_URL": "ftp://models.example.com"},
        {"RUNLEDGER_LLM_URL": "https://user:hunter2@models.example.com/v1"},
        {"RUNLEDGER_LLM_URL": "https://models.example.com/v1?key=hunter2"},
        {"RUNLEDGER_LLM_KEY": "hunter2\r\nX-Other: 1"},
        {"RUNLEDGER_LLM_TOKENS_MAX": "100"},
    ],
)
def test_a_setting_that_cannot_work_ends_the_start_without_a_secret(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(ENV | wrong)
    assert "RUNLEDGER_LLM_" in str(caught.value)
    assert "hunter2" not in str(caught.value)
