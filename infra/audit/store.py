"""Copies of checkpoints and keys in S3, where nobody who holds the database can reach them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from infra import storage
from infra.audit import checkpoints, keys
from infra.audit.statements import Checkpoint, PublicKey
from infra.database import blocking
from infra.settings import Settings

CONNECT_S, READ_S = 3, 10
AWAY = (BotoCoreError, ClientError, OSError, TimeoutError)  # S3 is down, refuses or lacks the bucket

Statement = Checkpoint | PublicKey


def name_of(statement: Statement) -> str:
    return f"checkpoints/{statement.seq}.json" if isinstance(statement, Checkpoint) else f"checkpoints/keys/{statement.key_id}.json"


def is_configured(settings: Settings) -> bool:
    return settings.s3_endpoint is not None and bool(settings.s3_buckets)


class Store:
    """The statements in the first bucket of the allow-list."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    async def tags(self) -> dict[str, str]:
        """The names of what is there, each with its entity tag: usually the MD5 of the content."""
        found: dict[str, str] = {}
        async for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix="checkpoints/"):
            found |= {item["Key"]: item.get("ETag", "").strip('"') for item in page.get("Contents", ())}
        return found

    async def put(self, statement: Statement) -> None:
        body = msgspec.json.encode(statement)
        await self._client.put_object(Bucket=self._bucket, Key=name_of(statement), Body=body, ContentType="application/json")

    async def content(self, name: str) -> bytes:
        answer = await self._client.get_object(Bucket=self._bucket, Key=name)
        async with answer["Body"] as body:
            return bytes(await body.read())

    async def put_missing(self, statements: Iterable[Statement], there: set[str]) -> None:
        """In the order given, so that what is missing is always the newest; `there` grows with each that has arrived."""
        for statement in statements:
            if (name := name_of(statement)) not in there:
                await self.put(statement)
                there.add(name)

    async def others(self, statements: Iterable[Statement]) -> dict[str, bytes]:
        """What is there and is not, byte for byte, one of `statements`."""
        expected = {name_of(each): hashlib.md5(msgspec.json.encode(each), usedforsecurity=False).hexdigest() for each in statements}
        differing = [name for name, tag in (await self.tags()).items() if expected.get(name) != tag]
        contents = {name: await self.content(name) for name in differing}
        same = {name_of(each): msgspec.json.encode(each) for each in statements}
        return {name: content for name, content in contents.items() if same.get(name) != content}


def statements_of(settings: Settings) -> list[Statement]:
    """What the database holds, and S3 should hold as well."""
    with blocking(settings) as conn:
        return [*keys.known(conn), *checkpoints.since(conn, 0)]


async def differing(settings: Settings) -> dict[str, bytes]:
    """What S3 holds and the database has not, or has differently. Raises one of AWAY."""
    statements = await asyncio.to_thread(statements_of, settings)
    async with opened(settings) as there:
        return await there.others(statements)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    async with storage.client(settings, connect_s=CONNECT_S, read_s=READ_S) as client:
        yield Store(client, settings.bucket_names[0])
