"""The table of the benchmarks, made of canned measurements."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import figures, goals, results
from bench.figures import Figures
from bench.load import Load

MACHINE = {"cores": 2, "CPU": "Example", "fsync": "on"}


def line(goal: str = "", **given: Any) -> Figures:
    return Figures(
        **{"row": "r", "unit": "/s", "ours": 500.0, "floor": 1000.0, "p50_ms": 10, "p95_ms": 20, "p99_ms": 59.9} | given, goal=goal
    )


def load(rate: float, wait_ms: float) -> Load:
    return Load(100 / rate, [wait_ms / 1000] * 100, [])


@pytest.mark.parametrize(
    ("goal", "holds"),
    [
        ("ratio ≥ 0.50, p99 < 60 ms", True),
        ("ratio ≥ 0.51, p99 < 60 ms", False),
        ("ratio ≥ 0.50, p99 < 59.9 ms", False),
        ("≥ 1,000/s", False),
        ("≥ 500/s", True),
        ("= 0", False),
        ("", None),
    ],
)
def test_a_goal_holds_if_each_of_its_conditions_does(goal: str, holds: bool | None) -> None:
    assert line(goal).holds is holds


@pytest.mark.parametrize("goal", ["fast", "p90 < 3 ms", "ratio ≥ 0.5 and more"])
def test_a_goal_that_nobody_can_read_is_an_error(goal: str) -> None:
    with pytest.raises(ValueError, match="no goal"):
        goals.holds(goal, line())


def test_a_goal_about_what_was_not_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="no goal"):
        goals.holds("ratio ≥ 0.5", line(floor=None))


def test_a_line_holds_the_medians_and_every_repetition() -> None:
    made = figures.of("PATCH", "ratio ≥ 0.5", [load(100, 4), load(300, 2), load(200, 3)], [load(400, 1)] * 3)
    assert made.ours == pytest.approx(200)
    assert (made.floor, made.p50_ms, made.p99_ms) == (pytest.approx(400), pytest.approx(3), pytest.approx(3))
    assert [round(r["ours"]) for r in made.repetitions] == [100, 300, 200]
    assert [round(r["floor"]) for r in made.repetitions] == [400] * 3
    assert made.cells() == ("PATCH", "200/s", "400", "0.50", "3.0 / 3.0 / 3.0", "ratio ≥ 0.5", "yes")


def test_results_are_kept_and_the_table_stands_between_its_markers(tmp_path: Path) -> None:
    path, readme = tmp_path / "results.json", tmp_path / "README.md"
    readme.write_text("# Before\n<!-- table -->\nstale\n<!-- end of the table -->\nafter\n")
    waits = figures.waits("lag", "p99 < 100 ms", [[5.0] * 10, [300.0] * 10, [7.0] * 10])
    kept = {
        "lag": results.measurement([waits], MACHINE),
        "gone": results.measurement([line()], MACHINE),
        "patch": results.measurement([line("ratio ≥ 0.9")], MACHINE),
    }
    results.keep(kept, ["patch", "lag"], path, readme)
    read = results.load(path)
    assert list(read) == ["patch", "lag"]
    assert read == {"patch": kept["patch"], "lag": kept["lag"]}
    assert results.figures(read["lag"].lines[0]) == waits
    assert msgspec.json.decode(path.read_bytes())["lag"]["lines"][0]["holds"] is True
    text = readme.read_text()
    assert text.startswith("# Before\n<!-- table -->\nMeasured ")
    assert text.endswith("<!-- end of the table -->\nafter\n")
    assert "2 cores, CPU Example, fsync on (patch, lag)" in text
    assert (
        "| r | 500/s | 1,000 | 0.50 | 10 / 20 / 60 | ratio ≥ 0.9 | **no** |\n| lag | 7.00 ms |  |  | 7.0 / 7.0 / 7.0 | p99 < 100 ms | yes |"
        in text
    )
    assert "stale" not in text
    results.keep(read, ["patch", "lag"], path, readme)
    assert readme.read_text() == text


def test_the_readme_shows_what_the_results_hold() -> None:
    assert results.markdown(results.load()) in results.README.read_text()
