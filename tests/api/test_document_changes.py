"""The API document is the one that was committed; a change is told in words, breaking ones first."""

import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.api import snapshot
from tests.api.document_changes import between

ROOT = Path(__file__).parent.parent.parent
RUNS = "/api/v1/test-runs"


def test_the_document_is_the_one_that_was_committed() -> None:
    now = snapshot.document()
    changes = between(snapshot.kept(), now)
    said = "\n".join(map(str, changes))
    advice = "If this is meant: `.venv/bin/python -m tests.api.snapshot`, a line in CHANGELOG.md, and a new version for a breaking change."
    assert changes == [], f"The API document changed.\n{said}\n{advice}"
    assert now == snapshot.kept(), advice


def test_the_documents_version_is_that_of_the_program() -> None:
    version = snapshot.document()["info"]["version"]
    assert version == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'version_option("{version}"' in (ROOT / "cli" / "main.py").read_text()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The committed document with one thing put at a path of it, or taken away by None; `|` parts the steps."""
    document = deepcopy(snapshot.kept())
    *steps, last = path.split("|")
    node = document
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if value is None:
        del node[int(last) if isinstance(node, list) else last]
    elif isinstance(node, list) and last == "+":
        node.append(value)
    else:
        node[last] = value
    return document


CREATE = "components|schemas|CreateRun"
LIMIT = {"name": "x", "in": "query", "required": True, "schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("path", "value", "told", "breaking"),
    [
        (f"paths|{RUNS}|post", None, f"POST {RUNS}: the route is gone", True),
        ("paths|/new", {"get": {}}, "GET /new: a new route", False),
        (f"paths|{RUNS}|get|responses|422", None, "status 422 is gone", True),
        (f"paths|{RUNS}|get|responses|418", {"description": ""}, "status 418 is new", False),
        (f"paths|{RUNS}|get|operationId", "runs", "the operation list_runs is called runs", True),
        (f"paths|{RUNS}|get|security", [{"bearer": ["admin"]}], "security", True),
        (f"paths|{RUNS}|get|parameters|0", None, "the query parameter system_id is gone", True),
        (f"paths|{RUNS}|get|parameters|+", LIMIT, "a new query parameter x, required", True),
        (f"paths|{RUNS}|get|parameters|+", LIMIT | {"required": False}, "a new query parameter x", False),
        (f"paths|{RUNS}|get|parameters|4|schema|maximum", 10, "maximum: 1000 became 10", True),
        (f"paths|{RUNS}|get|parameters|4|schema|maximum", 2000, "maximum: 1000 became 2000", False),
        (f"paths|{RUNS}|get|responses|200|headers|Link", None, "the header Link is gone", True),
        (f"{CREATE}|properties|title|maxLength", 100, "maxLength: 255 became 100", True),
        (f"{CREATE}|properties|title|type", "integer", "type: string became integer", True),
        (f"{CREATE}|properties|colour", {"type": "string"}, "a new member colour", False),
        (f"{CREATE}|required|+", "description", "the member description is required now", True),
        (f"{CREATE}|properties|description", None, "the member description is gone", True),
        ("components|schemas|Run|properties|colour", {"type": "string"}, "a new member colour", False),
        ("components|schemas|Run|properties|title", None, "the member title is gone", True),
        ("components|schemas|Run|required|0", None, "is optional now", True),
        ("components|schemas|ExecutionStatus|enum|0", None, "is gone", True),
        ("components|schemas|ExecutionStatus|enum|+", "lost", "a new value 'lost'", True),  # whoever reads it does not know it
        ("components|headers|CommandId|required", False, "not always there", True),
        ("components|parameters|IfMatch|required", True, "IfMatch as sent: the header parameter If-Match is required now", True),
        (f"paths|{RUNS}|get|summary", "Runs", "other words", False),
        ("info|version", "9.9.9", "became 9.9.9", False),
    ],
)
def test_a_change_is_told_and_weighed(path: str, value: Any, told: str, breaking: bool) -> None:
    found = between(snapshot.kept(), changed(path, value))
    assert any("other words" in change.what for change in found) is (told == "other words")
    assert any(told in str(change) for change in found), found
    assert any(change.breaking for change in found) is breaking, found
    assert all(re.match("BREAKING|compatible", str(change)) for change in found)
