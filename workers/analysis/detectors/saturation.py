"""Saturation: a signal is cut off at the end of its range."""

from workers.analysis.detectors.stuck import RESTLESS_MIN
from workers.analysis.findings import Finding, FindingKind
from workers.analysis.plateaus import LEVELS, Plateaus, Rail
from workers.analysis.scene import Scene, counted

NAME = "saturation/1"
ROWS_MIN = 8
RUN_MIN = 3  # equal samples in a row at the rail, somewhere
PILE = 5.0  # times the rows of any of the next values: a sine in steps has 2.4 times (arcsine law), noise fewer


def saturation(plateaus: Plateaus, scene: Scene) -> list[Finding]:
    """Values pile up at the outermost one: far more rows than the next values have, in runs, in a signal that moves elsewhere."""
    if plateaus.moves == 0 or plateaus.turns < RESTLESS_MIN * plateaus.moves:
        return []
    return [_told(rail, scene) for rail in (plateaus.top, plateaus.bottom) if _piled(rail)]


def _piled(rail: Rail) -> bool:
    if len(rail.levels) < LEVELS or rail.runs.length.max() < RUN_MIN:
        return False
    return bool(rail.rows[0] >= ROWS_MIN and rail.rows[0] >= PILE * rail.rows[1:].max())


def _told(rail: Rail, scene: Scene) -> Finding:
    value, first, last = float(rail.runs.value[0]), float(rail.runs.first[0]), float(rail.runs.last[-1])
    end = "highest" if rail.sign > 0 else "lowest"
    text = (
        f"{scene.name} is cut off at {scene.amount(value)}, its {end} value, for {counted(int(rail.rows[0]), 'sample')} "
        f"in {counted(len(rail.runs.value), 'place')} between {scene.moment(first)} and {scene.moment(last)}."
    )
    return scene.finding(FindingKind.SATURATED, NAME, text, first, last, value)
