"""`python -m bench [ROW …]`: every row, or those named, on a fresh program; prints the table."""

import sys

import click

from bench import figures
from bench.figures import Figures
from bench.program import Program
from bench.rows import ROWS
from bench.world import World


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(list(ROWS)))
def main(rows: tuple[str, ...]) -> None:
    """Measures ROWS (all without any): ours, the floor in the same run, their ratio and latencies."""
    lines: list[Figures] = []
    with Program() as program:
        world = World(program)
        for name in rows or ROWS:
            click.echo(f"{name}: {ROWS[name].__doc__}", err=True)
            measured = ROWS[name](world)
            click.echo("\n".join(" | ".join(line.cells()) for line in measured), err=True)
            lines += measured
    figures.table(lines)


if __name__ == "__main__":
    sys.exit(main())
