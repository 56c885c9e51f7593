"""`python -m bench [ROW …]`: every row, or those named; prints the table, keeps it in results.json and README.md."""

import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from bench import results
from bench.figures import COLUMNS, Figures
from bench.pace import QUICK
from bench.program import Program
from bench.rows import GROUPS, ROWS, WHEN_NAMED
from bench.world import World


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(list(ROWS)))
def main(rows: tuple[str, ...]) -> None:
    """Measures ROWS (without any, all but what takes very long): ours, the floor or peer in the same run, their ratio, latencies, and
    whether the goal holds.

    Each row is kept in results.json and README.md as soon as it is done, unless QUICK=1 only tries whether it works.
    """
    lines: list[Figures] = []
    kept = results.load()
    for group in GROUPS:
        wanted = [name for name in group.rows if (name in rows if rows else name not in WHEN_NAMED)]
        if not wanted:
            continue
        with Program(group.environment) as program:
            world = World(program)
            machine = results.machine(world.owner_url)
            for name in wanted:
                click.echo(f"{name}: {ROWS[name].__doc__}", err=True)
                measured = ROWS[name](world)
                click.echo("\n".join(" | ".join(line.cells()) for line in measured), err=True)
                lines += measured
                kept[name] = results.measurement(measured, machine)
                if not QUICK:
                    results.keep(kept, list(ROWS))
    _print(lines)


def _print(lines: Sequence[Figures]) -> None:
    table = Table(*COLUMNS)
    for line in lines:
        table.add_row(*(cell.replace("**", "") for cell in line.cells()))
    Console(width=None if Console().is_terminal else 180).print(table)


if __name__ == "__main__":
    sys.exit(main())
