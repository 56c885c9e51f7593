"""How the command ends: its exit codes, and every foreseeable trouble as one sentence instead of a traceback."""

import asyncio
from enum import IntEnum

import click
import psycopg
from psycopg_pool import PoolTimeout

from domain.refusals import Refusal, Unavailable
from infra.database import UnknownSchema
from infra.embedded.processes import CannotStart
from infra.embedded.supervisor import DirectoryInUse
from infra.listener import PortTaken
from infra.probes import NoAnswer
from infra.settings import SettingsError
from projections.rebuild import InProgress


class Exit(IntEnum):
    OK = 0
    ERROR = 1
    USAGE = 2
    INTEGRITY = 3
    DEPENDENCY = 4
    REFUSED = 5
    INTERRUPTED = 130


class Stop(Exception):
    """Ends the command with a sentence on stderr."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Program(click.Group):
    """The group of all commands; says in words what went wrong."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise SystemExit(Exit.INTERRUPTED) from None
        except Exception as error:
            stop = stop_for(error)
            if stop is None:
                raise
            click.echo(f"Error: {stop.message}", err=True)
            raise SystemExit(stop.code) from error


def stop_for(error: Exception) -> Stop | None:
    """The one table from what can go wrong to exit codes; None for what nobody foresaw."""
    match error:
        case Stop():
            return error
        case SettingsError():
            return Stop(Exit.USAGE, str(error))
        case InProgress():
            return Stop(Exit.REFUSED, error.detail)
        case DirectoryInUse() | UnknownSchema():
            return Stop(Exit.REFUSED, str(error))
        case CannotStart():
            return Stop(Exit.DEPENDENCY, str(error))
        case PortTaken():
            return Stop(Exit.ERROR, str(error))
        case Unavailable():
            return Stop(Exit.DEPENDENCY, error.detail)
        case Refusal():
            return Stop(Exit.ERROR, error.detail)
        case psycopg.errors.InsufficientPrivilege():
            return Stop(Exit.ERROR, f"The database role may not do this ({first_line(error)}). Set RUNLEDGER_DATABASE_OWNER_URL.")
        case psycopg.errors.UndefinedTable():
            return Stop(Exit.ERROR, "The database holds no ledger yet. Start `runledger serve` once; it makes the tables.")
        case psycopg.OperationalError() | PoolTimeout() | NoAnswer():
            return Stop(Exit.DEPENDENCY, f"The database is not reachable: {first_line(error)}")
    return None


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0]
