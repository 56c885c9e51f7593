"""Data files: the objects in S3 that a run's evidence lies in, pinned as they were when they were registered."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import tombstones
from domain.events import Event
from domain.refusals import NotFound


class FileRegistered(Event, frozen=True, tag="file.registered"):
    """`file_size` in bytes; version (None where the bucket keeps none) and ETag are those that S3 told then."""

    file_name: str
    s3_url: str
    file_size: int
    content_type: str
    s3_version_id: str | None
    s3_etag: str


class FileVerified(Event, frozen=True, tag="file.verified"):
    """The pinned object was read once from end to end; `sha256` in lower-case hexadecimal."""

    sha256: str


class FileAssociated(Event, frozen=True, tag="file.associated"):
    """It belongs to a step of a card, or to the card as a whole."""

    card_id: UUID
    step_id: UUID | None = None


class FileDissociated(Event, frozen=True, tag="file.dissociated"):
    card_id: UUID
    step_id: UUID | None = None


class FileDeleted(Event, frozen=True, tag="file.deleted"):
    """Only the record: the object in S3 stays."""


class FileRestored(Event, frozen=True, tag="file.restored"):
    pass


class Association(msgspec.Struct, frozen=True):
    card_id: UUID
    step_id: UUID | None = None


class DataFile(msgspec.Struct, frozen=True, kw_only=True):
    file_name: str
    s3_url: str
    file_size: int
    s3_version_id: str | None
    s3_etag: str
    sha256: str | None = None
    associations: tuple[Association, ...] = ()
    deleted: bool = False


def evolve(file: DataFile | None, event: Event) -> DataFile | None:
    match file, event:
        case None, FileRegistered():
            return DataFile(
                file_name=event.file_name,
                s3_url=event.s3_url,
                file_size=event.file_size,
                s3_version_id=event.s3_version_id,
                s3_etag=event.s3_etag,
            )
        case DataFile(), FileVerified():
            return replace(file, sha256=event.sha256)
        case DataFile(), FileAssociated():
            return replace(file, associations=(*file.associations, Association(event.card_id, event.step_id)))
        case DataFile(), FileDissociated():
            left = Association(event.card_id, event.step_id)
            return replace(file, associations=tuple(a for a in file.associations if a != left))
        case DataFile(), FileDeleted():
            return replace(file, deleted=True)
        case DataFile(), FileRestored():
            return replace(file, deleted=False)
    return file


def verify(file: DataFile, sha256: str) -> list[Event]:
    """The digest is recorded once; what differs from it later is not a new digest but another object."""
    return [] if file.sha256 is not None else [FileVerified(sha256=sha256)]


def associate(file: DataFile, card_id: UUID, step_id: UUID | None) -> list[Event]:
    """Associating twice is fine and records nothing."""
    return [] if Association(card_id, step_id) in file.associations else [FileAssociated(card_id=card_id, step_id=step_id)]


def dissociate(file: DataFile, card_id: UUID, step_id: UUID | None) -> list[Event]:
    """Takes off just that pair: a file that belongs to a step does not belong to its card as a whole."""
    if Association(card_id, step_id) not in file.associations:
        raise NotFound("The data file is not associated with it.")
    return [FileDissociated(card_id=card_id, step_id=step_id)]


def delete(file: DataFile) -> list[Event]:
    return tombstones.delete("data file", file.deleted, FileDeleted())


def restore(file: DataFile) -> list[Event]:
    return tombstones.restore("data file", file.deleted, FileRestored())
