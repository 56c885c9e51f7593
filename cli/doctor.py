"""`runledger doctor`: is everything there that Runledger needs, and what to do where it is not."""

import asyncio
import sys
from contextlib import ExitStack
from typing import Any

import click
from rich.text import Text

from cli import deployment, doctor_checks, output
from cli.database_rules import Check, State
from cli.exits import Exit
from infra.embedded.processes import CannotStart
from infra.masking import masked
from infra.settings import Settings

STYLES = {State.OK: "green", State.FAULT: "yellow", State.DOWN: "bold red", State.UNKNOWN: "dim"}


@click.command()
@output.json_option
def doctor(*, as_json: bool) -> None:
    """Check this deployment: settings, database, Redis, S3, disk and clock. Exit 4: something is down; 1: another fault."""
    with ExitStack() as stack:
        found = [doctor_checks.python()]
        try:
            settings = stack.enter_context(deployment.reach(whole=True))
            found += asyncio.run(doctor_checks.servers(settings))
        except CannotStart as reason:
            settings = Settings.from_env()
            found.append(Check("Servers", State.DOWN, str(reason), "Read the log that it names, or set the addresses of your own servers."))
        found += doctor_checks.directory(settings)
    verdict = _verdict(found)
    if as_json:
        output.document({"ok": verdict is Exit.OK, "checks": found, "settings": masked(settings)})
    else:
        _show(found, masked(settings))
    sys.exit(verdict)


def _verdict(found: list[Check]) -> Exit:
    states = {check.state for check in found}
    if State.DOWN in states:
        return Exit.DEPENDENCY
    return Exit.OK if states == {State.OK} else Exit.ERROR


def _show(found: list[Check], settings: dict[str, Any]) -> None:
    output.table(("Setting", "In force"), [(name, _plain(value)) for name, value in settings.items()])
    rows = [(check.name, Text(check.state, STYLES[check.state]), check.found, check.advice) for check in found]
    output.table(("Check", "State", "Found", "What to do"), rows)


def _plain(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
    return str(value)
