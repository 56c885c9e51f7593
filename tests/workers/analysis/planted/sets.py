"""The planted sets: every fault at every noise level in different rigs, and clean recordings, by seed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.workers.analysis.planted.faults import FAULTS, Planted
from tests.workers.analysis.planted.recordings import RIGS

NOISES = (0.3, 1.0, 3.0)
RIGS_PER_FAULT = 2
CLEAN_PER_RIG_AND_NOISE = 2


class File(NamedTuple):
    name: str
    planted: Planted


def planted_files(seed: int) -> Iterator[File]:
    rng = np.random.default_rng(seed)
    for f, fault in enumerate(FAULTS):
        for n, noise in enumerate(NOISES):
            for r in range(RIGS_PER_FAULT):
                rig = RIGS[(f + 2 * n + r) % len(RIGS)]
                yield File(f"{fault.__name__} {rig.__name__} {noise}", fault(rng, rig(rng, noise)))


def clean_files(seed: int) -> Iterator[File]:
    rng = np.random.default_rng([seed, 1])
    for noise in NOISES:
        for rig in RIGS:
            for _ in range(CLEAN_PER_RIG_AND_NOISE):
                yield File(f"clean {rig.__name__} {noise}", Planted(rig(rng, noise), ()))
