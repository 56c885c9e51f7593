"""numpy with one thread for matrix products: two of them spin for each other and are slower than one where cores are few."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # it reads the variable now

Floats = np.typing.NDArray[np.float32]
Integers = np.typing.NDArray[np.int64]

__all__ = ["Floats", "Integers", "np"]
