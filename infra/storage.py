"""The S3 client: one way to reach the objects of a deployment."""

from typing import Any, NamedTuple

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

from infra.settings import Settings

__all__ = ["AWAY", "ClientError", "ConnectionClosedError", "client"]
AWAY = (BotoCoreError, aiohttp.ClientError, OSError)


def client(settings: Settings, *, connect_s: float, read_s: float) -> Any:
    """An asynchronous context manager that gives an S3 client; each call is tried once, retries are the caller's.

    Checksums only where S3 asks for them: other servers than Amazon's refuse the newer ones.
    """
    config = AioConfig(
        signature_version="s3v4",
        connect_timeout=connect_s,
        read_timeout=read_s,
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
        http_session_cls=_Straight,
    )
    return get_session().create_client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        region_name=settings.s3_region,
        config=config,
    )


class _Straight(AIOHTTPSession):  # type: ignore[misc]  # it carries no types
    """Follows no redirection: what S3 answers must not lead to another server."""

    async def _get_session(self, proxy_url: str | None) -> "_Requests":
        return _Requests(await super()._get_session(proxy_url))


class _Requests(NamedTuple):
    session: Any

    async def request(self, *args: Any, **options: Any) -> Any:
        return await self.session.request(*args, allow_redirects=False, **options)
