"""What the data loggers of the demo campaign wrote: bus voltage, current, temperature and speed, with the faults that the story tells."""

import io
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

ROWS = 9_000
Signal = NDArray[np.float64]


class Recording(NamedTuple):
    """A file as a logger left it."""

    file_name: str
    content_type: str
    content: bytes


def record(card: str, unit: str, steps: list[tuple[datetime, datetime]]) -> Recording:
    """The log of one sitting at the bench: it spans the card's steps, and what goes wrong does so in the second one.

    The same card, unit and times give the same bytes.
    """
    began, ended = steps[0][0], steps[-1][1]
    pace = round((ended - began).total_seconds() / ROWS, 2)
    seconds = np.arange(ROWS, dtype=np.float64) * np.float64(pace)
    at = (steps[1][0] - began + (steps[1][1] - steps[1][0]) / 2).total_seconds()
    chance = np.random.default_rng(sum(f"{unit} {card}".encode()))
    signals = _bench(seconds, chance)
    kept = np.ones(ROWS, dtype=bool)
    match card:
        case "undervoltage":
            _brown_out(signals, seconds, at, chance)
        case "overcurrent":
            _short(signals, int(at / pace))
        case "thermal":
            signals["heat_sink"] += np.clip(seconds - 0.25 * seconds[-1], 0, None) / seconds[-1] * 32  # creeps up from the first quarter on
            kept = (seconds < at) | (seconds > at + 40 * pace)  # the logger lost its link
    table = pl.DataFrame({"time": [began.replace(tzinfo=None) + timedelta(seconds=float(s)) for s in seconds], **signals}).filter(kept)
    return _parquet(card, table) if card in ("overcurrent", "speed") else _csv(card, table)


def _bench(seconds: Signal, chance: np.random.Generator) -> dict[str, Signal]:
    """A motor under steady load on a 12 V supply."""
    hum = np.sin(seconds * 2 * np.pi / 97)
    return {
        "bus_voltage": 12.0 + 0.02 * hum + chance.normal(0, 0.015, ROWS),
        "motor_current": 18.0 + 0.25 * hum + chance.normal(0, 0.12, ROWS),
        "heat_sink": 61.0 + 0.15 * hum + chance.normal(0, 0.08, ROWS),
        "speed": 3000 + 4 * hum + chance.normal(0, 3.0, ROWS),
    }


def _brown_out(signals: dict[str, Signal], seconds: Signal, at: float, chance: np.random.Generator) -> None:
    low = (seconds >= at) & (seconds < at + 9)
    count = int(low.sum())
    signals["bus_voltage"][low] = 8.6 + chance.normal(0, 0.015, count)
    signals["motor_current"][low] = 24.5 + chance.normal(0, 0.12, count)
    signals["speed"][low] = 2610 + chance.normal(0, 3.0, count)


def _short(signals: dict[str, Signal], row: int) -> None:
    signals["motor_current"][row : row + 2] = (212.4, 96.0)
    signals["bus_voltage"][row : row + 2] = (9.4, 11.2)


def _csv(card: str, table: pl.DataFrame) -> Recording:
    """As many loggers write it: a comment, the names, the units, then the rows."""
    rows = table.with_columns(pl.col("time").dt.to_string("%Y-%m-%dT%H:%M:%S%.3f")).write_csv(include_header=False, float_precision=3)
    head = f"# MC-12 bench logger 3.1, channel set {card}\ntime,bus_voltage,motor_current,heat_sink,speed\n,V,A,degC,rpm\n"
    return Recording(f"{card}_log.csv", "text/csv", (head + rows).encode())


def _parquet(card: str, table: pl.DataFrame) -> Recording:
    """The dynamometer's computer writes the units into the names."""
    named = table.rename(
        {"bus_voltage": "bus_voltage [V]", "motor_current": "motor_current [A]", "heat_sink": "heat_sink [degC]", "speed": "speed [rpm]"}
    )
    file = io.BytesIO()
    named.write_parquet(file, compression="zstd")
    return Recording(f"{card}_dyno.parquet", "application/vnd.apache.parquet", file.getvalue())
