"""Stuck signals: a noisy reading repeats itself far longer than its noise allows."""

import math

from workers.analysis.findings import Finding, FindingKind
from workers.analysis.plateaus import Plateaus
from workers.analysis.scene import Scene

NAME = "stuck/1"
SAMPLES_MIN = 12
CHANCE_TIMES = 4.0  # the longest run that chance makes
BESIDE_TIMES = 4.0  # the runs just before and after: at a turning point of a slow signal they are long as well
RESTLESS_MIN = 0.15  # of the changes turn back: chance makes 2/3 turn (Bienaymé 1874), a command or a ramp none
WHOLE = 0.95  # of the file: a channel that never changes is not in use


def stuck(plateaus: Plateaus, scene: Scene) -> list[Finding]:
    """Runs of one value that are longer than the longest run of repeats by chance, log(n q) / log(1/p) (Schilling 1990).

    p is the share of repeats outside the longest run, q = 1 - p, n the samples.
    """
    runs, beside = plateaus.longest, plateaus.beside
    if plateaus.moves < SAMPLES_MIN or plateaus.turns < RESTLESS_MIN * plateaus.moves:
        return []
    standing = (runs.length >= SAMPLES_MIN) & (runs.length > BESIDE_TIMES * beside)
    rows, count = plateaus.rows - float(runs.length[0]), plateaus.count - 1
    limit = max(SAMPLES_MIN, CHANCE_TIMES * longest_by_chance(rows, 1 - count / rows)) if rows > 0 else math.inf
    chosen = runs.where(standing & (runs.length >= limit) & (runs.length < WHOLE * plateaus.rows))
    ordered = sorted(zip(*chosen, strict=True), key=lambda run: run[2])
    return [_told(scene, value, int(length), first, last) for value, length, _, first, last in ordered]


def longest_by_chance(samples: float, repeats: float) -> float:
    """The expected longest run of repeats among `samples`, of which each repeats the one before with this probability."""
    if repeats <= 0 or samples * (1 - repeats) <= 1:
        return 1.0
    return math.log(samples * (1 - repeats)) / math.log(1 / repeats)


def _told(scene: Scene, value: float, length: int, first: float, last: float) -> Finding:
    span = f"from {scene.moment(first)} for {scene.lasting(last - first)}"
    text = f"{scene.name} stood still at {scene.amount(value)} {span} ({length:,} equal samples)."
    return scene.finding(FindingKind.STUCK, NAME, text, first, last, value)
