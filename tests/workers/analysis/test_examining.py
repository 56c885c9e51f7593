"""A file of any shape is examined in bounded memory, and clean signals raise no alarm."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.analysis.examined import AXIS, BUS, FILE_ID, analysed, clock, found, noise
from tests.workers.analysis.planted.recordings import Floats, Held, coloured
from workers.analysis.examining import examine
from workers.analysis.findings import FileAnalysis, FindingKind, Limit, Severity
from workers.analysis.merging import PER_KIND_MAX
from workers.analysis.series import BUCKETS_MAX, Thinning
from workers.analysis.signals import Block, Channel
from workers.analysis.traces import BUCKETS_MAX as TRACE_BUCKETS_MAX

COUNT = 20_000
T = np.linspace(0, 1, COUNT)
RNG_SEED = 11


def clean() -> dict[Channel, Floats]:
    rng = np.random.default_rng(RNG_SEED)
    white = rng.normal(size=COUNT)
    signals = {
        "white noise": 12 + white,
        "correlated noise": coloured(rng, COUNT, 0.9),
        "random walk": np.cumsum(white),
        "noise that grows": white * (1 + 8 * T),
        "noise of one phase": white * np.where((T > 0.3) & (T < 0.6), 8, 1),
        "slow ripple": 12 + 0.5 * np.sin(2 * np.pi * 5 * T) + 0.02 * white,
        "slow ripple without noise": np.sin(2 * np.pi * 5 * T),
        "fast wave": np.sin(2 * np.pi * 700 * T) + 0.05 * white,
        "ramp": 300 * T,
        "noisy ramp": 300 * T + white,
        "run-up": np.interp(T, [0, 0.1, 0.2, 0.7, 0.8, 1], [0, 0, 3000, 3000, 0, 0]) + 5 * white,
        "run-up without noise": np.interp(T, [0, 0.1, 0.2, 0.7, 0.8, 1], [0, 0, 3000, 3000, 0, 0]),
        "warm-up": 25 + 40 * (1 - np.exp(-3 * T)) + 0.2 * white,
        "pulsed load": 10.0 * ((12 * T) % 1 < 0.5) + 0.3 * white,
        "staircase": np.floor(12 * T) * 10 + 0.3 * white,
        "sawtooth": 5 * ((15 * T) % 1) + 0.05 * white,
        "converter": np.round((5 + 0.02 * white) / 0.02) * 0.02,
        "coarse converter": np.round((5 + 0.003 * white) / 0.02) * 0.02,
        "coarse wave": np.round(np.sin(2 * np.pi * 5 * T) / 0.05) * 0.05,
        "constant": np.full(COUNT, 3.3),
    }
    discrete = {
        "index": np.arange(COUNT),
        "wrapping": np.arange(COUNT) % 256,
        "flag": T > 0.4,
        "mode": np.floor(5 * T) % 3,
        "cycles": np.floor(50 * T),
    }
    return {Channel(name, "V"): v for name, v in signals.items()} | {
        Channel(name, ""): v.astype(np.float64) for name, v in discrete.items()
    }


def test_clean_signals_raise_no_alarm() -> None:
    assert [(f.channel, f.text) for f in analysed(clean()).findings] == []


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 40, 500])
@pytest.mark.parametrize("value", [0.0, 12.5, np.nan, np.inf, -np.inf, 1e308, 5e-324])
def test_a_file_of_one_value_is_examined(rows: int, value: float) -> None:
    analysis = analysed({BUS: np.full(rows, value)})
    assert analysis.rows == rows
    alarms = [f for f in analysis.findings if f.severity is not Severity.NOTE]
    assert alarms == []
    assert msgspec.json.decode(msgspec.json.encode(analysis), type=FileAnalysis) == analysis


def test_a_file_without_channels_or_times_is_examined() -> None:
    assert analysed({}).rows == 0
    lost = analysed({BUS: 12 + noise(500)}, np.full(500, np.nan))
    assert (lost.start_s, lost.end_s) == (None, None)
    assert [f.kind for f in lost.findings] == [FindingKind.TIME_DISORDER]


def test_values_that_are_not_finite_are_missing() -> None:
    values = 12 + noise(500)
    values[100:110] = np.inf
    (finding,) = found(values)
    assert (finding.kind, finding.text) == (FindingKind.MISSING_SAMPLES, "Bus voltage has no value from 1.00 s to 1.09 s (10 samples).")


def test_extreme_values_do_not_stop_an_examination() -> None:
    values = noise(2000) * 1e300
    values[::7] = -1e308
    values[::11] = np.nan
    values[::13] = 0.0
    analysis = analysed({BUS: values, Channel("tiny", "A"): noise(2000) * 1e-310})
    assert analysis.rows == 2000


def test_a_fault_is_found_and_placed_in_a_file_of_many_blocks() -> None:
    values = 12 + noise(700_000)
    values[400_000] = 20.0
    values[500_000:510_003] -= 2.0
    values[600_000:600_500] = np.nan
    analysis = analysed({BUS: values})
    assert [f.kind for f in analysis.findings] == [FindingKind.SPIKE, FindingKind.LEVEL_STEP, FindingKind.MISSING_SAMPLES]
    spike, sag, blank = analysis.findings
    assert spike.value == 20.0
    assert (spike.start_s, spike.end_s) == (4000.0, 4000.0)
    assert spike.text.endswith("to 20 V at 4000.00 s for 1 sample and came back.")
    assert (sag.start_s, sag.end_s) == (5000.0, 5100.02)
    assert (blank.start_s, blank.end_s) == (6000.0, 6004.99)


def test_a_stuck_stretch_over_the_border_of_blocks_is_one() -> None:
    values = 12 + noise(200_000)
    values[65_000:66_500] = values[65_000]
    (finding,) = found(values)
    assert (finding.kind, finding.start_s, finding.end_s) == (FindingKind.STUCK, 650.0, 664.99)


def test_thinning_keeps_the_extremes_of_every_row_in_bounded_memory() -> None:
    thinning, rng = Thinning(1), np.random.default_rng(3)
    values = rng.normal(size=(1_000_003, 1))
    for start in range(0, len(values), 65_536):
        part = values[start : start + 65_536]
        thinning.take(Block(np.arange(start, start + len(part), dtype=np.float64), part))
    (series,) = thinning.series()
    assert len(series.first) <= BUCKETS_MAX + 2
    assert (series.low.min(), series.high.max()) == (values.min(), values.max())
    assert (series.first[0], series.last[-1]) == (0, 1_000_002)
    assert np.all(series.first[1:] == series.last[:-1] + 1)
    assert series.mean.mean() == pytest.approx(values.mean(), abs=1e-3)


def test_many_findings_of_a_kind_are_listed_in_part_and_counted() -> None:
    values = 12 + noise(20_000)
    values[100::500] += 5
    analysis = analysed({BUS: values})
    assert len(analysis.findings) == PER_KIND_MAX
    assert analysis.notes == ("20 more findings (spike) in bus_voltage are not listed",)


def test_traces_hold_the_extremes_of_at_most_400_stretches() -> None:
    values = 12 + noise(10_000)
    values[5_000] = 20.0
    values[6_000:6_100] = np.nan
    (trace,) = analysed({BUS: values}).traces
    assert len(trace.times) == len(trace.low) == len(trace.high) == TRACE_BUCKETS_MAX
    assert max(v for v in trace.high if v is not None) == 20.0
    assert None in trace.low
    assert trace.times[0] == clock(1)[0]


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(FLOATS, FLOATS, st.sampled_from([0.0, 1.0, 1.0, np.nan])), max_size=80))
def test_no_values_stop_an_examination(rows: list[tuple[float, float, float]]) -> None:
    times, values, steps = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    limits = [Limit(unit="mV", low=-1.0, high=1.0)]
    analysis = analysed({BUS: values, Channel("mode", ""): steps}, times, limits)
    assert analysis.rows == len(rows)
    assert msgspec.json.decode(msgspec.json.encode(analysis), type=FileAnalysis) == analysis


@given(st.sampled_from([1, 2, 7, 64, 100, 333]), st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_findings_do_not_depend_on_where_blocks_end(block_rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bus, current = 12 + noise(1500, seed=seed), np.minimum(noise(1500, 1.0, seed), 1.3)
    at = rng.integers(100, 1300, 4)
    bus[at[0] : at[0] + 60] -= 2
    bus[at[1] : at[1] + 30] = np.nan
    bus[at[2] : at[2] + 90] = bus[at[2]]
    table = Held(clock(1500), {BUS: bus, Channel("current", "A"): current}, AXIS)
    limits = [Limit(unit="V", low=11.0)]
    whole = examine(FILE_ID, "log.csv", table, limits).findings
    table.block_rows = block_rows
    assert examine(FILE_ID, "log.csv", table, limits).findings == whole
