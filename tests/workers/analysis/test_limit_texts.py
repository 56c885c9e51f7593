"""Limits are read from texts as an engineer means them, and no text stops the reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.analysis.findings import Limit
from workers.analysis.limit_texts import LIMITS_MAX, TEXT_CHARS_MAX, limits_in

BOUNDS = [
    ("bus voltage shall stay above 10.5 V", ("bus voltage", 10.5, None, "V")),
    ("Verify that the output voltage is 5 ± 0.1 V", ("output voltage", 4.9, 5.1, "V")),
    ("5 V +/- 2 %", (None, 4.9, 5.1, "V")),
    ("5 V ± 100 mV", (None, 4.9, 5.1, "V")),
    ("between 4.5 and 5.5 V", (None, 4.5, 5.5, "V")),
    ("4.5..5.5 V", (None, 4.5, 5.5, "V")),
    ("Output 4.5 \u2013 5.5 V", ("Output", 4.5, 5.5, "V")),
    ("U_out between 900 mV and 1.1 V", ("U_out", 0.9, 1.1, "V")),
    ("< 85 °C", (None, None, 85.0, "°C")),
    ("at most 2 A", (None, None, 2.0, "A")),
    ("Current must not exceed 2.5 A", ("Current", None, 2.5, "A")),
    ("min 10.5 V", (None, 10.5, None, "V")),
    ("Maximum current: 3 A", ("current", None, 3.0, "A")),
    ("cell voltage max 4.2 V", ("cell voltage", None, 4.2, "V")),
    ("≥ 3000 rpm", (None, 3000.0, None, "rpm")),
    ("Speed shall be at least 1,500 1/min", ("Speed", 1500.0, None, "1/min")),
    ("voltage never drops below 9 V", ("voltage", 9.0, None, "V")),
    ("Motor temperature shall not rise above 85 degC during the run.", ("Motor temperature", None, 85.0, "degC")),
    ("Supply voltage < 13 V", ("Supply voltage", None, 13.0, "V")),
    ("Voltage must stay above 10.5 V under 20 A load", ("Voltage", 10.5, None, "V")),
    ("Apply 13 V and check that current < 2 A", ("current", None, 2.0, "A")),
    ("Spannung zwischen 4,5 und 5,5 V", ("Spannung", 4.5, 5.5, "V")),
    ("Die Temperatur muss unter 85,5 °C bleiben", ("Temperatur", None, 85.5, "°C")),
    ("-40 °C..85 °C", (None, -40.0, 85.0, "°C")),
]
UNBOUND = [
    "Apply 13V to input rail",
    "13 V",
    "Output voltage: 12 V",
    "Set supply to 12 ± 0.1 V",
    "Ramp from 0 to 3000 rpm",
    "Sweep 10..2000 Hz",
    "Run motor at max 3000 rpm",
    "Hold for at least 10 s",
    "Wait until the bus is below 9 V",
    "If the voltage exceeds 14 V, the unit trips",
    "When voltage falls below 9 V the unit resets",
    "Firmware below 1.2.3 V",
    "Test under 20 A load",
    "5 a load < 5 v",
    "",
]
TIMES = [
    ("verify shutdown within 100ms", 0.1),
    ("response time less than 20 ms", 0.02),
    ("settles in under 2 s", 2.0),
    ("innerhalb von 1,5 min", 90.0),
]


@pytest.mark.parametrize(("text", "told"), BOUNDS)
def test_words_that_bound_a_quantity_make_a_limit(text: str, told: tuple[str | None, float | None, float | None, str]) -> None:
    (limit,) = limits_in(text, "step")
    assert (limit.channel, limit.low and round(limit.low, 9), limit.high and round(limit.high, 9), limit.unit) == told
    assert (limit.source, limit.within_s) == ("step", None)
    assert limit.text in text


@pytest.mark.parametrize("text", UNBOUND)
def test_what_is_applied_waited_for_or_a_condition_bounds_nothing(text: str) -> None:
    assert limits_in(text, "step") == []


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_a_time_in_which_something_must_happen_is_told_in_seconds(text: str, seconds: float) -> None:
    (limit,) = limits_in(text, "step")
    assert (limit.within_s, limit.low, limit.high) == (pytest.approx(seconds), None, None)


def test_each_bound_of_a_text_is_told_once_in_its_order() -> None:
    text = (
        "Apply 13V to input, verify shutdown within 100ms. Check bus voltage > 10.5V and current < 3A; 5 V rail stays within 4.75..5.25 V."
    )
    assert [(limit.low, limit.high, limit.within_s, limit.channel) for limit in limits_in(text, "")] == [
        (None, None, 0.1, "shutdown"),
        (10.5, None, None, "bus voltage"),
        (None, 3.0, None, "current"),
        (4.75, 5.25, None, "5 V rail"),
    ]


def test_a_long_text_gives_a_bounded_number_of_limits() -> None:
    assert len(limits_in("current < 3 A; " * 20_000, "")) <= LIMITS_MAX
    assert limits_in(" " * TEXT_CHARS_MAX + "current < 3 A", "") == []


PIECES = st.sampled_from(
    [
        "<",
        "≥",
        "±",
        "within",
        "between",
        "and",
        "max",
        "not exceed",
        "above",
        "5",
        "1e999",
        "1,5",
        "1.2.3",
        "-",
        "V",
        "mV",
        "°C",
        "ms",
        "%",
        " ",
        "\n",
        "\x00",
        "٣",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES, max_size=40).map(" ".join)))
def test_no_text_stops_the_reading_and_every_limit_is_finite(text: str) -> None:
    for limit in limits_in(text, "x"):
        assert isinstance(limit, Limit)
        values = [v for v in (limit.low, limit.high, limit.within_s) if v is not None]
        assert values
        assert all(abs(v) < float("inf") for v in values)
        assert limit.low is None or limit.high is None or limit.low <= limit.high
