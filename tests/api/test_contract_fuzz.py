"""The API document against the real server: generated requests meet no 5xx and nothing that is not documented."""

import asyncio
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as effort
from schemathesis import checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi

from domain.tokens import Role
from infra.embedded.postgres import Postgres
from infra.embedded.s3 import S3
from infra.settings import Settings
from tests.api.test_matrix import ground
from tests.conftest import Atlas, fresh_settings, put, with_store
from tests.serving import Served, serving

CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]
ENTITIES = {"systems": "system_id", "assets": "asset_id", "issues": "issue_id", "card-templates": "template_id"}
EXAMPLES_AN_OPERATION = 3
FEW = effort(
    max_examples=EXAMPLES_AN_OPERATION,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(scope="module")
def stored(postgres: Postgres, object_store: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with fresh_settings(postgres, tmp_path_factory.mktemp("fuzz")) as settings:
        yield with_store(settings, object_store)


@pytest.fixture(scope="module")
def served(stored: Settings) -> Iterator[Served]:
    with serving(stored) as served:
        yield served


async def ids(served: Served, stored: Settings) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=served.url) as http:
        client = Atlas(http, served.token)
        return await ground(SimpleNamespace(engineer=client, clients={Role.ADMIN: client}, put=partial(put, stored)))


def path_ids(path: str, known: dict[str, str]) -> dict[str, str]:
    """Ids of things that are there, for the parameters of a path."""
    noun = path.removeprefix("/api/v1/").split("/", 1)[0]
    names = {"slug": "closed", "file": "docs.js", "name": "none", **known}
    names["entity_id"] = known[ENTITIES.get(noun, "run_id")]
    return {name: value for name, value in names.items() if f"{{{name}}}" in path}


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_generated_requests_meet_only_what_is_documented(
    served: Served, stored: Settings, mode: GenerationMode, tell: Callable[[str], None]
) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/schema/openapi.json")
    failures: list[str] = []
    asked = 0

    def attempt(case: Any) -> None:
        nonlocal asked
        asked += 1
        try:
            case.call_and_validate(headers={"Authorization": f"Bearer {served.token}"}, checks=CHECKS)
        except FailureGroup as found:
            failures.extend(f"{case.method} {case.path}: {failure}" for failure in found.exceptions)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for result in schema.get_all_operations():
            operation = result.ok()
            if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
                continue  # there is nothing to get wrong but an id, and a wrong id is simply not found
            there = path_ids(operation.path, asyncio.run(ids(served, stored))) if mode is GenerationMode.POSITIVE else None
            seed(1)(FEW(given(operation.as_strategy(mode, path_parameters=there))(attempt)))()
    assert failures == []
    assert asked > 100
    tell(f"{asked:,} requests")
