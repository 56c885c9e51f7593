"""Assets: the physical things under test."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import tombstones
from domain.differences import applied, begun, edited
from domain.events import Event


class AssetCreated(Event, frozen=True, tag="asset.created"):
    """Without a system the asset is shared by all."""

    name: str
    serial_number: str | None = None
    part_number: str | None = None
    revision: str | None = None
    system_id: UUID | None = None
    description: str = ""


class AssetEdited(Event, frozen=True, tag="asset.edited"):
    """Only the members that changed are set."""

    name: str | UnsetType = UNSET
    serial_number: str | None | UnsetType = UNSET
    part_number: str | None | UnsetType = UNSET
    revision: str | None | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET
    description: str | UnsetType = UNSET


class AssetDeleted(Event, frozen=True, tag="asset.deleted"):
    pass


class AssetRestored(Event, frozen=True, tag="asset.restored"):
    pass


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    serial_number: str | None = None
    part_number: str | None = None
    revision: str | None = None
    system_id: UUID | None = None
    description: str = ""
    deleted: bool = False


def evolve(asset: Asset | None, event: Event) -> Asset | None:
    match asset, event:
        case None, AssetCreated():
            return begun(Asset, event)
        case Asset(), AssetEdited():
            return applied(asset, event)
        case Asset(), AssetDeleted():
            return replace(asset, deleted=True)
        case Asset(), AssetRestored():
            return replace(asset, deleted=False)
    return asset


def edit(asset: Asset, wanted: AssetEdited) -> list[Event]:
    return edited(asset, wanted)


def delete(asset: Asset) -> list[Event]:
    return tombstones.delete("asset", asset.deleted, AssetDeleted())


def restore(asset: Asset) -> list[Event]:
    return tombstones.restore("asset", asset.deleted, AssetRestored())
