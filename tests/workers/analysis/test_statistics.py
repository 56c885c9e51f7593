"""Statistics hold against numpy, block by block, and are the same each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from workers.analysis.quantiles import Quantiles
from workers.analysis.signals import Block, Channel
from workers.analysis.statistics import SHARES, Statistics

U = Channel("U", "V")


def summed(times, values, rows=1000):
    values = np.asarray(values, dtype=float).reshape(len(times), -1)
    statistics = Statistics([U] * values.shape[1])
    for start in range(0, len(times), rows):
        statistics.take(Block(np.asarray(times, dtype=float)[start : start + rows], values[start : start + rows]))
    return statistics.summaries()


@given(
    values=arrays.arrays(np.float64, st.integers(2, 300), elements=st.floats(-1e9, 1e9)),
    rows=st.integers(1, 300),
)
def test_small_files_are_told_exactly(values, rows) -> None:
    (told,) = summed(np.arange(len(values)), values, rows)
    assert (told.count, told.missing, told.minimum, told.maximum) == (len(values), 0, values.min(), values.max())
    assert told.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-3)
    assert told.std == pytest.approx(values.std(ddof=1), rel=1e-6, abs=1e-3)
    assert list(told.quantiles.values()) == pytest.approx(np.quantile(values, SHARES).tolist(), rel=1e-12, abs=1e-6)


def test_a_small_swing_on_a_large_value_keeps_its_deviation() -> None:
    (told,) = summed(np.arange(100_000), 1e9 + np.tile([0.0, 1.0], 50_000))
    assert told.std == pytest.approx(0.5, rel=1e-4)


def test_what_is_not_finite_is_missing() -> None:
    told, empty = summed(np.arange(4), [[1, np.nan], [np.nan, np.nan], [np.inf, np.nan], [3, np.nan]])
    assert (told.count, told.missing, told.mean, told.maximum) == (2, 2, 2.0, 3.0)
    assert (empty.count, empty.missing, empty.mean, empty.std, empty.quantiles) == (0, 4, None, None, {})


def test_one_value_has_no_deviation() -> None:
    assert summed([0], [5])[0].std is None


def test_values_too_large_to_add_up_have_no_mean() -> None:
    (told,) = summed(np.arange(4), [1e308, 1e308, 1e308, 1e308])
    assert (told.mean, told.std, told.maximum) == (None, None, 1e308)
    assert summed(np.arange(2), [-1.7e308, 1.7e308])[0].quantiles["0.5"] == pytest.approx(0)


def test_gaps_are_intervals_much_longer_than_the_usual_one() -> None:
    times = np.concatenate([np.arange(1500), 2000 + np.arange(1500), 9000 + np.arange(10)]) * 0.01
    assert summed(times, times)[0].gaps == 2
    assert summed(np.arange(5000) * 0.01, np.arange(5000))[0].gaps == 0


@pytest.mark.parametrize("shape", ["random", "rising", "falling", "few values", "alternating"])
def test_quantiles_of_many_numbers_keep_their_bound(shape) -> None:
    n, kept = 1_000_000, 1024
    rising = np.arange(n, dtype=float)
    values = {
        "random": np.random.default_rng(7).normal(size=n),
        "rising": rising,
        "falling": rising[::-1],
        "few values": rising % 7,
        "alternating": np.where(rising % 2, rising, -rising),
    }[shape]
    sketch = Quantiles(kept)
    for part in np.array_split(values, 37):
        sketch.take(part)
    ordered = np.sort(values)
    bound = np.log2(n / kept) / (2 * kept) * n
    for share, value in zip(SHARES, sketch.at(SHARES), strict=True):
        low, high = np.searchsorted(ordered, value, "left"), np.searchsorted(ordered, value, "right")
        assert low - bound <= share * (n - 1) <= high + bound


def test_the_same_file_gives_the_same_figures() -> None:
    values = np.random.default_rng(1).normal(size=(200_000, 2))
    assert summed(np.arange(200_000), values, 65_536) == summed(np.arange(200_000), values, 65_536)


def test_quantiles_take_little_memory_however_many_numbers_come() -> None:
    sketch = Quantiles(512)
    for _ in range(200):
        sketch.take(np.arange(10_000, dtype=float))
    held = sum(part.nbytes for part in [*sketch._waiting, *(level for level in sketch._levels if level is not None)])
    assert held <= 512 * 8 * 16
