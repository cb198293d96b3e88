"""What ``held_apart`` judges with: detectors, an oracle, areas one by one, causes of errors, calibration."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ada_mapper.core.accuracy import Confusion, ObjectScores, area_pixels, confusion, pixel_scores, tile_objects
from ada_mapper.core.areas import ClassicalRules, classical_mask
from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.models import IGNORED, ModelCard, measured_pixels, network_input, open_backend, read_card
from ada_mapper.core.robust import robust_spread
from ada_mapper.core.simulation.held_apart import OTHER_KINDS, HeldApartTile

Mask = NDArray[np.bool_]
CORNERS = np.ones((3, 3), bool)
MIN_AREA = 10_000.0
"""m² from which on areas are asked for and counted, whoever found them."""
MATCH = 0.3
HIT, MISSED, MISSED_RIM, ADDED_RIM, NOISE = "hits", "missed areas", "missed rims", "added rims", "false: noise"
NEAR_IGNORED = "false: at an ignored landslide"


@dataclass
class Detector:
    """What finds areas: ``find`` gives their pixels and, of a model, the probability (h, w), else None."""

    name: str
    find: Callable[[HeldApartTile], tuple[Mask, NDArray[Any] | None]]
    card: ModelCard | None = None


def model(path: Any, missing: Sequence[ChannelKind] = ()) -> Detector:
    """The product's chain for tiles: scaled channels, backend, thresholds and smallest area of the card."""
    card, backend = read_card(path), open_backend(path, "onnxruntime")

    def find(tile: HeldApartTile) -> tuple[Mask, NDArray[Any]]:
        height, width = tile.label.shape
        bands, measured = network_input(tile, card, missing)
        probability = backend.predict(bands[np.newaxis])[0, :height, :width]
        probability = np.where(measured, probability, np.float32(np.nan))
        return area_pixels(probability, card, tile.pixel_size), probability

    return Detector(getattr(path, "stem", str(path)), find, card)


@dataclass(frozen=True)
class Rules:
    """A setting of a detector without learning; ``downhill``: only motion down the slope counts."""

    downhill: bool
    layer: str
    sigma: float
    with_slope: bool
    min_pixels: int = 12
    divided: bool = False

    def found(self, tile: HeldApartTile) -> Mask:
        """The pixels of areas."""
        if self.divided:
            return downslope_mask(tile, self.layer, self.sigma, self.min_pixels)
        slope = tile.layers.get("slope") if self.with_slope else None
        sensitivity = tile.layers.get("los_sensitivity") if self.downhill else None
        sign = -1 if self.layer == "phase_rate" else 1
        rules = ClassicalRules(sigma=self.sigma, min_pixels=self.min_pixels)
        return classical_mask(sign * tile.layers[self.layer], tile.pixel_size, rules, slope, sensitivity)


LAYERS, SIGMAS = ("los_rate", "phase_rate"), (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0)
CLASSICAL = tuple(
    Rules(False, layer, sigma, slope, pixels)
    for layer in LAYERS
    for sigma in SIGMAS
    for slope in (True, False)
    for pixels in (12, 20)
)
DOWNHILL = tuple(
    Rules(True, layer, sigma, True, pixels, divided)
    for layer in LAYERS
    for sigma in SIGMAS
    for pixels in (12, 20)
    for divided in (False, True)
)


