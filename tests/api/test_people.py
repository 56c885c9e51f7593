"""People who come with a token of an OIDC issuer: a real one on loopback."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from api.people import role_of, systems_of
from domain.tokens import Role
from infra import oidc
from infra.oidc import Distrusted
from infra.settings import Settings, SettingsError
from tests.api.making import campaign, problem
from tests.conftest import Atlas, World, opened
from tests.issuers import AUDIENCE, Issuer, elliptic_key, issuing

ROLES = (("leads", Role.ENGINEER), ("testers", Role.OPERATOR), ("readers", Role.AUDITOR))
MINA = "mina@example.com"  # as the tests' issuer knows her
DEEP = base64.urlsafe_b64encode(b'{"alg":"RS256","x":' + b"[" * 9_002).decode()  # a header that no parser goes to the end of
SET = {"RUNLEDGER_OIDC_ISSUER": "https://login.example.com", "RUNLEDGER_OIDC_AUDIENCE": "x", "RUNLEDGER_OIDC_ROLES": "a=viewer"}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as server:
        yield server


@pytest.fixture
def configured(with_s3: Settings, issuer: Issuer) -> Settings:
    return msgspec.structs.replace(with_s3, oidc_issuer=issuer.url, oidc_audience=AUDIENCE, oidc_roles=ROLES)


@pytest.fixture
async def world(configured: Settings) -> AsyncIterator[World]:
    async with opened(configured) as world:
        yield world


async def status(world: World, token: str) -> int:
    return (await Atlas(world.http, token)("GET", "/systems")).status_code


async def reason(world: World, token: str) -> Any:
    """Why it was refused, as the access log has it."""
    assert problem(await Atlas(world.http, token)("GET", "/systems")) == (401, "unauthenticated")
    found = await world.clients[Role.AUDITOR]("GET", "/admin/access-log?status=401&limit=1")
    return found.json()["items"][0]["reason"]


def forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes = b"") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret, b".".join(parts), "sha256") if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


async def test_a_person_acts_in_the_role_that_the_issuer_names_and_under_the_same_actor(world: World, issuer: Issuer) -> None:
    here, person = await campaign(world), Atlas(world.http, issuer.token())
    assert (await person("PATCH", here.step_path, {"execution_status": "passed"})).status_code == 200
    assert problem(await person("DELETE", here.step_path)) == (403, "forbidden")
    told = (await person("GET", f"{here.run_path}/history")).json()["items"][-1]
    assert told["actor"] == "mina@example.com"
    again = Atlas(world.http, issuer.token(iat=int(time.time()) - 5))
    await again("PATCH", here.step_path, {"execution_status": "failed"})
    async with world.pool.connection() as conn:
        sql = "SELECT DISTINCT convert_from(metadata, 'UTF8')::json->>'actor_id' FROM events WHERE topic = 'step.outcome_recorded'"
        assert len(await (await conn.execute(sql)).fetchall()) == 1


async def test_each_way_to_be_untrue_is_refused_and_told_apart(world: World, issuer: Issuer) -> None:
    now, good = int(time.time()), issuer.token()
    assert await status(world, good) == 200
    key_id, claims = {"kid": "k1"}, claims_of(good)
    head, body, signature = good.split(".")
    with issuing() as other:
        stranger = other.token(iss=issuer.url)
    tokens = {
        issuer.token(exp=now - 61): "expired token",
        issuer.token(nbf=now + 120): "token from the future",
        issuer.token(iat=now + 120): "token from the future",
        issuer.token(aud="another"): "token for another audience",
        issuer.token(iss="https://elsewhere.example.com"): "token of another issuer",
        issuer.token(sub=None): "token without what it must hold",
        issuer.token(sub=""): "token without what it must hold",
        issuer.token(sub=5): "malformed token",
        issuer.token(exp=None): "token without what it must hold",
        issuer.token(email=None): "token without an e-mail",
        issuer.token(email="\ud800@example.com"): "token without an e-mail",
        issuer.token(email_verified=False): "e-mail not verified",
        issuer.token(roles=["guests"]): "token without a role here",
        issuer.token(roles=None): "token without a role here",
        issuer.token(headers={"crit": ["exp"]}): "malformed token",
        issuer.token(headers={"kid": "k9"}): "unknown key",
        forged({"alg": "none", **key_id}, claims): "algorithm not allowed",
        forged({"alg": "HS256", **key_id}, claims, issuer.pem()): "algorithm not allowed",
        forged({"alg": "ES256", **key_id}, claims): "unknown key",
        stranger: "bad signature",
        f"{head}.{forged({}, claims | {'roles': ['leads']}).split('.')[1]}.{signature}": "bad signature",
        f"{head}.{body}.": "bad signature",
        f"{head}.{body}": "malformed token",
        f"{DEEP}.e30.AA": "malformed token",
        "eyJ": "malformed token",
        "eyJ" + "a" * 20_000: "oversized token",
    }
    for token, why in tokens.items():
        assert await reason(world, token) == why, token[:200]
    assert await status(world, issuer.token(exp=now - 30)) == 200  # clocks may differ
    assert await status(world, issuer.token(nbf=now + 30, aud=["other", AUDIENCE])) == 200


async def test_a_new_key_is_found_and_a_withdrawn_one_refused(world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await status(world, issuer.token()) == 200
    issuer.keys["k2"] = elliptic_key()
    rotated = issuer.token("k2")
    for unknown in range(20):
        assert await reason(world, issuer.token(headers={"kid": f"x{unknown}"})) == "unknown key"
    assert issuer.asked == 1  # not once more for each that nobody knows
    monkeypatch.setattr(oidc, "ASK_AGAIN_S", 0)
    assert await status(world, rotated) == 200
    old = [issuer.token("k1", jti=str(n)) for n in range(100)]
    del issuer.keys["k1"]
    monkeypatch.setattr(oidc, "KEYS_FRESH_S", 0)
    seen = [await status(world, token) for token in old]  # the first has the keys asked for again, behind its back
    assert (seen[0], seen[-1]) == (200, 401)
    assert sorted(seen) == seen
    assert await reason(world, old[-1]) == "unknown key"


async def test_after_an_hour_of_silence_a_withdrawn_key_opens_nothing(
    world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await status(world, issuer.token()) == 200
    monkeypatch.setattr(oidc, "ASK_AGAIN_S", 0)
    monkeypatch.setattr(oidc, "KEYS_OLD_S", 0)
    stolen = issuer.token(jti="stolen")
    issuer.keys = {"k2": elliptic_key()}
    assert await reason(world, stolen) == "unknown key"


async def test_while_the_issuer_is_slow_it_is_asked_once_and_others_are_served(
    world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "ANSWER_S_MAX", 1.0)
    issuer.late_s = 3.0
    waiting = [asyncio.create_task(status(world, issuer.token(jti=str(n)))) for n in range(50)]
    for _ in range(5):
        assert (await world.engineer("GET", "/systems")).status_code == 200
    assert not any(task.done() for task in waiting)
    assert set(await asyncio.gather(*waiting)) == {503}
    assert issuer.asked == 1


async def test_with_the_issuer_away_known_keys_go_on_and_without_any_there_is_no_answer(
    configured: Settings, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "ASK_AGAIN_S", 0)
    async with opened(configured) as world:
        issuer.away = True
        answer = await Atlas(world.http, issuer.token())("GET", "/systems")
        assert problem(answer) == (503, "unavailable")
        issuer.away = False
        assert await status(world, issuer.token()) == 200
        issuer.away = True
        monkeypatch.setattr(oidc, "KEYS_FRESH_S", 0)
        assert await status(world, issuer.token(jti="2")) == 200
        monkeypatch.setattr(oidc, "KEYS_KEPT_S", 0)
        assert problem(await Atlas(world.http, issuer.token(jti="3"))("GET", "/systems")) == (503, "unavailable")
        assert (await world.engineer("GET", "/systems")).status_code == 200  # our own tokens need nobody


async def test_an_issuer_that_calls_itself_otherwise_is_not_believed(world: World, issuer: Issuer) -> None:
    issuer.name = "https://elsewhere.example.com"
    assert problem(await Atlas(world.http, issuer.token())("GET", "/systems")) == (503, "unavailable")


async def test_a_claim_of_systems_is_the_scope(configured: Settings, issuer: Issuer) -> None:
    async with opened(msgspec.structs.replace(configured, oidc_systems_claim="systems")) as world:
        here, there = await campaign(world), await campaign(world)
        limited = Atlas(world.http, issuer.token(systems=[here.system]))
        assert (await limited("GET", here.run_path)).status_code == 200
        assert problem(await limited("GET", there.run_path)) == (404, "not-found")
        assert problem(await Atlas(world.http, issuer.token())("GET", here.run_path)) == (404, "not-found")
        assert (await Atlas(world.http, issuer.token(systems="*"))("GET", there.run_path)).status_code == 200


async def actor(world: World, email: str = MINA) -> Any:
    people = (await world.clients[Role.ADMIN]("GET", "/admin/users")).json()["items"]
    return next((person["actor_id"] for person in people if person["email"] == email), None)


async def test_a_person_is_the_subject_whatever_the_e_mail_becomes(world: World, issuer: Issuer) -> None:
    here = await campaign(world)
    await world.client(Role.VIEWER, MINA)
    known = await actor(world)
    for token in issuer.token(), issuer.token(email="mina.new@example.com"):
        assert (await Atlas(world.http, token)("PATCH", here.step_path, {"execution_status": "passed"})).status_code == 200
    acted = (await world.engineer("GET", f"{here.run_path}/history?type=step.outcome_recorded")).json()["items"]
    assert [item["actor"] for item in acted] == [MINA, MINA]
    assert (await actor(world), await actor(world, "mina.new@example.com")) == (known, None)


async def test_an_e_mail_that_went_to_somebody_else_does_not_bring_the_name(world: World, issuer: Issuer) -> None:
    """Also with eight of them coming at once, none has been seen: one subject gets the name."""
    first = [issuer.token(sub=f"u{n}") for n in range(8)]
    seen = await asyncio.gather(*(status(world, token) for token in first))
    assert sorted(seen) == [200] + [401] * 7
    assert await reason(world, first[seen.index(401)]) == "e-mail of another person"
    same = await asyncio.gather(*(status(world, issuer.token(sub="new", email="new@example.com", jti=str(n))) for n in range(8)))
    assert set(same) == {200}


async def test_who_was_erased_does_not_come_back(world: World, issuer: Issuer) -> None:
    admin = world.clients[Role.ADMIN]
    assert await status(world, issuer.token()) == 200
    erased = await actor(world)
    assert (await admin("DELETE", f"/admin/users/{erased}/email")).status_code == 204
    assert await reason(world, issuer.token(jti="2")) == "erased person"
    assert await reason(world, issuer.token(email="other@example.com")) == "erased person"
    assert (await actor(world), await actor(world, "other@example.com")) == (None, None)
    assert await status(world, issuer.token(sub="u2")) == 200  # for the issuer that is somebody else, and so it is here
    assert await actor(world) not in (None, erased)


async def test_each_person_has_a_limit_of_their_own(configured: Settings, issuer: Issuer) -> None:
    async with opened(msgspec.structs.replace(configured, rate_capacity=5, rate_per_s=1)) as world:
        seen = [await status(world, issuer.token(jti=str(n))) for n in range(12)]
        assert (seen[0], seen[-1]) == (200, 429)  # another token of the same person counts on
        assert await status(world, issuer.token(sub="u2", email="other@example.com")) == 200


async def test_without_an_issuer_a_token_of_one_is_none(with_s3: Settings, issuer: Issuer) -> None:
    async with opened(with_s3) as world:
        assert await reason(world, issuer.token()) == "malformed token"
    assert issuer.asked == 0


def test_the_first_role_of_the_mapping_that_a_person_has_decides() -> None:
    assert role_of({"roles": ["readers", "testers"]}, "roles", ROLES) is Role.OPERATOR
    assert role_of({"realm_access": {"roles": ["readers"]}}, "realm_access.roles", ROLES) is Role.AUDITOR
    assert role_of({"https://x.example.com/roles": "guests leads"}, "https://x.example.com/roles", ROLES) is Role.ENGINEER
    for claims in ({}, {"roles": {"leads": 1}}, {"roles": [1, None]}, {"roles": "leadsx"}):
        with pytest.raises(Distrusted, match="without a role"):
            role_of(claims, "roles", ROLES)
    assert systems_of({"systems": ["none", 1]}, "systems") == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUNLEDGER_OIDC_ISSUER", "http://login.example.com"),
        ("RUNLEDGER_OIDC_ISSUER", "https://user:x@login.example.com"),
        ("RUNLEDGER_OIDC_ISSUER", ""),
        ("RUNLEDGER_OIDC_AUDIENCE", ""),
        ("RUNLEDGER_OIDC_ROLES", ""),
        ("RUNLEDGER_OIDC_ROLES", "a=king"),
        ("RUNLEDGER_OIDC_ROLES", "viewer"),
        ("RUNLEDGER_OIDC_ALGORITHMS", "RS256,HS256"),
        ("RUNLEDGER_OIDC_ALGORITHMS", "none"),
    ],
)
def test_a_setting_that_would_let_anybody_in_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(SET | {name: value})


def test_the_settings_of_an_issuer_are_read() -> None:
    read = Settings.from_env(SET | {"RUNLEDGER_OIDC_ROLES": "/qa/leads = engineer, x=y=viewer"})
    assert read.oidc_roles == (("/qa/leads", Role.ENGINEER), ("x=y", Role.VIEWER))
    assert (read.oidc_algorithms, read.oidc_role_claim, read.oidc_systems_claim) == (("RS256", "ES256"), "roles", None)
