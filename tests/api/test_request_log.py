"""What is logged of a request, and what never is."""

import json
import logging

import pytest

from infra import logs
from infra.logs import AsJson, AsText
from tests.conftest import World


async def test_a_request_is_one_line_without_its_address_or_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "runledger.requests"):
        await world.http.get("/livez")
        await world.engineer("POST", "/systems?secret=1", {"system_name": "secret"}, x_request_id="abc")
    (record,) = [r for r in caplog.records if r.name == "runledger.requests"]
    line = json.loads(AsJson().format(record))
    assert (line["method"], line["route"], line["status"], line["request_id"]) == ("POST", "/api/v1/systems", 201, "abc")
    for text in (AsJson().format(record), AsText().format(record)):
        assert "secret" not in text
        assert world.engineer.token not in text


async def test_a_crash_is_logged_with_its_request_id_and_told_without_its_cause(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.documents.RUN_DETAIL", "SELECT 1/0, 0, ''::bytea")
    system = (await world.engineer("POST", "/systems", {"system_name": "PDU"})).json()["system_id"]
    answer = await world.engineer("POST", "/test-runs", {"title": "T", "system_id": system}, x_request_id="crashed")
    assert (answer.status_code, answer.json()["instance"]) == (500, "crashed")
    assert "zero" not in answer.text
    (record,) = [r for r in caplog.records if r.name == "runledger.api"]
    text = AsText().format(record)
    assert "request_id=crashed" in text
    assert "DivisionByZero" in text
    assert json.loads(AsJson().format(record))["route"] == "/api/v1/test-runs"


@pytest.mark.parametrize(
    ("form", "level", "seen"),
    [("text", "warning", ["down"]), ("json", "info", ["fine", "down"]), ("text", "error", []), ("off", "debug", [])],
)
def test_the_log_has_the_form_and_the_level_that_were_set(
    form: str, level: str, seen: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root, ours = logging.getLogger(), logging.getLogger("runledger")
    before = root.handlers[:], root.level, ours.level
    root.handlers = []
    try:
        logs.configure(form, level)
        logging.getLogger("runledger.api").info("fine")
        logging.getLogger("runledger.api").warning("down")
    finally:
        root.handlers, level_of_root, level_of_ours = before
        root.setLevel(level_of_root)
        ours.setLevel(level_of_ours)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["message"] if form == "json" else line.split(": ")[1] for line in lines] == seen
