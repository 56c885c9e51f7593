"""A server that publishes keys as an OpenID Connect issuer does, and signs tokens with them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.in_threads import in_a_thread

AUDIENCE = "runledger"


class Issuer(ThreadingHTTPServer):
    """`asked` counts how often it was asked where its keys are; while `away` is set there is no answer, but after `late_s` each one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: dict[str, Any] = {"k1": rsa.generate_private_key(65_537, 2_048)}
        self.name = self.url
        self.away = False
        self.asked = 0
        self.late_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/realm"

    def published(self) -> list[dict[str, Any]]:
        return [_published(key_id, key) for key_id, key in self.keys.items()]

    def token(self, key_id: str = "k1", *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token, but for what is given; a claim that is None is left out."""
        now = int(time.time())
        said: dict[str, Any] = {"iss": self.url, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + 300}
        said |= {"email": "mina@example.com", "roles": ["testers"]} | claims
        key = self.keys[key_id]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode({k: v for k, v in said.items() if v is not None}, key, algorithm, {"kid": key_id} | (headers or {}))

    def pem(self, key_id: str = "k1") -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        pem: bytes = self.keys[key_id].public_key().public_bytes(serialization.Encoding.PEM, form)
        return pem


def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _published(key_id: str, key: Any) -> dict[str, Any]:
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return kind.to_jwk(key.public_key(), as_dict=True) | {"kid": key_id, "use": "sig"}


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        known = {"issuer": self.server.name, "jwks_uri": f"{self.server.url}/keys"}
        answers = {"/realm/.well-known/openid-configuration": known, "/realm/keys": {"keys": self.server.published()}}
        self.server.asked += self.path.endswith("-configuration")
        time.sleep(self.server.late_s)
        self.send_response(503 if self.server.away else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answers[self.path]).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def issuing() -> Iterator[Issuer]:
    server = Issuer()
    with in_a_thread(server):
        yield server
