"""Parquet files, read some rows at a time."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from workers.analysis.bounds import Bounds
from workers.analysis.readers.arrow_schema import field_metadata
from workers.analysis.readers.frames import BLOCK_CELLS_MAX, FrameTable, Wanted, left_out
from workers.analysis.signals import Unreadable

SLICE_ROWS_MAX = 262_144
UNIT_KEYS = ("unit", "units", "Unit", "Units", "unit_string")


class Parquet(NamedTuple):
    """`names` are the columns that hold single values, in the order of the file."""

    path: Path
    names: tuple[str, ...]
    rows: int

    def frames(self, wanted: Wanted | None) -> Iterator[pl.DataFrame]:
        chosen = [int(name) for name in wanted.columns] if wanted else range(len(self.names))
        columns = [cs.by_name(self.names[i]).alias(str(i)) for i in chosen]  # col() would take `^…$` and `*` as patterns
        step = max(1, min(SLICE_ROWS_MAX, BLOCK_CELLS_MAX // max(1, len(columns))))
        scanned = pl.scan_parquet(self.path, glob=False).select(columns)
        for start in range(0, self.rows, step):
            yield scanned.slice(start, step).collect()


def parquet(path: Path, bounds: Bounds) -> FrameTable:
    scanned = pl.scan_parquet(path, glob=False)
    schema = scanned.collect_schema()
    if len(schema) > bounds.columns_max:
        raise Unreadable(f"The table has {len(schema):,} columns; at most {bounds.columns_max:,} are read.")
    nested = [name for name, dtype in schema.items() if dtype.is_nested()]
    names = tuple(name for name in schema if name not in nested)
    rows = int(scanned.select(pl.len()).collect().item())
    if rows > bounds.rows_max:
        raise Unreadable(f"The file has {rows:,} rows; at most {bounds.rows_max:,} are read.")
    units = _units(path)
    notes = [left_out(nested, "nested")] if nested else []
    return FrameTable("Parquet", Parquet(path, names, rows), names, [units.get(name, "") for name in names], bounds, notes)


def _units(path: Path) -> Mapping[str, str]:
    """From the metadata of the columns as Arrow keeps them, or from an entry `units` of the file that maps names to units."""
    said = pl.read_parquet_metadata(path)
    units = {
        name: unit
        for name, metadata in field_metadata(said.get("ARROW:schema", "")).items()
        if (unit := next((metadata[key] for key in UNIT_KEYS if key in metadata), ""))
    }
    try:
        listed = json.loads(said.get("units", "{}"))
    except (ValueError, RecursionError):
        listed = None
    return {**{str(k): str(v) for k, v in listed.items() if isinstance(v, str)}, **units} if isinstance(listed, dict) else units