def downslope_mask(tile: HeldApartTile, layer: str, sigma: float, min_pixels: int) -> Mask:
    """Pixels whose downslope rate stands out of its spread over the tile: rate over sensitivity, downhill only.

    Where the line of sight sees less than a fifth of a motion down the slope, nothing is found.
    """
    sensitivity = tile.layers.get("los_sensitivity")
    rate = np.asarray(tile.layers[layer], np.float32) * (-1 if layer == "phase_rate" else 1)
    if sensitivity is None:
        return np.zeros(rate.shape, bool)
    known = np.isfinite(rate)
    width = 1200 / tile.pixel_size
    weight = ndimage.gaussian_filter(known.astype(np.float32), width)
    wide = ndimage.gaussian_filter(np.where(known, rate, 0), width) / np.maximum(weight, 1e-3)
    seen = np.abs(sensitivity) >= 0.2
    downslope = np.where(known & seen, (rate - wide) / np.where(seen, sensitivity, 1), np.nan)
    told = downslope[np.isfinite(downslope)]
    if not told.size:
        return np.zeros(rate.shape, bool)
    with np.errstate(invalid="ignore"):
        beyond = downslope > sigma * robust_spread(told)
    joined = ndimage.binary_closing(ndimage.uniform_filter(beyond.astype(np.float32), 3) > 0.5, CORNERS) & known
    parts, count = ndimage.label(joined, CORNERS)
    large = np.bincount(parts.ravel(), minlength=count + 1) >= min_pixels
    large[0] = False
    return np.asarray(large[parts], bool)


def tuned(name: str, settings: Sequence[Rules], tiles: Sequence[HeldApartTile]) -> Detector:
    """The setting of the highest pixel IoU on tiles of other ground, as a detector."""
    best, chosen = -1.0, settings[0]
    for setting in settings:
        counts = Confusion()
        for tile in tiles:
            counted = counted_pixels(tile)
            counts += confusion(setting.found(tile) & counted, tile.label == 1, counted)
        iou = np.nan_to_num(pixel_scores(counts).iou)
        if iou > best:
            best, chosen = float(iou), setting
    told = f"{name} ({chosen.layer}, {chosen.sigma:g} σ, {chosen.min_pixels} pixels{', divided' * chosen.divided})"
    return Detector(told, lambda tile: (chosen.found(tile), None))


def counted_pixels(tile: HeldApartTile) -> Mask:
    """Where there is a rate and something is known to be true or not."""
    return np.asarray(measured_pixels(tile) & (tile.label != IGNORED), bool)


def oracle(tile: HeldApartTile) -> tuple[Mask, None]:
    """Each true outline, widened by a pixel, cut by the threshold of the rate that fits it best: the ceiling.

    It knows where landslides are, how wide, and which threshold is right; all that is left to it are the noisy rates.
    """
    found = np.zeros(tile.label.shape, bool)
    parts, count = ndimage.label(tile.label == 1, CORNERS)
    measured = measured_pixels(tile)
    for number in range(1, count + 1):
        true = parts == number
        wide = ndimage.binary_dilation(true, CORNERS) & measured & (tile.label != IGNORED)
        ring = ndimage.binary_dilation(true, CORNERS, iterations=5) & measured & (tile.identity == 0)
        best, chosen = -1.0, np.zeros_like(true)
        for layer in LAYERS:
            rate = tile.layers[layer]
            around = rate[ring & np.isfinite(rate)]
            if not around.size:
                continue
            contrast = np.nan_to_num(rate - np.median(around))
            for sigma in (0.0, 0.7, 1.2):
                level = np.abs(ndimage.gaussian_filter(contrast, sigma) if sigma else contrast)
                inside = level[true & np.isfinite(rate)]
                if not inside.size:
                    continue
                for share in (0.0, 0.15, 0.3, 0.5):
                    tried = wide & (level >= share * np.median(inside))
                    iou = (tried & true).sum() / max((tried | (true & measured)).sum(), 1)
                    if iou > best:
                        best, chosen = float(iou), tried
        found |= chosen
    return found, None


@dataclass(frozen=True)
class Found:
    """An area that was found: whether it is right, whether most of it lies on a landslide (as pieces of one do, between
    holes, that are too small to be right), its chance by the model, its cause, and its pixels."""

    right: bool
    on_slide: bool
    chance: float
    cause: str
    pixels: int


@dataclass(frozen=True)
class Asked:
    """A true landslide: kind, peak LOS rate (mm/yr), area (km²), whether both signs are in it, best IoU with a find."""

    kind: str
    peak: float
    area: float
    two_signs: bool
    iou: float


