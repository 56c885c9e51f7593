"""The house rules: who imports whom, how long a file and a function may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "domain": set(),
    "infra": {"domain"},
    "commands": {"domain", "infra"},
    "projections": {"domain", "infra"},
    "workers": {"domain", "infra", "commands", "projections"},
    "api": {"domain", "infra", "commands", "projections"},
    "cli": {"domain", "infra", "commands", "projections", "workers", "api"},
    "bench": {"domain", "infra", "commands", "projections", "workers", "api", "cli"},
}
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
FORBIDDEN_NAMES = {"utils", "common", "core", "helpers", "services", "repositories", "managers"}
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    named = set(imports(ast.parse(path.read_text())))
    assert not (named & ROOMS.keys()) - ROOMS[room] - {room}


@pytest.mark.parametrize("path", sorted((ROOT / "domain").rglob("*.py")), ids=name_of)
def test_the_domain_names_no_library_but_msgspec(path: Path) -> None:
    foreign = {"litestar", "psycopg", "eventsourcing", "redis", "dramatiq", "aiobotocore", "httpx", "time", "uuid6", "random", "os"}
    assert not set(imports(ast.parse(path.read_text()))) & foreign


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_stay_short_and_open_with_a_line_of_purpose(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert path.stem not in FORBIDDEN_NAMES
    assert text.count("\n") <= FILE_LINES_MAX
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name
