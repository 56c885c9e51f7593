"""Atlas: data files of a run."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from msgspec import Meta

from api import bodies, parameters
from api.atlas.cards import card_id_of
from api.atlas.file_answers import DataFile
from api.atlas.runs import target
from api.atlas.steps import step_id_of
from api.bodies import NOT_BLANK, SOME_TEXT
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from commands import data_files
from commands.data_files import LookFirst, NewFile
from commands.work import Query, Work
from domain import s3_urls
from domain.facts import Kind
from domain.refusals import FieldError
from domain.tokens import Role
from infra import multipart
from projections import documents

FILES = "/test-runs/{run_id:str}/data"
FILE = FILES + "/{file_id:str}"
BYTES_MAX = 5_497_558_138_880  # 5 TiB, the largest object that S3 keeps
MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"

FileName = Annotated[
    str, Meta(max_length=255, extra=NOT_BLANK, extra_json_schema=SOME_TEXT, description="Shown to people; no control characters.")
]
FileSize = Annotated[int, Meta(ge=0, le=BYTES_MAX, description="Bytes, as the object in S3 has them.")]
ContentType = Annotated[str, Meta(max_length=255, extra_json_schema={"pattern": MEDIA_TYPE}, description="`type/subtype`.")]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file belongs to: a card, or a step, whose card need not be named."""

    test_card_id: UUID | None = None
    test_step_id: UUID | None = None


class RegisterFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file_name: FileName
    s3_url: Annotated[str, Meta(description="`s3://<bucket>/<key>`: an object that is there, in a bucket of this deployment.")]
    file_size: FileSize
    content_type: ContentType = "application/octet-stream"
    associate_with: Place | None = None


def file_id_of(text: str) -> UUID:
    return parameters.path_uuid(text, "data file")


def unfit(body: dict[str, Any]) -> Iterator[FieldError]:
    """What a type alone does not tell of a file's name and type."""
    match body:
        case {"file_name": str(name)} if any(unicodedata.category(c) == "Cc" for c in name):
            yield FieldError("#/file_name", "invalid_format", "must not hold control characters")
    match body:
        case {"content_type": str(media)} if not re.fullmatch(MEDIA_TYPE, media):
            yield FieldError("#/content_type", "invalid_format", "must be type/subtype, such as text/csv")


def detail(work: Work, file_id: UUID, status: int = 200) -> Query:
    location = f"/api/v1/test-runs/{work.root_id}/data/{file_id}" if status == 201 else None
    return Query(status, documents.DATA_FILE_DETAIL, {"run_id": work.root_id, "file_id": file_id}, location)


