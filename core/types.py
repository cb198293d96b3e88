"""The array types that all rooms share: no data is NaN in floats."""

from __future__ import annotations

import os
from typing import Union

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

Array = NDArray[np.float32]

PathLike = Union[str, "os.PathLike[str]"]

Double = NDArray[np.float64]
