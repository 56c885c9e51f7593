"""`runledger audit`: reading the whole log, evidence of a run, the key that signs."""

import sys
from pathlib import Path

import click

from api.parameters import run_reference
from cli import deployment, output
from cli.exits import Exit, Stop
from cli.verify import progress
from infra.audit import checkpoints, decoding, keys
from projections import evidence


@click.group()
def audit() -> None:
    """Check what is stored, export evidence, change the signing key."""


@audit.command()
@output.json_option
def check(*, as_json: bool) -> None:
    """Decode every event of the log. Exit 3: some cannot be read by this release; each is named with its position."""
    with deployment.reach() as settings, progress("Events", None) as (bar, task):
        found = decoding.read_all(settings, lambda done: bar.update(task, completed=done))
    if as_json:
        output.document(found)
    else:
        if found.problems:
            rows = [(str(p.position) if p.position is not None else "-", p.kind, p.detail) for p in found.problems]
            output.table(("Position", "Kind", "What is wrong"), rows)
        click.echo(f"{found.events} events of {len(found.types)} shapes, {found.problem_count or 'none'} of them unreadable.")
    sys.exit(Exit.OK if found.ok else Exit.INTEGRITY)


@audit.command()
@click.option("--run", "run", required=True, metavar="TR-0042", help="The test run, by number or id; it may be deleted.")
@click.option("--out", default=Path(), type=click.Path(path_type=Path), metavar="DIR|FILE.zip", help="Where to; here, if not given.")
@output.json_option
def export(run: str, out: Path, *, as_json: bool) -> None:
    """Export the evidence of a run as a ZIP that proves itself without Runledger. Makes a checkpoint where none covers it."""
    with deployment.reach() as settings:
        run_id = evidence.find(settings, run_reference(run))
        try:
            checkpoints.prepare(settings)
        except keys.NoKey as refusal:
            output.note(f"{refusal} The archive as a whole stays unsigned.")
        archive = evidence.build(settings, run_id)
    path = out if out.suffix == ".zip" else out / f"{run.upper()}-evidence.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive)
    if as_json:
        output.document({"run_id": run_id, "path": str(path), "bytes": len(archive)})
    else:
        click.echo(path)
        output.note("Unpack it anywhere and run `python3 verify.py` in it.")


@audit.command("rotate-key")
@output.json_option
def rotate_key(*, as_json: bool) -> None:
    """Make a new signing key, vouched for by the present one, whose private part is destroyed."""
    with deployment.reach() as settings:
        try:
            made = checkpoints.rotate_key(settings)
        except (keys.NoKey, checkpoints.Broken) as refusal:
            raise Stop(Exit.REFUSED, str(refusal)) from refusal
    if as_json:
        output.document(made)
    else:
        click.echo(made.key_id)
        output.note(f"Key {made.key_id} signs from now on; it is vouched for by {made.signed_by}.")
