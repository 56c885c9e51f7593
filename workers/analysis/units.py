"""Units as files and procedures write them, and what they are worth in each other."""

from typing import NamedTuple


class Unit(NamedTuple):
    """`value * factor + offset` is the value in the dimension's first unit (volt, kelvin, second …)."""

    dimension: str
    factor: float
    offset: float = 0.0


PREFIXES = {"": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
PREFIXED = {
    "V": "voltage", "A": "current", "W": "power", "Ω": "resistance", "ohm": "resistance", "Ohm": "resistance", "Hz": "frequency",
    "Nm": "torque", "N": "force", "J": "energy", "F": "capacitance", "m": "length",
}  # fmt: skip
MINUTE_S, HOUR_S = 60.0, 3600.0
ZERO_CELSIUS_K = 273.15  # the kelvin scale at 0 °C (BIPM, SI brochure 2.3.1)
CELSIUS = ("°C", "degC", "deg C", "℃", "° C", "C", "Celsius", "celsius", "deg_C", "ºC")
PER_MINUTE = ("rpm", "RPM", "1/min", "min-1", "min^-1", "min⁻¹", "U/min", "rev/min", "r/min", "/min")
NAMED = {
    **{f"{p}{symbol}": Unit(dimension, f) for symbol, dimension in PREFIXED.items() for p, f in PREFIXES.items()},
    **dict.fromkeys(("volt", "volts", "Volt", "Volts"), Unit("voltage", 1.0)),
    **dict.fromkeys(("amp", "amps", "ampere", "amperes", "Amp", "Amps", "Ampere"), Unit("current", 1.0)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "Sekunde", "Sekunden"), Unit("time", 1.0)),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "Millisekunden"), Unit("time", 1e-3)),
    **dict.fromkeys(("us", "µs", "μs", "microseconds"), Unit("time", 1e-6)),
    "ns": Unit("time", 1e-9),
    **dict.fromkeys(("min", "minute", "minutes", "Minute", "Minuten"), Unit("time", MINUTE_S)),
    **dict.fromkeys(("h", "hour", "hours", "Stunde", "Stunden"), Unit("time", HOUR_S)),
    **dict.fromkeys(CELSIUS, Unit("temperature", 1.0, ZERO_CELSIUS_K)),
    **dict.fromkeys(("°F", "degF", "deg F", "℉", "Fahrenheit"), Unit("temperature", 5 / 9, ZERO_CELSIUS_K - 32 * 5 / 9)),
    **dict.fromkeys(("K", "kelvin", "Kelvin"), Unit("temperature", 1.0)),
    **dict.fromkeys(PER_MINUTE, Unit("speed of rotation", 1.0)),
    **dict.fromkeys(("rps", "1/s", "U/s"), Unit("speed of rotation", 60.0)),
    "Pa": Unit("pressure", 1.0), "hPa": Unit("pressure", 1e2), "kPa": Unit("pressure", 1e3), "MPa": Unit("pressure", 1e6),
    "mbar": Unit("pressure", 1e2), "bar": Unit("pressure", 1e5), "psi": Unit("pressure", 6894.757),
    **dict.fromkeys(("g", "gn"), Unit("acceleration", 9.80665)),
    **dict.fromkeys(("m/s²", "m/s^2", "m/s2"), Unit("acceleration", 1.0)),
    **dict.fromkeys(("%", "percent", "pct"), Unit("share", 0.01)),
    **dict.fromkeys(("l/min", "L/min", "lpm"), Unit("flow", 1.0)),
    "mAh": Unit("charge", 1e-3), "Ah": Unit("charge", 1.0), "Wh": Unit("stored energy", 1.0), "kWh": Unit("stored energy", 1e3),
    "mm": Unit("length", 1e-3), "cm": Unit("length", 1e-2), "km": Unit("length", 1e3),
}  # fmt: skip


def unit(text: str) -> Unit:
    """What a unit means; an unknown one is a dimension of its own, so it equals only itself."""
    plain = text.strip().strip("[]()")
    return NAMED.get(plain) or Unit(f"in {plain.casefold()}" if plain else "", 1.0)


def converted(value: float, source: str, target: str) -> float | None:
    """`value` in another unit; None where the two measure different things, or one is not written."""
    a, b = unit(source), unit(target)
    if a.dimension != b.dimension or not a.dimension:
        return None
    return value if a == b else (value * a.factor + a.offset - b.offset) / b.factor
