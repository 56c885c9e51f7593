"""TDMS files of LabVIEW, by npTDMS."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
from nptdms import TdmsChannel, TdmsFile, TdmsGroup

from workers.analysis.bounds import Bounds
from workers.analysis.readers.clocks import UNIT_S, is_time_name
from workers.analysis.readers.headings import headed
from workers.analysis.readers.lanes import Base, Lane, LaneTable, Read, Reading, chosen
from workers.analysis.signals import Table


def tdms(path: Path, bounds: Bounds) -> Table:
    """Channels share an axis when their waveforms start together and step alike, or stand beside one time channel of their length."""
    bases: dict[object, Base | None] = {}
    lanes: list[Lane] = []
    with TdmsFile.open(path) as file:
        for group in file.groups():
            time = _time_channel(group)
            for channel in group.channels():
                if channel is not time and len(channel) and _is_numeric(channel):
                    key, base = _base(channel, time)
                    bases[key] = base
                    lanes.append(Lane(channel.name, _unit(channel), len(channel), (group.name, channel.name), key))
    taken, notes = chosen(lanes, bounds)
    return LaneTable("TDMS", taken, bases[taken[0].base], _reading(path), notes)


def _reading(path: Path) -> Reading:
    @contextmanager
    def reading() -> Iterator[Read]:
        with TdmsFile.open(path) as file:
            yield lambda places, start, end: [file[group][name].read_data(start, end - start) for group, name in places]

    return reading


def _base(channel: TdmsChannel, time: TdmsChannel | None) -> tuple[object, Base | None]:
    step = channel.properties.get("wf_increment")
    if isinstance(step, int | float) and step > 0:
        begun = channel.properties.get("wf_start_time")
        start = np.datetime64(begun, "us").item() if begun is not None else None
        start = start if isinstance(start, datetime) and start.year >= 1970 else None  # LabVIEW writes 1904 where there is none
        first = float(channel.properties.get("wf_start_offset", 0.0))
        return (len(channel), start, float(step), first), Base("time", start, first_s=first, step_s=float(step))
    if time is None or len(time) != len(channel):
        return (len(channel), channel.group_name), None
    start = None
    if np.issubdtype(time.dtype, np.datetime64):
        start = time.read_data(0, 1)[0].astype("datetime64[s]").item()
    base = Base(time.name, start, (time.group_name, time.name), unit_s=UNIT_S.get(_unit(time), 1.0))
    return (len(channel), time.group_name, time.name), base


def _time_channel(group: TdmsGroup) -> TdmsChannel | None:
    for channel in group.channels():
        if len(channel) and (
            np.issubdtype(channel.dtype, np.datetime64) or (_is_numeric(channel) and is_time_name(headed(channel.name).name))
        ):
            return channel
    return None


def _is_numeric(channel: TdmsChannel) -> bool:
    return (
        bool(np.issubdtype(channel.dtype, np.number) and not np.issubdtype(channel.dtype, np.complexfloating)) or channel.dtype == np.bool_
    )


def _unit(channel: TdmsChannel) -> str:
    said = channel.properties.get("unit_string", channel.properties.get("NI_UnitDescription", ""))
    return str(said) or headed(channel.name).unit