@dataclass
class Judged:
    """All that one detector did on one set, tile by tile."""

    confusions: list[Confusion] = field(default_factory=list)
    objects: list[ObjectScores] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)
    true: list[Asked] = field(default_factory=list)
    bins: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 20)))
    km2: float = 0.0

    def iou(self) -> float:
        """Pooled pixel IoU."""
        return pixel_scores(sum(self.confusions, Confusion())).iou

    def interval(self, seed: int = 1) -> tuple[float, float]:
        """95 % of the IoU when tiles are drawn again with repeats (2000 times)."""
        table = np.array([(c.true_positive, c.false_positive, c.false_negative) for c in self.confusions], float)
        draws = np.random.default_rng(seed).integers(0, len(table), (2000, len(table)))
        sums = table[draws].sum(axis=1)
        with np.errstate(invalid="ignore"):
            ious = sums[:, 0] / sums.sum(axis=1)
        low, high = np.nanquantile(ious, [0.025, 0.975]) if np.isfinite(ious).any() else (math.nan, math.nan)
        return float(low), float(high)

    def areas(self) -> ObjectScores:
        """Pooled."""
        return sum(self.objects, ObjectScores())

    def false_per_100_km2(self) -> float:
        """False areas on 100 km² that were counted."""
        areas = self.areas()
        return 100 * (areas.found_count - areas.matched_found) / max(self.km2, 1e-9)

    def calibration_error(self) -> float:
        """Mean of |said − true| over bins of the probability above 0.05, weighted by pixels."""
        return float(np.abs(self.bins[1] - self.bins[2]).sum() / self.bins[0].sum()) if self.bins[0].sum() else math.nan

    def on_slides(self) -> float:
        """The share of found areas of which most lies on a landslide."""
        return float(np.mean([own.on_slide for own in self.found])) if self.found else math.nan

    def area_calibration_error(self) -> float:
        """The same of areas, by five bins of their chance."""
        judged = [(own.chance, own.right) for own in self.found if np.isfinite(own.chance)]
        if not judged:
            return math.nan
        chance, right = np.array(judged, float).T
        place = np.minimum((chance * 5).astype(int), 4)
        off = [abs(float((chance - right)[place == number].sum())) for number in range(5)]
        return sum(off) / len(judged)


def judge(detector: Detector, tiles: Iterable[HeldApartTile]) -> Judged:
    """The detector on all tiles."""
    result = Judged()
    for tile in tiles:
        counted = counted_pixels(tile)
        found, probability = detector.find(tile)
        # Areas are counted by one smallest size, whatever the detector's own is.
        smallest = MIN_AREA / tile.pixel_size**2
        result.confusions.append(confusion(found & counted, tile.label == 1, counted))
        result.objects.append(tile_objects(found & counted, tile.label, counted, smallest))
        result.km2 += float(counted.sum()) * tile.pixel_size**2 / 1e6
        result.causes += causes(tile, found & counted, counted)
        result.found += found_areas(tile, found & counted, counted, probability, detector.card, smallest)
        result.true += true_areas(tile, found & counted, counted, smallest)
        if probability is not None:
            sure = counted & (np.nan_to_num(probability) > 0.05)
            place = np.minimum((probability[sure] * 20).astype(int), 19)
            for row, weights in enumerate((np.ones(place.size), probability[sure], tile.label[sure] == 1)):
                result.bins[row] += np.bincount(place, weights, minlength=20)
    return result


def cause_of(tile: HeldApartTile, mask: Mask) -> str:
    """Why an area that is no landslide was found: what most of it is, else noise."""
    near = ndimage.binary_dilation(mask, CORNERS, iterations=2)
    if (near & (tile.label == IGNORED)).any():
        return NEAR_IGNORED
    if tile.other_kinds.size:
        counts = np.bincount(tile.other_kinds[mask], minlength=len(OTHER_KINDS))
        counts[0] = 0
        if counts.max() >= 0.3 * mask.sum():
            return f"false: {OTHER_KINDS[int(np.argmax(counts))]}"
    return NOISE


