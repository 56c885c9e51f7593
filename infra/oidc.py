"""Tokens of an OpenID Connect issuer: whether they are genuine, by the issuer's published keys (RFC 7519, RFC 8725, OIDC Discovery)."""

import asyncio
import logging
import ssl
import time
from functools import cache
from typing import Any, TypeVar

import httpx
import jwt
import msgspec

from domain.refusals import Unavailable
from infra.settings import Settings

LEEWAY_S = 60  # how far the issuer's clock and ours may be apart
KEYS_FRESH_S = 600  # then they are asked for again, while the old ones go on
KEYS_OLD_S = 3_600  # then that is waited for
KEYS_KEPT_S = 86_400  # with the issuer away
ASK_AGAIN_S = 10  # at the earliest, whatever tokens with unknown keys come
ANSWER_S_MAX = 3.0
ANSWER_BYTES_MAX = 1_048_576
TOKEN_CHARACTERS_MAX = 16_384
REQUIRED = ["iss", "aud", "exp", "sub"]
KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # of key that an algorithm takes (RFC 7518, RFC 8037)

T = TypeVar("T")

logger = logging.getLogger("runledger.access")


class Distrusted(Exception):
    """The token is not to be believed; the text is for the access log."""


class _NoAnswer(Exception):
    """The issuer did not give its keys."""


class _Discovered(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


class Issuer:
    """The one issuer of the settings; its keys are kept for all requests of the process."""

    def __init__(self, settings: Settings) -> None:
        self.url, self._audience = settings.oidc_issuer or "", settings.oidc_audience
        self._algorithms = settings.oidc_algorithms
        self._keys: list[dict[str, Any]] = []
        self._fetched = self._asked = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self.fault: str | None = None

    async def usable(self) -> int:
        """How many keys it publishes now that we would take; where it cannot be told, `fault` says why."""
        await self._refresh()
        kinds = {KINDS[algorithm[:2]] for algorithm in self._algorithms}
        return sum(key.get("kty") in kinds and key.get("use", "sig") == "sig" for key in self._keys)

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims of a genuine token that is meant for us; else Distrusted. Unavailable where there are no keys to tell by."""
        try:
            if len(token) > TOKEN_CHARACTERS_MAX:
                raise Distrusted("oversized token")
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in self._algorithms:
                raise Distrusted("algorithm not allowed")
            key = jwt.PyJWK(await self._key(header.get("kid"), algorithm), algorithm)
            return jwt.decode(token, key, [algorithm], {"require": REQUIRED}, audience=self._audience, issuer=self.url, leeway=LEEWAY_S)
        except jwt.PyJWTError as error:
            raise Distrusted(_why(error)) from None

    async def _key(self, key_id: str | None, algorithm: str) -> dict[str, Any]:
        now = time.monotonic()
        age = now - self._fetched
        if age > KEYS_KEPT_S:
            self._keys = []
        if age > KEYS_OLD_S or self._find(key_id, algorithm) is None:  # none yet, or the issuer has new ones
            await asyncio.shield(self._refreshed(now))
        elif age > KEYS_FRESH_S:
            self._refreshed(now)
        if (found := self._find(key_id, algorithm)) is not None:
            return found
        if not self._keys:
            raise Unavailable("The issuer of this token cannot be asked for its keys right now. Try again.")
        raise Distrusted("unknown key")

    def _find(self, key_id: str | None, algorithm: str) -> dict[str, Any] | None:
        """The key of that id; a token may leave the id out where there is one key only."""
        kind = KINDS[algorithm[:2]]
        fit = [k for k in self._keys if k.get("kty") == kind and k.get("use", "sig") == "sig" and k.get("alg", algorithm) == algorithm]
        if key_id is None:
            return fit[0] if len(fit) == 1 else None
        return next((k for k in fit if k.get("kid") == key_id), None)

    def _refreshed(self, now: float) -> "asyncio.Task[None]":
        """The present attempt to get the keys, or a new one; one that has just been made counts for a while."""
        if self._fetching is None or (self._fetching.done() and now - self._asked > ASK_AGAIN_S):
            self._asked = now
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            authorities = await asyncio.to_thread(_authorities)
            async with asyncio.timeout(ANSWER_S_MAX), _client(authorities) as client:
                self._keys = (await _document(client, await self._keys_url(client), _KeySet)).keys
                self._fetched = time.monotonic()
                self.fault = None
        except (_NoAnswer, TimeoutError, httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            self.fault = str(error) or type(error).__name__
            logger.warning("the keys of the OIDC issuer could not be read: %s", self.fault)

    async def _keys_url(self, client: httpx.AsyncClient) -> str:
        known = await _document(client, f"{self.url.rstrip('/')}/.well-known/openid-configuration", _Discovered)
        if known.issuer != self.url:
            raise _NoAnswer(f"it calls itself {known.issuer[:200]!r}")
        if self.url.startswith("https://") and not known.jwks_uri.startswith("https://"):
            raise _NoAnswer("its keys are not at an https address")
        return known.jwks_uri


def _client(authorities: ssl.SSLContext) -> httpx.AsyncClient:
    """Goes where the settings and the issuer say only: no redirect, no proxy of the environment."""
    return httpx.AsyncClient(timeout=ANSWER_S_MAX, follow_redirects=False, trust_env=False, verify=authorities)


@cache
def _authorities() -> ssl.SSLContext:
    """Reading them takes 70 to 90 ms: not on the event loop, and once."""
    return ssl.create_default_context()


async def _document(client: httpx.AsyncClient, url: str, kind: type[T]) -> T:
    body = bytearray()
    async with client.stream("GET", url, headers={"Accept": "application/json", "Accept-Encoding": "identity"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise _NoAnswer(f"status {answer.status_code}")
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                raise _NoAnswer("its answer is too large")
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise _NoAnswer("its answer is not the document that was asked for") from None


def _why(error: jwt.PyJWTError) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "expired token"
        case jwt.InvalidAudienceError():
            return "token for another audience"
        case jwt.InvalidIssuerError():
            return "token of another issuer"
        case jwt.ImmatureSignatureError():
            return "token from the future"
        case jwt.InvalidSignatureError() | jwt.InvalidAlgorithmError() | jwt.InvalidKeyError():
            return "bad signature"
        case jwt.MissingRequiredClaimError():
            return "token without what it must hold"
    return "malformed token"
