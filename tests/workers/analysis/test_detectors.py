"""Each detector tells its fault once, in a sentence with the numbers that an engineer would write."""

from datetime import timedelta

import numpy as np
import pytest

from tests.workers.analysis.examined import AXIS, BUS, analysed, clock, found, noise
from workers.analysis.findings import Finding, FindingKind, Limit, Severity
from workers.analysis.signals import Channel

UNDERVOLTAGE = Limit(unit="mV", low=10_500.0, channel="bus voltage", source="step", text="above 10500 mV")


def sagging(count: int = 3000) -> np.ndarray:
    values = 12 + noise(count)
    values[1240:1303] = 9.2 + noise(63)
    return values


def only(findings: tuple[Finding, ...]) -> Finding:
    (finding,) = findings
    return finding


def test_an_excursion_is_told_against_the_written_limit_and_absorbs_the_step() -> None:
    finding = only(found(sagging(), limits=[UNDERVOLTAGE]))
    assert finding.text == "Bus voltage fell to 9.16 V at 12.40 s and stayed below 10.5 V for 0.62 s."
    assert (finding.kind, finding.severity, finding.detector) == (FindingKind.LIMIT_EXCURSION, Severity.BREACH, "limit_excursions/1")
    assert (finding.start_s, finding.end_s, finding.unit, finding.limit) == (12.4, 13.02, "V", UNDERVOLTAGE)
    assert finding.start_at == AXIS.start + timedelta(seconds=12.4)
    assert finding.value == pytest.approx(9.16, abs=1e-3)


def test_an_excursion_to_one_value_is_no_clipping_besides() -> None:
    values = 12 + noise(3000)
    values[1240:1303] = 9.1
    assert only(found(values, limits=[UNDERVOLTAGE])).text == "Bus voltage fell to 9.1 V at 12.40 s and stayed below 10.5 V for 0.62 s."


def test_chatter_around_a_limit_is_one_excursion() -> None:
    values = 10.5 + 0.05 * np.sin(np.arange(3000) / 2)
    values[:1000] = values[2000:] = 12.0
    finding = only(tuple(f for f in found(values, limits=[UNDERVOLTAGE]) if f.kind is FindingKind.LIMIT_EXCURSION))
    assert finding.start_s == pytest.approx(10, abs=0.2)
    assert finding.end_s == pytest.approx(20, abs=0.2)


def test_a_value_on_the_limit_keeps_it() -> None:
    assert found(np.full(100, 10.5), limits=[UNDERVOLTAGE]) == ()


def test_one_sample_outside_a_limit_is_told() -> None:
    values = 12 + noise(500)
    values[200] = 10.0
    assert only(found(values, limits=[UNDERVOLTAGE])).text == "Bus voltage fell to 10 V at 2.00 s, below 10.5 V, for one sample."


def test_a_limit_without_a_name_leaves_rails_alone_that_it_cannot_mean() -> None:
    rails = {Channel("U12", "V"): 12 + noise(500), Channel("U5", "V"): 5 + noise(500)}
    limit = Limit(unit="V", low=4.5, high=5.5)
    assert analysed(rails, limits=[limit]).findings == ()
    rails[Channel("U5", "V")][100:110] = 5.7
    assert {f.channel for f in analysed(rails, limits=[limit]).findings} == {"U5"}


def test_a_sag_without_a_limit_is_a_level_step_that_came_back() -> None:
    finding = only(found(sagging()))
    assert finding.text == "Bus voltage fell from 12 V to 9.195 V at 12.40 s and came back after 0.62 s."
    assert (finding.kind, finding.severity, finding.detector) == (FindingKind.LEVEL_STEP, Severity.ANOMALY, "level_steps/1")


def test_a_level_that_stays_is_told_to_the_end() -> None:
    values = 12 + noise(3000)
    values[2000:] -= 0.5
    finding = only(found(values))
    assert finding.text.endswith("at 20.00 s.")
    assert (finding.start_s, finding.end_s) == (20.0, 29.99)


def test_a_step_that_follows_a_discrete_signal_is_a_note() -> None:
    values, state = 12 + noise(3000), np.zeros(3000)
    values[2000:] -= 0.5
    state[1998:] = 1
    finding = only(analysed({BUS: values, Channel("state", ""): state}).findings)
    assert finding.severity is Severity.NOTE
    assert "as the file's discrete signals changed" in finding.text


