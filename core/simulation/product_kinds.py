"""Sorts of products, by what their noise looks like: smooth coarse ones, fine stacks, points on a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..satellite import SENTINEL1_WAVELENGTH
from .fine_noise import FineNoise
from .ground import loguniform
from .product_pixels import CUBIC, LINEAR, NEAREST

SMOOTH, FINE, POINTS = "smooth", "fine", "points"
# Chosen so that tiles agree with real fields (West Texas and Cadia; Mexico City, Sydney, Coso, Andes, Anatolia; Ustica,
# Boissano, Jharia) in spread, correlation of neighbours and octaves above the mean over 3 km.
_SHARES = {SMOOTH: 0.4, FINE: 0.37, POINTS: 0.23}
# Share of fine stacks that are as loud as those of half a year.
_LOUD = 0.25
_SPREAD_LIMITS = (0.25, 15.0)
_WAYS = (NEAREST, LINEAR, LINEAR, CUBIC, CUBIC)


@dataclass(frozen=True)
class ProductKind:
    """A product: size of its pixels (m) and how they are brought to those of a tile.

    ``spread``: of all noise above its mean over 3 km (mm/yr), ``balance``: fine noise over air in it. ``contrast``: the
    power to which land cover makes fine noise stronger or weaker. ``holes``: shares of none, small, blunt, wide ones.
    """

    name: str
    metres: float
    way: str
    spread: float
    balance: float
    contrast: float
    fine: FineNoise
    holes: tuple[float, float, float, float]

    @property
    def parts(self) -> tuple[float, float]:
        """Spread of fine noise and of air, rad/yr of Sentinel-1."""
        air = self.spread * 4e-3 * math.pi / SENTINEL1_WAVELENGTH / math.hypot(1, self.balance)
        return self.balance * air, air


def draw_product(rng: np.random.Generator, pixel_size: float) -> ProductKind:
    """A product of any sort, over pixels of a tile of ``pixel_size`` metres."""
    name = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    way = str(rng.choice(_WAYS))
    uneven, contrast = rng.uniform(0.05, 0.6), rng.uniform(0.2, 1.0)
    if name == SMOOTH:
        coarse = rng.random()
        metres = 0.0 if coarse < 0.2 else loguniform(rng, 60, 150) if coarse < 0.85 else loguniform(rng, 150, 400)
        fine = _mixture(rng, (0.3, 0.4, 0.3), uneven, 0.0)
        spread, balance, holes = _spread(rng, 1.6, 0.9), loguniform(rng, 0.02, 0.6), (0.72, 0.03, 0.12, 0.13)
    elif name == FINE:
        metres = 0.0 if rng.random() < 0.75 else loguniform(rng, 33, 60)
        fine = _mixture(rng, (0.3, 0.45, 0.25), uneven, rng.uniform(0, 0.25))
        loud = rng.random() < _LOUD
        spread = loguniform(rng, 6, 15) if loud else _spread(rng, 3.0, 0.8)
        balance, holes = loguniform(rng, 0.8 if loud else 0.5, 2.5), (0.5, 0.2, 0.18, 0.12)
    else:
        metres = 0.0 if rng.random() < 0.85 else loguniform(rng, 40, 100)
        fine = _mixture(rng, (0.9, 0.07, 0.03), 0.4 * uneven, rng.uniform(0.1, 0.45), (0.42, 0.75))
        spread, balance, holes = _spread(rng, 1.3, 0.8), loguniform(rng, 1.5, 15), (0.1, 0.75, 0.1, 0.05)
        contrast *= 0.6
    return ProductKind(name, max(metres, pixel_size), way, spread, balance, contrast, fine, holes)


def _spread(rng: np.random.Generator, median: float, sigma: float) -> float:
    return float(np.clip(median * math.exp(sigma * rng.standard_normal()), *_SPREAD_LIMITS))


def _mixture(
    rng: np.random.Generator,
    shares: tuple[float, ...],
    uneven: float,
    tails: float,
    narrow: tuple[float, float] = (0.3, 0.7),
) -> FineNoise:
    # Widths in pixels: of what looks leave, of filtered phases, of adaptive filters at their widest.
    widths = rng.uniform(*narrow), rng.uniform(0.9, 2.2), rng.uniform(2.5, 6.0)
    variances = rng.dirichlet(4 * np.array(shares))
    return FineNoise((float(variances[0]), float(variances[1]), float(variances[2])), widths, uneven, tails)
