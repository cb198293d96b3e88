"""What a scene gives to a sample set: which tiles, and which role each block and each area has.

No ground is labelled under two roles: an area that reaches into blocks of several roles belongs to the one that holds
most of it and is ignored in the others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..models import LARGEST_TILE
from ..progress import Progress
from ..raster import Window
from ..texts import Message, joined
from .facts import ROLES
from .folder import EarlierGround
from .label_check import LabelArea, LabelProblem
from .scene import SampleLayers, SceneInputs, SceneLabels
from .split import TilePlace, Tiling, draw_roles

_AREA_WEIGHT = 1000
_LARGEST_BLOCK = 10_000_000.0
_SMALLEST_VALID = 0.05
"""Tiles without an area and with a smaller share of background are left out."""


@dataclass(frozen=True)
class SampleOptions:
    """How a scene is cut. InputError for values that can't be.

    ``pixel_size``, ``block_size`` and ``gap`` in metres: pixels of training tiles closer than ``gap`` to ground of
    another role are ignored. ``tile_size`` in pixels. ``shares`` of the roles. ``min_area`` in m²; None: four
    pixels. ``background_ratio``: at most so many tiles without areas for each with one. ``ignore_edges``: the pixels
    on both sides of an area's outline are ignored.
    """

    pixel_size: float = 30.0
    tile_size: int = 256
    block_size: float = 5000.0
    shares: Mapping[str, float] = field(default_factory=lambda: {"training": 0.7, "validation": 0.15, "test": 0.15})
    seed: int = 1
    gap: float = 0.0
    min_area: float | None = None
    background_ratio: float = 10.0
    ignore_edges: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.pixel_size <= 1000:
            raise InputError(
                "A pixel size of {pixel_size:g} m can't be used; choose 1–1000 m.", pixel_size=self.pixel_size
            )
        if not 32 <= self.tile_size <= LARGEST_TILE or self.tile_size % 32:
            raise InputError(
                "Tiles of {tile_size} pixels can't be used; choose a multiple of 32, at most {most}.",
                tile_size=self.tile_size,
                most=LARGEST_TILE,
            )
        are_shares = set(self.shares) == set(ROLES) and all(0 <= share < math.inf for share in self.shares.values())
        if not are_shares or not self.shares["training"]:
            raise InputError("The shares of validation and test can't be negative, and must leave some for training.")
        if self.seed < 0:
            raise InputError("The seed {seed} is negative; choose a whole number from 0 on.", seed=self.seed)
        if not 0 <= self.background_ratio < math.inf:
            raise InputError(
                "The ratio of background tiles ({ratio:g}) must be a number from 0 on.", ratio=self.background_ratio
            )
        if not 0 < self.block_size <= _LARGEST_BLOCK:
            raise InputError(
                "Blocks of {block:g} km can't be used; choose above 0 and at most {most:g} km.",
                block=self.block_size / 1000,
                most=_LARGEST_BLOCK / 1000,
            )
        if self.min_area is not None and not 0 <= self.min_area < math.inf:
            raise InputError("The smallest area ({min_area:g} m²) must be a number from 0 on.", min_area=self.min_area)
        if not 0 <= self.gap <= self.tile_size * self.pixel_size:
            raise InputError(
                "The gap can't be larger than a tile ({tile_size:g} m).", tile_size=self.tile_size * self.pixel_size
            )

    @property
    def normalised_shares(self) -> dict[str, float]:
        """The shares, with a sum of 1."""
        total = sum(self.shares.values())
        return {role: self.shares[role] / total for role in ROLES}


@dataclass(frozen=True)
class CandidateTile:
    """A tile that has data: pixels with a rate, those of them that are background, and by area."""

    place: TilePlace
    valid: int
    background: int
    by_area: Mapping[int, int]


class ScenePlan:
    """Finds out step by step what a scene's layers and labels give; ``make`` takes all steps."""

    def __init__(
        self,
        inputs: SceneInputs,
        options: SampleOptions,
        layers: SampleLayers,
        areas: Sequence[LabelArea],
        problems: Sequence[LabelProblem],
        earlier_ground: EarlierGround,
    ) -> None:
        self.inputs, self.options, self.layers, self.areas = inputs, options, layers, areas
        self.earlier_ground = earlier_ground
        self.problems = list(problems)
        self.tiling = Tiling.of(layers.grid, options.tile_size, options.block_size)
        self.labels = SceneLabels(inputs, [(area.number, area.geometry) for area in areas], layers.grid)
        self.candidates: list[CandidateTile] = []
        self.area_pixels: Counter[int] = Counter()
        self.block_roles: dict[str, str] = {}
        self.area_roles: dict[int, str] = {}
        self.chosen: list[CandidateTile] = []

    def make(self, progress: Progress) -> None:
        """Survey the scene, draw the roles, choose the tiles. InputError when no label can be learned from."""
        if self.labels.ignores_elsewhere:
            progress.warning(
                "None of the ignored ground lies on the scene “{name}”: nothing is ignored for it.",
                name=self.inputs.name,
            )
        self._survey(progress)
        self._draw_roles(progress)
        self._choose_tiles()

    def window(self, place: TilePlace, halo: int = 0) -> Window:
        """The pixels of a tile, and so many more on each side."""
        size = self.options.tile_size + 2 * halo
        return Window(place.column - halo, place.row - halo, size, size)

    def _survey(self, progress: Progress) -> None:
        """Count what each tile of the scene holds."""
        places = list(self.tiling)
        burned: Counter[int] = Counter()
        for index, place in enumerate(places):
            progress.report(index / len(places))
            window = self.window(place)
            numbers = self.labels.areas(window)
            burned.update(numbers[numbers > 0].tolist())
            measured = self.layers.measured(window)
            if not measured.any():
                continue
            counted = measured & ~self.labels.ignored(window)
            background = counted & (numbers == 0) & self.labels.surveyed(window)
            by_area = Counter(numbers[counted & (numbers > 0)].tolist())
            self.area_pixels.update(by_area)
            self.candidates.append(CandidateTile(place, int(measured.sum()), int(background.sum()), by_area))
        self._tell_unseen(burned)

    def _tell_unseen(self, burned: Counter[int]) -> None:
        """Labels that cover no pixel, or hardly any with data, join the problems."""
        known = {problem.label for problem in self.problems if problem.problem == "too small"}
        for area in self.areas:
            share = self.area_pixels[area.number] / burned[area.number] if burned[area.number] else 0.0
            if not burned[area.number]:
                if area.number not in known:
                    detail = Message("It covers the centre of no pixel, or others cover it: it can't be learned from.")
                    self.problems.append(LabelProblem(area.number, "too small", detail, area.geometry))
            elif share < 0.5:
                detail = Message("Only {share:.0%} of its pixels have a rate and are not ignored.", share=share)
                self.problems.append(LabelProblem(area.number, "no data", detail, area.geometry))

    def _draw_roles(self, progress: Progress) -> None:
        """Give each block and each area a role."""
        learnable = {area.number for area in self.areas if area.learnable}
        in_block: Counter[str] = Counter()
        for candidate in self.candidates:
            # Every area weighs the same: by pixels one large area could fill a role alone.
            held = sum(
                count / self.area_pixels[number] for number, count in candidate.by_area.items() if number in learnable
            )
            in_block[candidate.place.block] += round(_AREA_WEIGHT * held)
        tiles = [(candidate.place.block, self.tiling.tile_grid(candidate.place)) for candidate in self.candidates]
        fixed = self.earlier_ground.block_roles(tiles)
        if fixed:
            progress.info(
                "{fixed_count} of {in_block_count} blocks share ground with earlier scenes of the set and keep "
                "its role.",
                fixed_count=len(fixed),
                in_block_count=len(in_block),
            )
        self.block_roles = draw_roles(in_block, self.options.normalised_shares, self.options.seed, fixed)
        most: dict[int, Counter[str]] = {}
        for candidate in self.candidates:
            for number, count in candidate.by_area.items():
                most.setdefault(number, Counter())[self.block_roles[candidate.place.block]] += count
        roles = {number: max(ROLES, key=lambda role: counts[role]) for number, counts in most.items()}
        areas = [(area.number, area.geometry) for area in self.areas if area.number in roles]
        roles.update(self.earlier_ground.area_roles(areas))
        self.area_roles = {number: role for number, role in roles.items() if number in learnable}

    def _holds_area(self, candidate: CandidateTile) -> bool:
        role = self.block_roles[candidate.place.block]
        return any(self.area_roles.get(number) == role for number in candidate.by_area)

    def _choose_tiles(self) -> None:
        """Keep all tiles with areas, and of the others as many as are wanted, drawn by the seed."""
        with_areas = [candidate for candidate in self.candidates if self._holds_area(candidate)]
        least = _SMALLEST_VALID * self.options.tile_size**2
        others = [c for c in self.candidates if not self._holds_area(c) and c.background >= least]
        count = min(len(others), math.ceil(min(self.options.background_ratio, len(others)) * len(with_areas)))
        order = np.random.default_rng((self.options.seed, 2)).permutation(len(others))[:count]
        self.chosen = sorted([*with_areas, *(others[index] for index in order)], key=lambda c: c.place.number)
        if not with_areas:
            raise InputError(
                "No label of the scene “{name}” can be learned from: see the messages about the labels. {problems}",
                name=self.inputs.name,
                problems=told(self.problems),
            )


def told(problems: Sequence[LabelProblem]) -> str:
    """The problems by kind, with the first labels that have them."""
    numbers: dict[str, dict[int, None]] = {}
    for problem in problems:
        numbers.setdefault(problem.problem, {})[problem.label] = None
    parts = []
    for kind, labels in numbers.items():
        listed = ", ".join(map(str, list(labels)[:10])) + (", …" if len(labels) > 10 else "")
        parts.append(Message("{problem}: {count} (label {listed})", problem=kind, count=len(labels), listed=listed))
    return joined(parts, "; ")
