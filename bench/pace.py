"""How often and how long rows measure. QUICK=1 runs every row once and briefly: whether it works, not how fast it is."""

import os

import click

QUICK = os.environ.get("QUICK", "") not in ("", "0")
ROUNDS = 1 if QUICK else 3
ROUND_S = 2.0 if QUICK else 4.0
EVENTS = int(os.environ.get("BENCH_EVENTS", "20000" if QUICK else "1000000"))
CLIENTS = 32


def say(text: str) -> None:
    """What a row is about to do, beside the table."""
    click.echo(f"  {text}", err=True)