def causes(tile: HeldApartTile, found: Mask, counted: Mask) -> Counter[str]:
    """The pixels of the union by what is right or wrong with them."""
    truth = (tile.label == 1) & counted
    counts: Counter[str] = Counter({HIT: int((truth & found).sum())})
    for mask in parts_of(truth):
        counts[MISSED_RIM if (mask & found).any() else MISSED] += int((mask & ~found).sum())
    for mask in parts_of(found):
        kind = ADDED_RIM if (mask & truth).any() else cause_of(tile, mask)
        counts[kind] += int((mask & ~truth).sum())
    return counts


def found_areas(
    tile: HeldApartTile,
    found: Mask,
    counted: Mask,
    probability: NDArray[Any] | None,
    card: ModelCard | None,
    smallest: float,
) -> list[Found]:
    """The found areas with their chance, by the rule of ``tile_objects``."""
    truth = tile.label == 1
    true_parts, _ = ndimage.label(truth, CORNERS)
    result = []
    for mask in parts_of(found):
        pixels = int(mask.sum())
        if pixels < smallest:
            continue
        right = False
        for number in np.unique(true_parts[mask & truth]):
            own = (true_parts == number) & counted
            right |= (own & mask).sum() >= MATCH * (own | mask).sum()
        chance = math.nan
        if probability is not None and card is not None:
            chance = float(np.nanmean(probability[mask]))
            if card.area_calibration is not None:
                chance = card.area_calibration.chance(chance, pixels * tile.pixel_size**2)
        on_slide = bool((mask & (tile.identity > 0)).sum() > 0.5 * pixels) if tile.identity.size else False
        result.append(Found(bool(right), on_slide, chance, "" if right else cause_of(tile, mask), pixels))
    return result


def true_areas(tile: HeldApartTile, found: Mask, counted: Mask, smallest: float) -> list[Asked]:
    """The landslides that are asked for, one by one."""
    parts, count = ndimage.label(found, CORNERS)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    facts = tile.metadata
    result = []
    for number in range(1, int(tile.identity.max(initial=0)) + 1):
        own = (tile.identity == number) & (tile.label == 1)
        asked = own & counted
        if asked.sum() < max(smallest, 0.5 * own.sum()):
            continue
        overlap = np.bincount(parts[asked], minlength=count + 1)
        union = sizes + asked.sum() - overlap
        iou = float((overlap[1:] / union[1:]).max()) if count else 0.0
        place = number - 1
        result.append(
            Asked(facts["kinds"][place], facts["peaks"][place], facts["areas"][place], facts["two_signs"][place], iou)
        )
    return result


def parts_of(mask: Mask) -> list[Mask]:
    """The 8-connected parts of a mask, each of its whole shape."""
    regions, count = ndimage.label(mask, CORNERS)
    return [regions == number for number in range(1, count + 1)]


def found_by_speed(
    detectors: Sequence[Detector], tiles: Sequence[HeldApartTile], classes: Sequence[tuple[float, float]]
) -> dict[str, list[float]]:
    """The share of true pixels of each class of |LOS rate| (mm/yr) that each detector finds."""
    shares = {}
    for detector in detectors:
        hits, all_ = np.zeros(len(classes)), np.zeros(len(classes))
        for tile in tiles:
            mask, _ = detector.find(tile)
            speed, true = np.abs(tile.motion), (tile.label == 1) & counted_pixels(tile)
            for place, (low, high) in enumerate(classes):
                own = true & (speed >= low) & (speed < high)
                all_[place] += own.sum()
                hits[place] += (own & mask).sum()
        shares[detector.name] = list(hits / np.maximum(all_, 1))
    return shares


def without_terrain(tile: HeldApartTile) -> HeldApartTile:
    """The tile as one gets it where no DEM is at hand."""
    layers = {name: own for name, own in tile.layers.items() if name not in ("dem", "slope", "los_sensitivity")}
    return replace(tile, layers=layers)
