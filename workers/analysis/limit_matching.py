"""Which written limit speaks of which channel: by unit, and by name where the text names one."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from workers.analysis.findings import Limit
from workers.analysis.signals import Channel
from workers.analysis.units import converted, unit

QUANTITIES = {
    **dict.fromkeys(("u", "v", "volt", "volts", "voltage", "voltages", "spannung"), "voltage"),
    **dict.fromkeys(("i", "a", "amp", "amps", "current", "currents", "strom"), "current"),
    **dict.fromkeys(("t", "temp", "temps", "temperature", "temperatures", "temperatur"), "temperature"),
    **dict.fromkeys(("n", "rpm", "speed", "drehzahl"), "speed"),
    **dict.fromkeys(("p", "pressure", "druck"), "pressure"),
    **dict.fromkeys(("time", "duration", "delay", "latency", "zeit", "dauer"), "time"),
}
FILLERS = {
    "the",
    "of",
    "at",
    "on",
    "in",
    "and",
    "value",
    "signal",
    "level",
    "sensor",
    "measured",
    "actual",
    "reading",
    "ist",
    "der",
    "die",
    "das",
}
DERIVED = {
    "ripple",
    "noise",
    "drop",
    "deviation",
    "tolerance",
    "overshoot",
    "undershoot",
    "difference",
    "offset",
    "error",
    "rise",
    "hysteresis",
}
DURATIONS = {"time", "duration", "delay", "latency"}
WORD = re.compile(r"[A-ZÄÖÜ]+(?![a-zäöü])|[A-ZÄÖÜ]?[a-zäöüß]+|\d+")


class Bound(NamedTuple):
    """One side of a limit on a channel. `bound` is in the channel's unit; `sign` is 1 for the most, -1 for the least.

    `sure`: the text can mean no other channel. Else the limit counts only if the channel keeps it most of the time.
    """

    channel: int
    limit: Limit
    bound: float
    sign: float
    sure: bool


def bounds(channels: Sequence[Channel], limits: Sequence[Limit]) -> list[Bound]:
    """Every limit with the channels it speaks of; equal bounds once."""
    found: dict[tuple[int, float, float], Bound] = {}
    for limit in limits:
        fitting = meant(channels, limit)
        for i in fitting:
            for value, sign in _sides(limit, channels[i]):
                if (bound := converted(value, limit.unit, channels[i].unit)) is not None:
                    found.setdefault((i, bound, sign), Bound(i, limit, bound, sign, len(fitting) == 1))
    return list(found.values())


def meant(channels: Sequence[Channel], limit: Limit) -> list[int]:
    """The channels that measure what the limit is in; among these the ones that the text names, if it names any."""
    same = [i for i, channel in enumerate(channels) if (d := unit(channel.unit).dimension) and d == unit(limit.unit).dimension]
    if limit.channel is None:
        return same
    name = words(limit.channel)
    if exact := [i for i in same if words(channels[i].name) == name]:
        return exact
    own = name - set(QUANTITIES.values())
    shared = {i: len(own & words(channels[i].name)) for i in same if not _differ(own, words(channels[i].name))}
    most = max(shared.values(), default=0)
    return [i for i, count in shared.items() if count == most]


def words(name: str) -> set[str]:
    """The words of a name; those for a quantity as one (`temp` and `T` are `temperature`)."""
    found = (word.casefold() for word in WORD.findall(name))
    return {QUANTITIES.get(word, word) for word in found} - FILLERS


def _differ(own: set[str], other: set[str]) -> bool:
    """Whether both names have words of their own and share none of them, numbers that differ, or one means what the other is not.

    A bound on a ripple or a voltage drop says nothing of the voltage.
    """
    theirs = other - set(QUANTITIES.values())
    numbers, others = {w for w in own if w.isdigit()}, {w for w in theirs if w.isdigit()}
    return bool((own & DERIVED) - other or (own and theirs and not own & theirs) or (numbers and others and numbers != others))


def _sides(limit: Limit, channel: Channel) -> list[tuple[float, float]]:
    sides = [(value, sign) for value, sign in ((limit.low, -1.0), (limit.high, 1.0)) if value is not None]
    if limit.within_s is not None and DURATIONS & words(channel.name):
        sides.append((limit.within_s, 1.0))
    return sides
