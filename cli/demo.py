"""`runledger demo`: fills a ledger with a believable campaign, through the public API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli import deployment, output
from cli.demo_campaign import PEOPLE
from cli.demo_runs import RUNS, Run
from cli.demo_story import Story, Told, everyone
from cli.exits import Exit, Stop
from cli.host import in_ledger
from cli.tokens import issue, withdraw
from commands import tokens
from domain.tokens import Role
from infra.database import Pool
from infra.embedded.supervisor import holder_of
from infra.public_api import LOOPBACK, Client, Declined, NoServer
from infra.settings import Settings

TOKEN_MINUTES = 30


@click.command()
@click.option("--url", help="The server's address.  [default: http://127.0.0.1:$PORT]")
@click.option("--token", help="Acts with this token alone.  [default: tokens for four people, revoked at the end]")
@output.json_option
def demo(url: str | None, token: str | None, *, as_json: bool) -> None:
    """Fill a ledger with an acceptance campaign of 20 runs. A second time changes nothing."""
    settings = Settings.from_env()
    where = _address(url, settings)
    try:
        present = _tell(where, token, settings, quiet=as_json)
    except NoServer as error:
        raise Stop(Exit.DEPENDENCY, f"No server answers at {where} ({error}). Start one with `make run`, or give --url.") from error
    except Declined as error:
        raise _trouble(error) from error
    if as_json:
        output.document({"url": where, "status": "present" if present else "created", "runs": len(RUNS)})
    elif present:
        click.echo(f"The demo campaign is there already: {len(RUNS)} runs at {where}")
    else:
        click.echo(f"The demo campaign is told: {len(RUNS)} runs at {where}")


def _tell(url: str, token: str | None, settings: Settings, *, quiet: bool) -> bool:
    """Whether the campaign was there already."""
    if not Client(url, {}).is_runledger():
        raise Stop(Exit.ERROR, f"What answers at {url} is no Runledger. Give its address with --url.")
    with _tokens(url, token, settings) as people, _telling(quiet=quiet) as told:
        story = Story(Client(url, people), told)
        if story.is_told():
            return True
        story.tell()
    return False


def _trouble(error: Declined) -> Stop:
    match error.status:
        case 401:
            text = "The server does not accept this token. Make one with `runledger token create`, and give it with --token."
        case 403:
            text = f"The token may not do this: {error.detail} The demo needs the role engineer on every system."
        case 502 | 503 | 504:
            return Stop(Exit.DEPENDENCY, f"The server cannot do this now: {error.detail}")
        case _:
            text = f"{error.request} was answered with {error.status}: {error.detail}"
    return Stop(Exit.ERROR, text)


def _address(url: str | None, settings: Settings) -> str:
    parts = urlsplit(url or f"http://127.0.0.1:{settings.port}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("must look like http://127.0.0.1:8000", param_hint="--url")
    return parts.geturl().rstrip("/")


@contextmanager
def _tokens(url: str, given: str | None, settings: Settings) -> Iterator[dict[str, str]]:
    """A token for each person: the one given, else four made on the host for the duration, else RUNLEDGER_ADMIN_TOKEN."""
    if given is not None:
        yield everyone(given)
    elif urlsplit(url).hostname in LOOPBACK and (settings.database_url or holder_of(settings.data_dir)):
        with deployment.reach() as reached:
            made = {person: tokens.fresh() for person in PEOPLE}
            ids = in_ledger(reached, lambda pool: _introduce(pool, made))
            try:
                yield made
            finally:
                in_ledger(reached, lambda pool: withdraw(pool, ids))
    elif settings.admin_token is not None:
        yield everyone(settings.admin_token)
    else:
        raise Stop(Exit.ERROR, f"A token for {url} is needed: give --token, or set RUNLEDGER_ADMIN_TOKEN.")


async def _introduce(pool: Pool, made: dict[str, str]) -> list[UUID]:
    expires_at = datetime.now(UTC) + timedelta(minutes=TOKEN_MINUTES)
    return [await issue(pool, made[key], "demo", who.email, Role(who.role), expires_at=expires_at) for key, who in PEOPLE.items()]


@contextmanager
def _telling(*, quiet: bool) -> Iterator[Told]:
    """A bar on a terminal, a line for each run elsewhere, nothing when quiet."""
    if quiet or not output.aside.is_terminal:
        yield _line if not quiet else _nothing
        return
    columns = (TextColumn("Telling the campaign"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[title]}"))
    with Progress(*columns, console=output.aside, transient=True) as progress:
        task = progress.add_task("runs", total=len(RUNS), title="catalogue")

        def told(run: Run, number: str) -> None:
            progress.update(task, advance=1, title=f"{number} {run.title}")

        yield told


def _line(run: Run, number: str) -> None:
    output.note(f"{number}  {run.title}")


def _nothing(_run: Run, _number: str) -> None:
    pass
