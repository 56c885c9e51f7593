"""What a database must keep, so that the promises hold: `runledger doctor` tells of each rule, and a start warns where one is broken."""

from dataclasses import dataclass
from enum import StrEnum

from cli import output
from infra import database, probes
from infra.settings import Settings

NOTHING = ""


class State(StrEnum):
    OK = "ok"
    FAULT = "fault"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """`advice` is what to do; empty where all is right."""

    name: str
    state: State
    found: str
    advice: str = NOTHING


def judged(name: str, found: str, *, right: bool, advice: str) -> Check:
    return Check(name, State.OK if right else State.FAULT, found, NOTHING if right else advice)


def rules(told: probes.Ledger) -> list[Check]:
    return [_schema(told), _grants(told), _durability(told), _time_zone(told)]


async def warn_of_broken_rules(settings: Settings) -> None:
    """At a start. It goes on: a test or a demo may have chosen so, and whoever did not reads it here."""
    for check in rules(await probes.ledger(settings)):
        if check.state is not State.OK:
            output.warn(f"{check.name}: {check.found}. {check.advice}")


def _schema(told: probes.Ledger) -> Check:
    known, present = database.newest_version(), told.schema_version
    if present is None:
        return Check("Schema", State.FAULT, "no ledger there", "Start `runledger serve` once; it makes the tables.")
    advice = "Start `runledger serve`; it migrates." if present < known else "Start the newer release that made this schema."
    return judged("Schema", f"version {present} (this release: {known})", right=present == known, advice=advice)


def _grants(told: probes.Ledger) -> Check:
    if told.schema_version is None:
        return Check("Event log", State.UNKNOWN, "no ledger there", "See Schema.")
    found = f"{told.role} may {'; '.join(told.may_change)}" if told.may_change else f"{told.role} can only read and append"
    advice = "Let RUNLEDGER_DATABASE_URL name a role that owns nothing, and RUNLEDGER_DATABASE_OWNER_URL the owner."
    return judged("Event log", found, right=not told.may_change, advice=advice)


def _durability(told: probes.Ledger) -> Check:
    found = ", ".join(told.unsafe) or "a change is on disk before it is acknowledged"
    advice = "Set fsync, full_page_writes and synchronous_commit to on: as it is, acknowledged changes may be lost when the machine stops."
    return judged("Durability", found, right=not told.unsafe, advice=advice)


def _time_zone(told: probes.Ledger) -> Check:
    advice = "Let the connection keep its start options (`-c timezone=UTC`): a pooler between must not drop them."
    return judged("Time zone", told.time_zone, right=told.time_zone == "UTC", advice=advice)