def test_a_spike_is_told_with_its_value_and_length() -> None:
    values = 12 + noise(3000)
    values[700:702] = [15.0, 16.5]
    finding = only(found(values))
    assert finding.text == "Bus voltage jumped from 12.04 V to 16.5 V at 7.00 s for 2 samples and came back."
    assert (finding.kind, finding.value, finding.detector) == (FindingKind.SPIKE, 16.5, "spikes/1")


def test_a_drift_is_told_from_where_it_begins() -> None:
    values = 12 + noise(6000)
    values[2000:] += np.linspace(0, 0.4, 4000)
    finding = only(found(values))
    assert finding.kind is FindingKind.DRIFT
    assert finding.text.startswith("Bus voltage drifted up from 12 V to 12.4 V between ")
    assert finding.start_s == pytest.approx(20, abs=4)
    assert finding.end_s == 59.99


def test_what_lay_still_and_then_creeps_far_is_drift_but_a_course_from_the_start_is_none() -> None:
    heat = 60 + noise(6000, 0.1)
    assert found(heat + np.linspace(0, 24, 6000), Channel("heat_sink", "degC")) == ()
    heat[1500:] += np.linspace(0, 24, 4500)
    assert only(found(heat, Channel("heat_sink", "degC"))).kind is FindingKind.DRIFT


def test_a_signal_that_stands_still_among_noise_is_stuck() -> None:
    values = 12 + noise(3000)
    values[1000:1400] = values[1000]
    finding = only(found(values))
    assert finding.text == "Bus voltage stood still at 12 V from 10.00 s for 3.99 s (400 equal samples)."
    assert finding.kind is FindingKind.STUCK


def test_a_clipped_signal_is_told_once_for_all_its_places() -> None:
    values = np.minimum(10 * np.sin(clock(3000) * 2) + noise(3000, 0.2), 8.0)
    finding = only(found(values, Channel("phase_current", "A")))
    assert finding.kind is FindingKind.SATURATED
    assert finding.text.startswith("Phase current is cut off at 8 A, its highest value, for ")


def test_missing_rows_are_told_by_the_clock() -> None:
    keep = np.ones(3000, dtype=bool)
    keep[1000:1050] = False
    finding = only(found((12 + noise(3000))[keep], times=clock(3000)[keep]))
    assert finding.text == "No rows from 9.99 s to 10.50 s: 50 samples are missing at the usual interval of 0.01 s."
    assert (finding.channel, finding.detector) == ("", "gaps/1")


def test_blank_cells_are_told_by_channel() -> None:
    values = 12 + noise(3000)
    values[1000:1050] = np.nan
    finding = only(found(values))
    assert finding.text == "Bus voltage has no value from 10.00 s to 10.49 s (50 samples)."


def test_a_channel_sampled_more_slowly_than_the_file_misses_nothing() -> None:
    values = np.full(3000, np.nan)
    values[::10] = 12 + noise(300)
    assert found(values) == ()


def test_a_clock_that_goes_back_is_told_with_both_times() -> None:
    times = clock(3000)
    times[1000:] -= 0.5
    finding = only(found(12 + noise(3000), times=times))
    assert finding.text == "The time goes back by 0.49 s after 9.99 s: the next row is at 9.50 s."
    assert (finding.kind, finding.start_s, finding.end_s) == (FindingKind.TIME_DISORDER, pytest.approx(9.5), pytest.approx(9.99))


def test_times_that_repeat_are_told_once() -> None:
    times = clock(3000)
    times[1000:1005] = times[1000]
    finding = only(found(12 + noise(3000), times=times))
    assert finding.text == "The time 10.00 s stands in 5 rows, one after the other."


def test_times_that_cannot_be_read_are_a_note() -> None:
    times = clock(3000)
    times[[5, 9]] = np.nan
    finding = only(found(12 + noise(3000), times=times))
    assert (finding.text, finding.severity) == ("The time cannot be read in 2 rows of 3,000.", Severity.NOTE)


def test_a_coarse_clock_is_a_note_of_the_file() -> None:
    analysis = analysed({BUS: 12 + noise(3000)}, np.floor(clock(3000)))
    assert analysis.findings == ()
    assert analysis.notes == ("many times repeat: the clock counts in steps longer than the time between two rows",)


def test_without_a_clock_places_are_rows() -> None:
    analysis = analysed({BUS: sagging()}, np.arange(3000.0), axis=None)
    assert only(analysis.findings).text == "Bus voltage fell from 12 V to 9.195 V at row 1241 and came back after 63 rows."
    assert only(analysis.findings).start_at is None
