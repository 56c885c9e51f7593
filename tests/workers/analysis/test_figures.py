"""Figures have four digits, powers of a thousand and units."""

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.analysis import figures


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9.412345, "V", "9.412 V"),
        (12.0, "V", "12 V"),
        (0, "V", "0 V"),
        (0.0421, "s", "42.1 ms"),
        (0.42, "s", "0.42 s"),
        (-0.000042, "A", "-42 µA"),
        (1_234_567, "Hz", "1.235 MHz"),
        (999_999.9, "Hz", "1 MHz"),
        (20_480.4, "1/min", "20480 1/min"),
        (1.5e-7, "1/min", "150e-9 1/min"),
        (31.24, "degC", "31.24 degC"),
        (5, "", "5"),
        (None, "V", figures.NONE),
        (math.nan, "V", figures.NONE),
        (1e300, "V", "1e300 V"),
    ],
)
def test_a_quantity_reads_as_an_engineer_writes_it(value, unit, text):
    assert figures.quantity(value, unit) == text


@given(st.floats(-1e307, 1e307, allow_subnormal=False))
def test_a_number_is_right_to_four_digits(value):
    assert float(figures.number(value)) == pytest.approx(value, rel=5.1e-4)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "400 µs"),
        (59.99, "59.99 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
        (86_400, "1 d"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert figures.duration(seconds) == text


def test_a_moment_is_as_precise_as_it_is():
    assert figures.moment(datetime.fromisoformat("2026-04-13T11:05:20.120400")) == "2026-04-13 11:05:20.12"
    assert figures.moment(datetime.fromisoformat("2026-04-13T11:05:59.999900")) == "2026-04-13 11:06:00"


@pytest.mark.parametrize(
    ("octets", "text"), [(0, "0 B"), (999, "999 B"), (204_800, "204.8 kB"), (2_048_000, "2.048 MB"), (5 * 10**15, "5000 TB")]
)
def test_a_size_is_in_powers_of_a_thousand(octets, text):
    assert figures.size(octets) == text
