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
    *("the", "of", "at", "on", "in", "and", "der", "die", "das", "ist"),
    *("value", "signal", "level", "sensor", "measured", "actual", "reading", "peak", "max", "min", "maximum", "minimum"),
}
DERIVED = {
    *("ripple", "noise", "drop", "rise", "loss", "deviation", "tolerance", "overshoot", "undershoot", "difference", "offset", "error"),
    *("hysteresis", "threshold"),
}
PLACES = {"output", "input", "supply", "rail", "bus", "line", "pack", "cell"}  # `the output stays above 5 V` means its voltage
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
    shared = {i: len(own & words(channels[i].name)) for i in same if not _differ(name, words(channels[i].name))}
    most = max(shared.values(), default=0)
    return [i for i, count in shared.items() if count == most]


def words(name: str) -> set[str]:
    """The words of a name; those for a quantity as one (`temp` and `T` are `temperature`)."""
    found = (word.casefold() for word in WORD.findall(name))
    return {QUANTITIES.get(word, word) for word in found} - FILLERS


def _differ(name: set[str], other: set[str]) -> bool:
    """Whether a limit of this name cannot mean the channel of the other.

    Both have words of their own and share none, or numbers that differ; or the name is no quantity and no place (`derating starts`);
    or it is derived from what the channel measures: a bound on a ripple or a voltage drop says nothing of the voltage.
    """
    quantities = set(QUANTITIES.values())
    own, theirs = name - quantities, other - quantities
    numbers, others = {w for w in own if w.isdigit()}, {w for w in theirs if w.isdigit()}
    if (numbers and others and numbers != others) or (own & DERIVED) - other:
        return True
    return bool(own) and not own & theirs and bool(theirs or not (name & quantities or own & PLACES))


def _sides(limit: Limit, channel: Channel) -> list[tuple[float, float]]:
    sides = [(value, sign) for value, sign in ((limit.low, -1.0), (limit.high, 1.0)) if value is not None]
    if limit.within_s is not None and DURATIONS & words(channel.name):
        sides.append((limit.within_s, 1.0))
    return sides
