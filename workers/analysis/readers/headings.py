"""What the heading of a column says: its name and its unit."""

import re
from collections import Counter
from collections.abc import Sequence

from workers.analysis.signals import Channel

PREFIXES = ("", "n", "u", "µ", "μ", "m", "k", "M", "G")
PREFIXED = ("V", "A", "W", "Ω", "ohm", "Ohm", "Hz", "Nm", "N", "J", "F", "H", "Pa", "bar", "s", "m", "Wh", "Ah", "VA", "S", "T", "C")
OTHERS = """
    °C degC °F degF K g kg mg rpm 1/min U/min min-1 1/s rad rad/s deg ° deg/s °/s m/s m/s2 m/s² m/s^2 mm/s km/h mph % %RH ppm dB dBm
    dBA psi mmHg l/min L/min l/h m3/h m³/h kg/h g/s min h sec msec hr d mm cm km in ft µm um ms us ns V/V mV/V V/s A/s K/min lx lm cd
    l L ml Vpp Vrms Arms VAC VDC hPa mbar inHg lbf lb W/m2 W/m² S/cm µS/cm pH counts count bit bits LSB - 1 none n/a µε ue kN/m g_n
    Mbit/s bytes B ppb VAr var cps Celsius volts volt Volts Volt amps amp Amps Amp watts Watts seconds Seconds second milliseconds
    microseconds degrees
"""
KNOWN = {"deg C", *OTHERS.split(), *(prefix + symbol for prefix in PREFIXES for symbol in PREFIXED)} - {"mC"}
SMALL = {"mv": "mV", "kv": "kV", "ma": "mA", "ua": "µA", "hz": "Hz", "khz": "kHz", "mhz": "MHz", "degc": "degC", "kpa": "kPa", "mpa": "MPa",
         "kw": "kW", "mw": "mW", "pct": "%", "percent": "%", "degf": "degF", "celsius": "°C"}  # fmt: skip
HINTED = {"v": ("V", "volt"), "a": ("A", "curr"), "c": ("°C", "temp"), "w": ("W", "power"), "k": ("K", "temp"), "C": ("°C", "temp")}
NO_UNIT = {"-", "1", "none", "n/a"}
UNIT_LENGTH_MAX = 20
HEADING_LENGTH_MAX = 200
BRACKETED = re.compile(r"(?P<name>.*?)[\s_]*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*)\)|<(?P<angle>[^<>]*)>)\s*$", re.DOTALL)
DIVIDED = re.compile(r"(?P<name>.*?[^\s/,])\s*(?:/|,\s|\s+in\s+)\s*(?P<unit>\S.*)$", re.DOTALL)
JOINED = re.compile(r"(?P<name>.*[^\s_])_(?P<unit>[^\s_]+)$", re.DOTALL)
SPACED = re.compile(r"(?P<name>.*\S)\s+(?P<unit>\S{2,})$", re.DOTALL)


def is_unit(text: str) -> bool:
    """`V`, `[V]` and `(V)` are; `` and `12` are not."""
    return text.strip().strip("[]()<>").strip() in KNOWN


def headed(heading: str, unit: str = "") -> Channel:
    """`Voltage [V]`, `I (A)`, `temp/°C`, `p, bar`, `voltage_V`, `voltage_mv`: name and unit apart. A unit given beside the name stands."""
    text = " ".join(heading[:HEADING_LENGTH_MAX].split())
    if unit := unit.strip().strip("[]()<>").strip():
        bare = headed(text)
        return Channel(bare.name if bare.unit == _plain(unit) else text, _plain(unit))
    if (match := BRACKETED.match(text)) and (name := match["name"].strip()):
        if match["square"] is not None and len(match["square"]) <= UNIT_LENGTH_MAX:
            return Channel(name, _plain(match["square"]))
        if (inner := (match["round"] or match["angle"] or "").strip()) in KNOWN:
            return Channel(name, _plain(inner))
    if (match := DIVIDED.match(text)) and match["unit"] in KNOWN:
        return Channel(match["name"], _plain(match["unit"]))
    if (match := JOINED.match(text)) and (known := _joined(match["name"], match["unit"])):
        return Channel(match["name"], known)
    if (match := SPACED.match(text)) and match["unit"] in KNOWN - {"in", "count", "counts", "min"}:
        return Channel(match["name"], _plain(match["unit"]))
    return Channel(text, "")


def channels(headings: Sequence[str], units: Sequence[str]) -> list[Channel]:
    """One name each: `phase_A` beside `phase_B` are names, not units; what has no name is numbered, what is named twice too."""
    headings = [heading[:HEADING_LENGTH_MAX] for heading in headings]
    stems = Counter(match["name"] for heading in headings if (match := JOINED.match(heading.strip())))
    found = []
    for number, (heading, unit) in enumerate(zip(headings, units, strict=True), 1):
        channel = headed(heading, unit)
        twin = not unit and (match := JOINED.match(heading.strip())) and match["name"] == channel.name and stems[match["name"]] > 1
        found.append(Channel(heading.strip(), "") if twin else Channel(channel.name or f"column {number}", channel.unit))
    return _told_apart(found, headings)


def _told_apart(found: list[Channel], headings: Sequence[str]) -> list[Channel]:
    """Whole headings where the names alone would be equal (`U [V]` and `U [mV]`), a number where those are equal too."""
    names = Counter(channel.name for channel in found)
    whole = [
        c if names[c.name] == 1 else Channel(" ".join(heading.split()) or c.name, c.unit)
        for c, heading in zip(found, headings, strict=True)
    ]
    seen: Counter[str] = Counter()
    apart = []
    for channel in whole:
        seen[channel.name] += 1
        apart.append(channel if seen[channel.name] == 1 else Channel(f"{channel.name} ({seen[channel.name]})", channel.unit))
    return apart


def _joined(name: str, unit: str) -> str:
    if unit in HINTED:
        known, hint = HINTED[unit]
        return known if hint in name.lower() else ""
    if unit in SMALL:
        return SMALL[unit]
    return unit if unit in KNOWN - {"d", "in", "count", "counts", "B", "T", "1", "none", "l", "L"} else ""


def _plain(unit: str) -> str:
    text = unit.strip()
    return "" if text in NO_UNIT else text
