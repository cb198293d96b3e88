"""Models of 8-bit integers: a quarter of the size, and on a processor two to three times the throughput.

Batch normalisation is folded into the convolutions by ONNX Runtime; then weights (a scale for each output channel)
and what flows between the layers (a scale for each tensor, from the values seen on calibration tiles) are rounded.
The file holds QuantizeLinear/DequantizeLinear pairs, which every version of ONNX Runtime since 1.11 runs in integers.
Needs the packages onnx and onnxruntime, but not PyTorch (except for ``simulated_inputs``).
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import AdaMapperError, InputError
from ..gdal_errors import gdal_raises
from ..models import (
    QUANTISED,
    ModelCard,
    TileSource,
    load_model,
    onnx_package,
    read_card,
    refuse_quantised,
    require_harmless,
    save_model,
)
from ..packages import missing_package
from ..progress import QUIET, Progress
from ..raster import Band, BandReader, Window, limited_cache, open_raster
from ..types import Array, PathLike

CALIBRATION_TILES = 40
CALIBRATION_SEED = 3_000_003
_METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}


@dataclass(frozen=True)
class QuantisationOptions:
    """How to round. The defaults are what benchmarks/quantisation.py finds to lose nothing.

    ``weight_bits``: with 7 the products of two neighbours always fit 16 bits, so that processors without VNNI give
    the same answer as those with it; 8 is right only where VNNI is. ``float_head`` keeps the last convolution and
    all behind it, and ``float_stem`` the first convolution, as float32. ``signed``: activations as int8, for
    processors of ARM, instead of uint8. ``calibration``: the range of an activation is all that was seen
    ("minmax"), all but the outermost 0.001 % ("percentile"), or what keeps most of the information ("entropy").
    """

    weight_bits: int = 7
    float_head: bool = True
    float_stem: bool = False
    signed: bool = False
    calibration: str = "minmax"

    def __post_init__(self) -> None:
        if self.weight_bits not in (7, 8):
            raise InputError("Weights are quantised to 7 or 8 bits, not {weight_bits}.", weight_bits=self.weight_bits)
        if self.calibration not in _METHODS:
            raise InputError(
                "The calibration “{calibration}” is unknown; known are {methods}.",
                calibration=self.calibration,
                methods=", ".join(_METHODS),
            )


_DEFAULT = QuantisationOptions()


def quantise(
    model_path: PathLike,
    tile_inputs: Iterable[Array],
    output: PathLike,
    options: QuantisationOptions = _DEFAULT,
    progress: Progress = QUIET,
) -> ModelCard:
    """Write a quantised copy of a model, which appears only when complete; its card tells what it was made from.

    ``tile_inputs`` are what the network sees on typical tiles, channels missing on some of them where it may be used
    without: float32 (bands, h, w), scaled and filled; they are gone through once. Raises InputError for a model that
    is quantised already or has no convolutions, and where there are no tiles.
    """
    progress.report(0.0)
    card = read_card(model_path)
    refuse_quantised(model_path, card)
    with limited_cache(), tempfile.TemporaryDirectory() as folder:
        folded, rounded = Path(folder) / "folded.onnx", Path(folder) / "rounded.onnx"
        _fold(model_path, folded)
        progress.check()
        input_name, excluded = _prepare(folded, options)
        reader = _Reader(tile_inputs, input_name, progress)
        try:
            _round(folded, rounded, reader, excluded, options)
        except AdaMapperError:
            raise
        except Exception as error:  # whatever ONNX Runtime's tools raise
            raise InputError(
                "{path} can't be quantised: its weights may be damaged ({error}). Choose another model, or another "
                "storage.",
                path=os.fspath(model_path),
                error=error,
            ) from None
        progress.report(0.95)
        model = load_model(rounded)
    facts = {"from": Path(model_path).name, "calibration_tiles": reader.count, **asdict(options)}
    card = replace(card, training={**card.training, QUANTISED: facts})
    save_model(model, card, output, progress)
    return card


def _fold(source: PathLike, output: Path) -> None:
    """Write the model as ONNX Runtime simplifies it for any device: normalisation folded, casts of weights done."""
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime", "Quantising", error) from None
    require_harmless(source)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(output)
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(os.fspath(source), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(
            "{path} can't be loaded by ONNX Runtime ({error}).", path=os.fspath(source), error=error
        ) from None


def _prepare(path: Path, options: QuantisationOptions) -> tuple[str, list[str]]:
    """Name all nodes of a folded model in place; its input, and the nodes that stay float32."""
    onnx = onnx_package()
    model = load_model(path)
    nodes = model.graph.node
    for index, node in enumerate(nodes):
        node.name = f"{index}_{node.op_type}"
    domains = {node.domain for node in nodes}
    kept = [entry for entry in model.opset_import if entry.domain in domains]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    convolutions = [index for index, node in enumerate(nodes) if node.op_type == "Conv"]
    if not convolutions:
        raise InputError("The model has no convolutions: there is nothing to quantise.")
    # Says that this was done, or the quantiser warns that it should be.
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    onnx.save(model, str(path))
    excluded = [node.name for node in nodes[convolutions[-1] :]] if options.float_head else []
    if options.float_stem:
        excluded.append(nodes[convolutions[0]].name)
    return str(model.graph.input[0].name), excluded


class _Reader:
    """Gives ONNX Runtime the calibration tiles one by one; a cancelled run stops between two of them."""

    def __init__(self, tiles: Iterable[Array], name: str, progress: Progress) -> None:
        self._tiles, self._name, self._progress = iter(tiles), name, progress
        self._total = len(tiles) if isinstance(tiles, Sized) else CALIBRATION_TILES
        self.count = 0

    def get_next(self) -> dict[str, Array] | None:
        """The next tile; None after the last. InputError when there was none at all."""
        self._progress.report(0.9 * self.count / max(self._total, 1))
        tile = next(self._tiles, None)
        if tile is None:
            if not self.count:
                raise InputError("Quantising needs tiles to calibrate with, and there is none that holds data.")
            return None
        self.count += 1
        return {self._name: np.ascontiguousarray(tile[np.newaxis], np.float32)}


def _round(source: Path, output: Path, reader: _Reader, excluded: list[str], options: QuantisationOptions) -> None:
    try:
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise missing_package("onnx", "Quantising", error) from None
    # The quantiser prints, and what is printed inside an algorithm spoils the answer of qgis_process.
    with contextlib.redirect_stdout(io.StringIO()):
        quantize_static(
            str(source),
            str(output),
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=options.weight_bits == 7,
            activation_type=QuantType.QInt8 if options.signed else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=excluded,
            calibrate_method=getattr(CalibrationMethod, _METHODS[options.calibration]),
        )


def simulated_inputs(
    card: ModelCard, count: int = CALIBRATION_TILES, seed: int = CALIBRATION_SEED, dem_paths: Sequence[PathLike] = ()
) -> Iterator[Array]:
    """What the network sees on simulated tiles, each without the channels that a training sample may lack.

    Half of them are of the wider world, which has motion up to 3 m/yr. Needs PyTorch. InputError when the card has a
    channel that the simulation doesn't make.
    """
    from ..simulation import TileGenerator, WideTiles
    from .mixtures import MixedTiles

    wide = WideTiles(seed, card.tile_size, card.pixel_size, dem_paths)
    plain = TileGenerator(seed, card.tile_size, card.pixel_size, dem_paths)
    return typical_inputs(MixedTiles(0.5, wide, plain), card, count, seed)


def typical_inputs(
    source: TileSource, card: ModelCard, count: int = CALIBRATION_TILES, seed: int = CALIBRATION_SEED
) -> Iterator[Array]:
    """The same on the first tiles of a source."""
    from .inputs import draw_missing, to_input

    random = np.random.default_rng(seed)
    for index in range(count):
        yield to_input(source(index), card, draw_missing(card, random))[0]


def composite_inputs(
    path: PathLike, card: ModelCard, count: int = CALIBRATION_TILES, progress: Progress = QUIET
) -> Iterator[Array]:
    """What the network sees on up to ``count`` tiles spread over a composite (from "Build channel composite").

    Tiles without data are left out; ``progress`` may cancel at each. InputError when the raster isn't a composite for
    this model, or is smaller than one stride of it.
    """
    with contextlib.ExitStack() as stack:
        readers = _open_bands(path, card, stack)
        grid = readers[0].grid
        sides = [min(card.tile_size, size // card.stride * card.stride) for size in (grid.height, grid.width)]
        if not all(sides):
            raise InputError(
                "{path} is smaller than {stride} pixels: too small to calibrate with.",
                path=os.fspath(path),
                stride=card.stride,
            )
        given = 0
        for row, column in _spread(grid.height, grid.width, sides, count):
            if given == count:
                break
            progress.check()
            window = Window(column, row, sides[1], sides[0])
            bands = np.stack([reader.read(window) for reader in readers])
            known = np.isfinite(bands)
            if known.any():
                given += 1
                yield np.where(known, bands, np.array(card.fills, np.float32)[:, None, None])


@gdal_raises()
def _open_bands(path: PathLike, card: ModelCard, stack: contextlib.ExitStack) -> list[BandReader]:
    name = os.fspath(path)
    dataset = open_raster(name)
    found = tuple(dataset.GetRasterBand(index + 1).GetDescription() for index in range(dataset.RasterCount))
    if found != card.band_names:
        raise InputError(
            "{name} is not a composite for the model “{model}”: it needs the bands {band_names}. "
            "Make it with Build channel composite and this model.",
            name=name,
            model=card.name,
            band_names=", ".join(card.band_names),
        )
    return [stack.enter_context(BandReader(Band(name, index + 1))) for index in range(len(found))]


def _spread(height: int, width: int, sides: Sequence[int], count: int) -> list[tuple[int, int]]:
    """First rows and columns of tiles side by side; in a fixed random order where there are more than ``count``."""
    places = [
        (row, column)
        for row in range(0, height - sides[0] + 1, sides[0])
        for column in range(0, width - sides[1] + 1, sides[1])
    ]
    if len(places) > count:
        np.random.default_rng(0).shuffle(places)
    return places
