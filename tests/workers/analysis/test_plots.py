"""Pictures are small, whatever they show, and well-formed, whatever the names in them."""

import math
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from projections.report_markdown import is_picture
from tests.workers.analysis import samples
from workers.analysis import plots
from workers.analysis.axes import labels, ticks
from workers.analysis.findings import Limit, Trace
from workers.analysis.plots import Mark, Plot, Window

PICTURE_BYTES_MAX = 15_000


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def sample():
    log = samples.log_analysis()
    marks = [Mark(n, finding) for n, finding in enumerate(log.findings[:2], 1)]
    return Plot(log.traces[0], marks, [Window("1.2", 120, 260)], log.start_at)


def test_a_picture_shows_findings_limits_steps_and_axes():
    shown = texts(plots.drawn(sample()))
    assert {"F1", "F2", "1.2", "min 10.5 V", "supply_voltage in V", "time in s since 2026-04-13 11:00:00 UTC", "12", "14", "300"} <= set(
        shown
    )


def test_a_gap_breaks_the_line():
    path = plots.drawn(sample()).split('<path d="')[-1]
    assert path.count("M") == 2


def test_the_worst_picture_is_small():
    wild = Trace(channel="\N{OLD HUNGARIAN CAPITAL LETTER A}" * 300, unit="<" * 300, times=[float(i) for i in range(20_000)], low=[-1.234e-9] * 20_000, high=[math.sin(i) * 1e9 for i in range(20_000)])  # fmt: skip
    limits = [Limit(unit=wild.unit, low=-i / 7e8, high=i * 1e7) for i in range(50)]
    marks = [Mark(9_999, samples.found("spike", "breach", wild.channel, wild.unit, i * 200, i * 200 + 100, 1, "x", limit)) for i, limit in enumerate(limits * 9)]  # fmt: skip
    windows = [Window("1000.2000", i * 10, i * 10 + 5) for i in range(2_000)]
    picture = plots.drawn(Plot(wild, marks, windows, samples.START))
    assert len(picture.encode()) <= PICTURE_BYTES_MAX
    assert is_picture(picture)


def test_a_channel_without_values_has_no_picture():
    empty = Trace(channel="u", unit="V", times=[0.0, 1.0], low=[None, None], high=[None, None])
    assert plots.drawn(Plot(empty, [])) is None
    assert plots.drawn(Plot(Trace(channel="u", unit="V", times=[], low=[], high=[]), [])) is None


VALUES = st.one_of(st.none(), st.floats())


@given(st.text(max_size=40), st.text(max_size=10), st.lists(st.tuples(st.floats(), VALUES, VALUES), max_size=8))
def test_any_trace_gives_a_plain_picture_or_none(channel, unit, points):
    times, low, high = (list(column) for column in zip(*sorted(points, key=str), strict=True)) if points else ([], [], [])
    limit = Limit(unit=unit, low=1.0)
    mark = Mark(1, samples.found("spike", "anomaly", channel, unit, 0, 1, 1, "x", limit))
    picture = plots.drawn(Plot(Trace(channel=channel, unit=unit, times=times, low=low, high=high), [mark]))
    if picture is not None:
        assert is_picture(picture)
        ET.fromstring(picture)


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(4, 9))
def test_ticks_are_few_within_and_told_apart(low, span, about):
    span = max(span, abs(low) * 1e-8)
    high = low + span
    found = ticks(low, high, about)
    assert 2 <= len(found) <= about * 1.4 + 1
    assert len(set(labels(found))) == len(found)
    assert all(low - span * 1e-6 <= tick <= high + span * 1e-6 for tick in found)
