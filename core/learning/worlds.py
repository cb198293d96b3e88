"""The tiles that the bundled model learns from, is chosen by and is judged on: simulated, semi-real, held apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import InputError
from ..models import FirstTiles, LabelledTile, TileSource
from ..raster import Grid
from ..simulation import (
    LANDSLIDES_PER_KM2,
    RealNoiseTiles,
    SecondFamilyInRealNoise,
    SecondFamilyTiles,
    TileGenerator,
    WideTiles,
)
from ..types import PathLike
from .mixtures import Concatenated, MixedTiles

VALIDATION_SEED, TEST_SEED = 1_000_003, 2_000_003
JUDGED_TILES, CHOOSING_TILES = 240, 64
TRAINING_DENSITY, WIDE_DENSITY = 3.0, 6.0
"""How many times more landslides training tiles hold than the others: most of a natural tile teaches nothing. Of those
of the wider world, which are smaller, half find no ground or are lost in noise."""

PLAIN_SHARE, REAL_NOISE_SHARE = 0.5, 0.5
"""Of the training tiles, those of the plain generator; of the others, those with real noise where there is any."""
TURBULENT_SHARE, TURBULENT_AIR = 0.15, 2.0
"""The share of plain tiles with so many times the usual atmosphere, for regions and seasons of worse air."""
_TURBULENT_SEED, _WIDE_SEED, _REAL_NOISE_SEED = 3_000_003, 4_000_003, 5_000_003
SECOND_FAMILY, SEMI_REAL, PLAIN = "second simulator", "second simulator in real noise", "training simulator"


@dataclass(frozen=True)
class TerrainSplit:
    """DEM files of regions to train on, to validate on (thresholds, calibration) and to test on."""

    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """The names of the files; generated terrain, from another seed for each part, always comes with them."""
        return {part: [*(Path(path).stem for path in paths), "generated"] for part, paths in asdict(self).items()}


def split_terrain(folder: PathLike, validation: Sequence[str], test: Sequence[str]) -> TerrainSplit:
    """The DEM files of a folder with pixels of at most 50 m, those whose names start as given held out.

    InputError when a part is empty or a file belongs to two.
    """
    parts: dict[str, list[str]] = {"training": [], "validation": [], "test": []}
    for path in sorted(Path(folder).glob("*.tif")):
        try:
            fine = Grid.of(path).pixel_size <= 50
        except InputError:  # no CRS: its pixels have no size
            continue
        roles = [
            role for role, names in (("validation", validation), ("test", test)) if path.name.startswith(tuple(names))
        ]
        if len(roles) > 1:
            raise InputError("{name} is named for validation and for the test. Name each DEM once.", name=path.name)
        if fine:
            parts[roles[0] if roles else "training"].append(str(path))
    empty = [role for role, paths in parts.items() if not paths]
    if empty:
        raise InputError(
            "{folder} holds no DEM for the {empty} (.tif, pixels up to 50 m). It needs at least three: one to "
            "train on, one whose name starts with {validation}, one with {test}.",
            folder=folder,
            empty=empty[0],
            validation=" or ".join(validation),
            test=" or ".join(test),
        )
    return TerrainSplit(**{role: tuple(paths) for role, paths in parts.items()})


@dataclass(frozen=True)
class Worlds:
    """Where the tiles of one training come from: its seed, its terrain, and a folder of real noise fields if any.

    Nothing of the second simulator is trained on: it chooses the weights, their thresholds and calibration (role
    "validation") and judges them (role "test").
    """

    seed: int
    terrain: TerrainSplit = TerrainSplit()
    noise_fields: PathLike | None = None

    def training(self, size: int = 256) -> TileSource:
        """Half plain tiles, half of the wider world, of these half in real noise where there is any.

        ``size``: pixels a side.
        """
        dems, density = self.terrain.training, TRAINING_DENSITY * LANDSLIDES_PER_KM2
        usual = TileGenerator(self.seed, size, dem_paths=dems, landslides_per_km2=density, whole_labels=True)
        turbulent = TileGenerator(
            self.seed + _TURBULENT_SEED,
            size,
            dem_paths=dems,
            landslides_per_km2=density,
            atmosphere=TURBULENT_AIR,
            whole_labels=True,
        )
        plain = MixedTiles(TURBULENT_SHARE, turbulent, usual)
        density = WIDE_DENSITY * LANDSLIDES_PER_KM2
        wide: TileSource = WideTiles(self.seed + _WIDE_SEED, size, dem_paths=dems, landslides_per_km2=density)
        if self.noise_fields is not None:
            seed = self.seed + _REAL_NOISE_SEED
            real = RealNoiseTiles(self.noise_fields, dems, seed, size, landslides_per_km2=density)
            wide = MixedTiles(REAL_NOISE_SHARE, real, wide)
        return MixedTiles(PLAIN_SHARE, plain, wide)

    def choosing(self) -> Sequence[LabelledTile]:
        """The tiles whose score stops the training and chooses its weights: semi-real where there is real noise."""
        seed, dems = self.seed + VALIDATION_SEED, self.terrain.validation
        source = SecondFamilyTiles(seed, dems)
        chosen = source if self.noise_fields is None else SecondFamilyInRealNoise(seed, dems, self.noise_fields)
        return _made(chosen, CHOOSING_TILES)

    def calibrating(self) -> Sequence[LabelledTile]:
        """The tiles that thresholds and calibration are fitted on: of the second simulator, half in real noise."""
        seed, dems = self.seed + VALIDATION_SEED + 1, self.terrain.validation
        if self.noise_fields is None:
            return _made(SecondFamilyTiles(seed, dems), JUDGED_TILES)
        half = JUDGED_TILES // 2
        semi_real = SecondFamilyInRealNoise(seed, dems, self.noise_fields)
        return Concatenated((_made(SecondFamilyTiles(seed, dems), JUDGED_TILES - half), _made(semi_real, half)))

    def test(self) -> Iterator[tuple[str, Sequence[LabelledTile]]]:
        """What the model is judged on, by name; the first is the headline. One set is made at a time."""
        seed, dems = self.seed + TEST_SEED, self.terrain.test
        yield SECOND_FAMILY, _made(SecondFamilyTiles(seed, dems), JUDGED_TILES)
        if self.noise_fields is not None:
            yield SEMI_REAL, _made(SecondFamilyInRealNoise(seed, dems, self.noise_fields, ("test",)), JUDGED_TILES)
        yield PLAIN, _made(TileGenerator(seed, dem_paths=dems), JUDGED_TILES)

    def facts(self) -> dict[str, object]:
        """What a card tells of the tiles."""
        return {
            "terrain": self.terrain.to_json(),
            "seeds": {
                "training": self.seed,
                "validation": self.seed + VALIDATION_SEED,
                "test": self.seed + TEST_SEED,
            },
            "training_density": {"plain": TRAINING_DENSITY, "wide": WIDE_DENSITY},
            "turbulent_tiles": {"share": TURBULENT_SHARE, "atmosphere": TURBULENT_AIR},
            "plain_tiles": PLAIN_SHARE,
            "tiles_in_real_noise": 0.0 if self.noise_fields is None else (1 - PLAIN_SHARE) * REAL_NOISE_SHARE,
        }


def _made(source: TileSource, count: int) -> Sequence[LabelledTile]:
    return FirstTiles(source, count)[:]
