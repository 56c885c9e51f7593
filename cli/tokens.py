"""`runledger token`: issue, list and revoke access tokens from the host."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click
from rich.text import Text

from cli import deployment, output
from cli.host import in_ledger, perform
from commands import tokens
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.tokens import TOKEN_DAYS, TOKEN_DAYS_MAX, Role, is_email
from infra.database import Pool
from projections.tokens import ListedToken, listed


@click.group()
def token() -> None:
    """Issue, list and revoke access tokens."""


def _email(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not is_email(value):
        raise click.BadParameter("must be an e-mail address, like ada@example.com")
    return value


def _name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("must not be blank")
    return value


@token.command()
@click.option("--name", required=True, callback=_name, help="What the token is for.")
@click.option("--email", required=True, callback=_email, help="Who acts with it; shown in the history.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What it may do.")
@click.option("--system", "systems", multiple=True, type=click.UUID, metavar="ID", help="Limit it to this system; may be repeated.")
@click.option(
    "--expires-days", default=TOKEN_DAYS, show_default=True, type=click.IntRange(1, TOKEN_DAYS_MAX), help="Days until it expires."
)
@output.json_option
def create(name: str, email: str, role: str, systems: tuple[UUID, ...], expires_days: int, *, as_json: bool) -> None:
    """Issue a token. It is printed once, on stdout, and only its hash is kept."""
    text, expires_at = tokens.fresh(), datetime.now(UTC) + timedelta(days=expires_days)
    with deployment.reach() as settings:
        token_id = in_ledger(settings, lambda pool: issue(pool, text, name, email, Role(role), list(systems) or None, expires_at))
    if as_json:
        shown = {"token": text, "token_id": token_id, "name": name, "email": email, "role": role}
        output.document(shown | {"system_ids": systems or None, "expires_at": expires_at})
        return
    scope = f"{len(systems)} system(s)" if systems else "every system"
    output.note(f"Token {token_id}: {role} on {scope} for {email} until {output.day(expires_at)} UTC. It is shown only now.")
    click.echo(text)


@token.command("list")
@output.json_option
def list_(*, as_json: bool) -> None:
    """List the tokens, newest first; never their text."""
    with deployment.reach() as settings:
        found = in_ledger(settings, _all)
    if as_json:
        items: list[dict[str, Any]] = [output.members(item) | {"state": _state(item)} for item in found]
        output.document({"items": items, "count": len(items)})
        return
    if not found:
        output.note("There are no tokens yet; `runledger token create` makes one.")
        return
    headings = ("ID", "Name", "Owner", "Role", "Scope", "Expires (UTC)", "State")
    output.table(headings, [(str(t.token_id), t.name, t.owner, t.role, _scope(t), output.day(t.expires_at), _coloured(t)) for t in found])


@token.command()
@click.argument("token_id", type=click.UUID, metavar="ID")
@output.json_option
def revoke(token_id: UUID, *, as_json: bool) -> None:
    """Revoke a token by its id (see `token list`)."""
    with deployment.reach() as settings:
        in_ledger(settings, lambda pool: withdraw(pool, [token_id]))
    if as_json:
        output.document({"token_id": token_id, "revoked": True})
    else:
        click.echo(f"Token {token_id} is revoked; it stops working within 5 seconds.")


async def issue(
    pool: Pool,
    text: str,
    name: str,
    email: str,
    role: Role,
    system_ids: list[UUID] | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Issues a token from the host itself and returns its id; without `expires_at` it holds until it is revoked."""
    issued = UUID(int=0)

    async def decide(work: Work) -> Query:
        nonlocal issued
        issued = await tokens.issue(work, text, name, email, role, system_ids, expires_at)
        return Query(204)

    await perform(pool, None, decide)
    return issued


async def withdraw(pool: Pool, token_ids: list[UUID]) -> None:
    """Revokes tokens; NotFound for one that is unknown or revoked already."""

    async def decide(work: Work) -> Query:
        tokens.revoke(work)
        return Query(204)

    for token_id in token_ids:
        await perform(pool, Target(Kind.TOKEN, token_id, with_root=True), decide)


async def _all(pool: Pool) -> list[ListedToken]:
    async with pool.connection() as conn:
        return await listed(conn)


def _scope(item: ListedToken) -> str:
    named = [str(system) for system in item.system_ids or ()] + list(item.project_ids or ())
    return ", ".join(named) if named else "everything"


def _state(item: ListedToken) -> str:
    if item.revoked:
        return "revoked"
    return "expired" if item.expires_at is not None and item.expires_at <= datetime.now(UTC) else "active"


def _coloured(item: ListedToken) -> Text:
    state = _state(item)
    return Text(state, "green" if state == "active" else "dim")
