"""What may be asked of the data files of a run."""

from uuid import UUID

import msgspec

from commands.cards import too_many
from commands.references import unknown
from commands.work import Work
from domain import data_files
from domain.facts import Kind
from domain.refusals import FieldError, FileNotUsable, Invalid, UnknownReference
from infra import log
from infra.append import Member
from infra.objects import Seen


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to register; it may belong to a card, or to a step (whose card need not be named)."""

    file_name: str
    s3_url: str
    file_size: int
    content_type: str
    card_id: UUID | None = None
    step_id: UUID | None = None


class LookFirst(Exception):
    """All but the object has been checked. The caller asks S3 of it, with no transaction open meanwhile, and comes again."""


async def register(work: Work, wanted: NewFile, pinned: Seen | None, files_max: int) -> UUID:
    """Raises `LookFirst` while the object is not `pinned`: what every later read must find again."""
    await _check_room(work, files_max)
    place = await _place(work, wanted)
    if pinned is None:
        raise LookFirst
    if pinned.size != wanted.file_size:
        message = f"is {wanted.file_size}, but the object has {pinned.size} bytes"
        raise FileNotUsable(f"file_size {message}", (FieldError("#/file_size", "mismatch", message),))
    work.require_open()
    file_id = work.new_id()
    registered = data_files.FileRegistered(
        file_name=wanted.file_name,
        s3_url=wanted.s3_url,
        file_size=wanted.file_size,
        content_type=wanted.content_type,
        s3_version_id=pinned.version_id,
        s3_etag=pinned.etag,
    )
    associated = [] if place is None else [data_files.FileAssociated(card_id=place[0], step_id=place[1])]
    work.record(Kind.FILE, file_id, [registered, *associated])
    work.place(Member(file_id, work.root_id, Kind.FILE, 0, live=True))
    return file_id


async def _check_room(work: Work, files_max: int) -> None:
    if await log.live_members(work.conn, work.root_id, Kind.FILE) >= files_max:
        raise too_many(f"A test run holds at most {files_max} data files.")


async def _place(work: Work, wanted: NewFile) -> tuple[UUID, UUID | None] | None:
    """Where the file belongs from the start: a step implies its card, and both must fit together."""
    asked = [("test_card_id", Kind.CARD, wanted.card_id), ("test_step_id", Kind.STEP, wanted.step_id)]
    await work.more([stream_id for _, _, stream_id in asked if stream_id is not None])
    errors = [unknown(f"#/associate_with/{name}", kind, i) for name, kind, i in asked if i is not None and not work.has(kind, i)]
    if not errors and wanted.step_id is not None:
        card_id = work.streams[wanted.step_id].state.card_id
        await work.more([card_id])
        if not work.has(Kind.CARD, card_id):
            errors = [unknown("#/associate_with/test_step_id", Kind.STEP, wanted.step_id)]
        elif wanted.card_id not in (None, card_id):
            raise Invalid.one("#/associate_with/test_step_id", "mismatch", "is not a step of test_card_id")
        else:
            return card_id, wanted.step_id
    if errors:
        raise UnknownReference.all(tuple(errors))
    return None if wanted.card_id is None else (wanted.card_id, None)


async def associate(work: Work, file_id: UUID, kind: Kind, target_id: UUID) -> None:
    """With a card or a step of the run, whichever `kind` says."""
    file, (card_id, step_id) = work.live(file_id), await _pair(work, kind, target_id)
    work.require_open()
    work.record(Kind.FILE, file_id, data_files.associate(file.state, card_id, step_id))


async def dissociate(work: Work, file_id: UUID, kind: Kind, target_id: UUID) -> None:
    file, (card_id, step_id) = work.live(file_id), await _pair(work, kind, target_id)
    facts = data_files.dissociate(file.state, card_id, step_id)
    work.require_open()
    work.record(Kind.FILE, file_id, facts)


async def _pair(work: Work, kind: Kind, target_id: UUID) -> tuple[UUID, UUID | None]:
    """The live card or step that a path names, as it stands in an association; a step of a deleted card is not there."""
    target = work.live(target_id)
    if kind is Kind.CARD:
        return target_id, None
    card_id: UUID = target.state.card_id
    await work.more([card_id])
    work.live(card_id)
    return card_id, target_id


async def delete(work: Work, file_id: UUID) -> None:
    """Hides the record and its associations; the object in S3 stays."""
    file = work.live(file_id)
    work.require_match(file, wide=True)
    work.require_open()
    work.record(Kind.FILE, file_id, data_files.delete(file.state))
    work.place(Member(file_id, work.root_id, Kind.FILE, 0, live=False))


async def restore(work: Work, file_id: UUID, files_max: int) -> None:
    """A file that comes back needs room, like a new one."""
    file = work.streams[file_id]
    if file.state.deleted:
        await _check_room(work, files_max)
    work.require_match(file)
    work.require_open()
    work.record(Kind.FILE, file_id, data_files.restore(file.state))
    work.place(Member(file_id, work.root_id, Kind.FILE, 0, live=True))


async def verify(work: Work, file_id: UUID, sha256: str) -> None:
    """Notes the digest of the pinned object, whatever has become of the run meanwhile."""
    work.record(Kind.FILE, file_id, data_files.verify(work.streams[file_id].state, sha256))
