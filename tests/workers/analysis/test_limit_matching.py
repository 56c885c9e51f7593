"""A limit finds its channels by unit and by name."""

import pytest

from workers.analysis.findings import Limit
from workers.analysis.limit_matching import bounds, meant
from workers.analysis.signals import Channel
from workers.analysis.units import converted

BUS, AUX, CURRENT, TEMPERATURE, SPEED = (
    Channel("bus_voltage", "mV"), Channel("aux_voltage", "V"), Channel("I_phase", "A"), Channel("motorTemp", "degC"), Channel("n", "1/min"),
)  # fmt: skip
ALL = [BUS, AUX, CURRENT, TEMPERATURE, SPEED]


def names(limit: Limit) -> list[str]:
    return [ALL[i].name for i in meant(ALL, limit)]


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (10.5, "V", "mV", 10_500.0),
        (100.0, "ms", "s", 0.1),
        (85.0, "°C", "K", 358.15),
        (212.0, "°F", "degC", 100.0),
        (50.0, "rps", "1/min", 3000.0),
        (1.0, "bar", "kPa", 100.0),
        (3.0, "Foo", "foo", 3.0),
        (3.0, "V", "A", None),
        (3.0, "", "", None),
    ],
)
def test_a_value_is_converted_between_units_of_one_dimension_only(value: float, source: str, target: str, result: float | None) -> None:
    assert converted(value, source, target) == (None if result is None else pytest.approx(result))


def test_a_named_limit_speaks_of_the_channel_of_that_name() -> None:
    assert names(Limit(unit="V", low=10.5, channel="bus voltage")) == ["bus_voltage"]
    assert names(Limit(unit="K", high=358, channel="motor temperature")) == ["motorTemp"]
    assert names(Limit(unit="rpm", high=3000, channel="shaft speed")) == ["n"]


def test_a_limit_without_a_name_speaks_of_every_channel_that_measures_the_same() -> None:
    assert names(Limit(unit="V", low=10.5)) == ["bus_voltage", "aux_voltage"]
    assert names(Limit(unit="V", low=10.5, channel="voltage")) == ["bus_voltage", "aux_voltage"]


def test_a_limit_on_something_else_speaks_of_no_channel() -> None:
    assert names(Limit(unit="V", high=0.05, channel="output ripple")) == []
    assert names(Limit(unit="A", high=2, channel="heater current")) == []
    assert names(Limit(unit="bar", high=2)) == []
    plain = [Channel("voltage", "V")]
    assert meant(plain, Limit(unit="V", high=0.5, channel="voltage drop")) == []
    assert meant(plain, Limit(unit="V", low=8.8, high=9.2, channel="Threshold")) == []
    assert meant([Channel("temp", "degC")], Limit(unit="°C", low=102, high=108, channel="Derating starts")) == []


def test_a_place_or_a_peak_means_the_only_channel_of_the_unit() -> None:
    assert meant([Channel("voltage", "V")], Limit(unit="V", low=4.9, channel="output")) == [0]
    assert names(Limit(unit="A", high=180, channel="peak")) == ["I_phase"]


def test_a_bound_is_told_in_the_unit_of_the_channel_and_once() -> None:
    limit = Limit(unit="V", low=10.5, high=14.0, channel="bus voltage")
    assert [(b.bound, b.sign, b.sure) for b in bounds(ALL, [limit, limit])] == [(10_500.0, -1.0, True), (14_000.0, 1.0, True)]


def test_a_time_limit_bounds_a_channel_of_durations() -> None:
    channels = [Channel("response time", "ms"), Channel("uptime", "s")]
    assert [(b.channel, b.bound) for b in bounds(channels, [Limit(unit="s", within_s=0.1, channel="response")])] == [(0, 100.0)]