@post(FILES, operation=Operation("Register a data file that lies in S3", Role.OPERATOR, DataFile, 201, RegisterFile))
async def register_file(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    """S3 is asked outside of the transaction, after everything else was found in order; then the whole is decided again."""
    body, pinned = exchange.body(request), None

    async def decide(work: Work) -> Query:
        wanted = bodies.check(RegisterFile, body, unfit(body))
        s3_urls.parse(wanted.s3_url, exchange.settings.s3_buckets)
        made = await data_files.register(work, _new(wanted), pinned, exchange.settings.files_per_run_max)
        return detail(work, made, 201)

    try:
        return await exchange.write(request, target(run_id, lock=True), Role.OPERATOR, decide)
    except LookFirst:
        address = s3_urls.parse(body["s3_url"], exchange.settings.s3_buckets)
        pinned = await multipart.arrived(exchange.objects, address, body["file_size"], exchange.settings.upload_entry)
    return await exchange.write(request, target(run_id, lock=True), Role.OPERATOR, decide)


def _new(wanted: RegisterFile) -> NewFile:
    place = wanted.associate_with or Place()
    return NewFile(
        file_name=wanted.file_name,
        s3_url=wanted.s3_url,
        file_size=wanted.file_size,
        content_type=wanted.content_type,
        card_id=place.test_card_id,
        step_id=place.test_step_id,
    )


@get(FILES, operation=Operation("List the data files of a run, oldest first", Role.VIEWER, Items[DataFile]))
async def list_files(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    return await exchange.read(request, documents.DATA_FILES_OF_RUN, {}, target(run_id))


@get(FILE, operation=Operation("Read a data file's record", Role.VIEWER, DataFile))
async def get_file(request: Req, exchange: Exchange, run_id: str, file_id: str) -> Response[bytes]:
    return await exchange.read(request, documents.DATA_FILE_DETAIL, {"file_id": file_id_of(file_id)}, target(run_id))


@delete(FILE, status_code=200, operation=Operation("Delete a data file's record; the object in S3 stays", Role.ENGINEER, status=204))
async def delete_file(request: Req, exchange: Exchange, run_id: str, file_id: str) -> Response[bytes]:
    file = file_id_of(file_id)

    async def decide(work: Work) -> Query:
        await data_files.delete(work, file)
        return Query(204)

    return await exchange.write(request, target(run_id, below=((Kind.FILE, file),)), Role.ENGINEER, decide)


@post(
    FILE + "/restore",
    status_code=200,
    operation=Operation("Restore a deleted data file's record", Role.ENGINEER, DataFile, if_match=True),
)
async def restore_file(request: Req, exchange: Exchange, run_id: str, file_id: str) -> Response[bytes]:
    file = file_id_of(file_id)

    async def decide(work: Work) -> Query:
        await data_files.restore(work, file, exchange.settings.files_per_run_max)
        return detail(work, file)

    return await exchange.write(request, target(run_id, below=((Kind.FILE, file),), lock=True, deleted=True), Role.ENGINEER, decide)


async def _relate(request: Req, exchange: Exchange, run_id: str, file_id: str, kind: Kind, other: UUID, change: Any) -> Response[bytes]:
    file = file_id_of(file_id)

    async def decide(work: Work) -> Query:
        await change(work, file, kind, other)
        return Query(204)

    return await exchange.write(request, target(run_id, below=((Kind.FILE, file), (kind, other))), Role.OPERATOR, decide)


def _association(summary: str) -> Operation:
    return Operation(summary, Role.OPERATOR, status=204, if_match=False)


CARD, STEP = FILE + "/associations/cards/{card_id:str}", FILE + "/associations/steps/{step_id:str}"


@put(CARD, operation=_association("Associate a data file with a card"))
async def associate_card(request: Req, exchange: Exchange, run_id: str, file_id: str, card_id: str) -> Response[bytes]:
    return await _relate(request, exchange, run_id, file_id, Kind.CARD, card_id_of(card_id), data_files.associate)


@delete(CARD, status_code=200, operation=_association("Take a data file's association with a card away"))
async def dissociate_card(request: Req, exchange: Exchange, run_id: str, file_id: str, card_id: str) -> Response[bytes]:
    return await _relate(request, exchange, run_id, file_id, Kind.CARD, card_id_of(card_id), data_files.dissociate)


@put(STEP, operation=_association("Associate a data file with a step"))
async def associate_step(request: Req, exchange: Exchange, run_id: str, file_id: str, step_id: str) -> Response[bytes]:
    return await _relate(request, exchange, run_id, file_id, Kind.STEP, step_id_of(step_id), data_files.associate)


@delete(STEP, status_code=200, operation=_association("Take a data file's association with a step away"))
async def dissociate_step(request: Req, exchange: Exchange, run_id: str, file_id: str, step_id: str) -> Response[bytes]:
    return await _relate(request, exchange, run_id, file_id, Kind.STEP, step_id_of(step_id), data_files.dissociate)


HANDLERS = [
    register_file,
    list_files,
    get_file,
    delete_file,
    restore_file,
    associate_card,
    dissociate_card,
    associate_step,
    dissociate_step,
]
