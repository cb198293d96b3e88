"""The tile runner on networks whose answers are known: no seams, no leaks of gaps, bounded reads, no leftovers."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from ada_mapper.core.channels import Channel, ChannelKind, Scaling
from ada_mapper.core.detection import DEFAULT_OVERLAP, Composite, detect, inference, mirrored, plan_axis
from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.models import open_backend
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader, Grid
from ada_mapper.core.types import Array
from examples import examples
from tiny_models import ArrayScene, FunctionBackend, card_of, grid, write_layer, write_model, write_strided_model

NAN = np.nan


def _noise(height: int, width: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def _run(bands: Array, path: Path, backend: FunctionBackend | None = None, **options: object) -> Array:
    """The probabilities of a one-band array (h, w), or of bands (C, h, w) whose others are not used."""
    scene = ArrayScene(np.atleast_3d(bands.T).T if bands.ndim == 2 else bands)
    detect(scene, backend or FunctionBackend(), card_of(), path, **options)
    with BandReader(path) as reader:
        return reader.read()


_TILES = st.sampled_from([(32, 32), (64, 32), (96, 32), (64, 16), (256, 32), (60, 4), (5, 1)])


@examples(300)
@given(st.integers(1, 1200), _TILES, st.floats(0, 0.5), st.integers(-3000, 3000))
def test_tiles_cover_the_scene_and_their_weights_sum_to_one(
    size: int, sides: tuple[int, int], share: float, origin: int
) -> None:
    tile, stride = sides
    overlap = round(tile * share)
    axis = plan_axis(size, tile, overlap, stride, origin)
    total = np.zeros(axis.stop - axis.starts[0])
    for index, (start, weights) in enumerate(zip(axis.starts, axis.weights)):
        assert len(weights) == axis.tile and (weights >= 0).all()
        total[start - axis.starts[0] :][: axis.tile] += weights
        counted = axis.counted(index)
        assert 0 <= counted.start < counted.stop <= size
    np.testing.assert_allclose(total[-axis.starts[0] :][:size], 1, atol=1e-6)
    before, after = overlap // 2, overlap - overlap // 2
    assert -before - stride - tile < axis.starts[0] <= -before and axis.stop >= size + after
    assert axis.tile % stride == 0 and axis.tile <= tile
    assert all(0 < second - first <= tile - overlap for first, second in zip(axis.starts, axis.starts[1:]))


@examples(300)
@given(_TILES, st.floats(0, 0.5), st.integers(-3000, 3000), st.integers(0, 700), st.integers(0, 700))
def test_pixels_inside_have_the_same_tiles_in_any_cut(
    sides: tuple[int, int], share: float, pixel: int, before: int, after: int
) -> None:
    """A pixel farther than a tile from both ends of two scenes: the tiles that count there, and their weights."""
    tile, stride = sides
    overlap = round(tile * share)
    first, last = pixel - tile - before, pixel + tile + after

    def seen(first: int, last: int) -> list[tuple[int, float]]:
        axis = plan_axis(last - first + 1, tile, overlap, stride, first)
        tiles = [(start, pixel - first - start, weights) for start, weights in zip(axis.starts, axis.weights)]
        inside = [(start + first, float(weights[at])) for start, at, weights in tiles if 0 <= at < axis.tile]
        return [(start, weight) for start, weight in inside if weight > 0]

    assert seen(first, last) == seen(pixel - 5 * tile, pixel + 5 * tile)


def test_a_scene_within_one_tile_gets_one_small_tile_on_the_strides_lattice() -> None:
    for origin in range(-70, 70):
        axis = plan_axis(100, 256, 16, 32, origin)
        assert len(axis.starts) == 1 and axis.tile in (128, 160)
        assert (origin + axis.starts[0]) % 32 == 0
    assert {len(plan_axis(209, 256, 16, 32, origin).starts) for origin in range(240)} == {1}


def test_anchors_cost_at_most_one_more_tile_an_axis() -> None:
    counts = [len(plan_axis(10_000, 256, 16, 32, origin).starts) for origin in range(240)]
    assert set(counts) == {42, 43} and np.mean(counts) == pytest.approx(1 + 9_999 / 240)


@pytest.mark.parametrize("size", [2, 3, 10])
def test_mirroring_equals_numpys_reflection(size: int) -> None:
    expected = np.pad(np.arange(size), 25, mode="reflect")
    np.testing.assert_array_equal(mirrored(np.arange(-25, size + 25), size), expected)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (1, 200), (64, 64), (65, 63), (131, 200), (257, 90)])
@pytest.mark.parametrize("overlap", [0.0, DEFAULT_OVERLAP, 0.3, 0.5])
def test_identity_is_exact_for_any_size_and_overlap(shape: tuple[int, int], overlap: float, tmp_path: Path) -> None:
    values = _noise(*shape)
    np.testing.assert_allclose(_run(values, tmp_path / "p.tif", overlap=overlap), values, atol=2e-7)


@examples(25)
@given(
    st.integers(1, 130), st.integers(1, 210), st.integers(-70, 70), st.integers(-70, 70), st.sampled_from([0, 0.2, 0.5])
)
def test_results_dont_depend_on_where_the_tiles_lie(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, row: int, column: int, overlap: float
) -> None:
    """The same ground anywhere on the lattice of the tiles, through a network that only looks at single pixels."""
    path = tmp_path_factory.getbasetemp() / "shifted.tif"
    ground = _noise(height, width)
    detect(ArrayScene(ground[np.newaxis], corner=(column, row)), FunctionBackend(), card_of(), path, overlap)
    with BandReader(path) as reader:
        np.testing.assert_allclose(reader.read(), ground, atol=2e-7)


@examples(15)
@given(st.integers(-70, 70), st.integers(-70, 70))
def test_what_lies_outside_a_scene_is_its_mirror_image(
    tmp_path_factory: pytest.TempPathFactory, row: int, column: int
) -> None:
    """A 5×5 mean is right up to the edge wherever the tiles lie."""
    path = tmp_path_factory.getbasetemp() / "mirrored.tif"
    ground = _noise(100, 90)
    mean = FunctionBackend(lambda band: uniform_filter(band, (0, 5, 5), mode="constant"))
    detect(ArrayScene(ground[np.newaxis], corner=(column, row)), mean, card_of(), path, 0.5)
    with BandReader(path) as reader:
        assert np.abs(reader.read() - uniform_filter(ground, 5, mode="mirror")).max() < 0.004


def test_a_network_that_looks_around_is_right_up_to_the_scenes_edge(tmp_path: Path) -> None:
    """A 5×5 mean: margins and blending hide what it lacks at the tiles' edges, given enough overlap."""
    values = _noise(150, 170)
    mean = FunctionBackend(lambda band: uniform_filter(band, (0, 5, 5), mode="constant"))
    found = _run(values, tmp_path / "p.tif", mean, overlap=0.5)
    expected = uniform_filter(values, 5, mode="mirror")
    assert np.abs(found - expected).max() < 0.004
    assert np.abs(_run(values, tmp_path / "q.tif", mean, overlap=0.0) - expected).max() > 0.1


def test_gaps_are_masked_and_never_reach_their_neighbours(tmp_path: Path) -> None:
    values = _noise(150, 170)
    gaps = _noise(150, 170, 2) < 0.3
    values[gaps] = NAN
    found = _run(values, tmp_path / "p.tif")
    np.testing.assert_array_equal(np.isnan(found), gaps)
    np.testing.assert_allclose(found, values, atol=2e-7)


def test_gaps_of_a_layer_that_is_no_rate_are_filled_as_the_card_says(tmp_path: Path) -> None:
    from ada_mapper.core.channels import MINMAX_CHANNELS
    from tiny_models import RATE

    slope = MINMAX_CHANNELS[ChannelKind.SLOPE]
    card = card_of(RATE, type(slope)(slope.kind, slope.unit, slope.sign, slope.scaling, True, fill=0.375))
    bands = np.stack([_noise(70, 80), _noise(70, 80, 2)])
    bands[1, 20:40, 30:50] = NAN

    class SecondBand(FunctionBackend):
        def predict(self, batch: Array) -> Array:
            return super().predict(batch[:, 1:])

    detect(ArrayScene(bands), SecondBand(), card, tmp_path / "p.tif")
    with BandReader(tmp_path / "p.tif") as reader:
        found = reader.read()
    np.testing.assert_allclose(found, np.where(np.isnan(bands[1]), 0.375, bands[1]), atol=2e-7)


def test_tiles_without_data_are_skipped(tmp_path: Path) -> None:
    values = np.full((64 * 5, 64 * 6), NAN, np.float32)
    values[130:180, 200:270] = 0.75
    backend = FunctionBackend()
    scene = ArrayScene(values[np.newaxis])
    result = detect(scene, backend, card_of(), tmp_path / "p.tif", overlap=0.0)
    assert (result.tiles, result.skipped_tiles, len(backend.shapes)) == (30, 28, 2)
    assert result.valid_pixels == 50 * 70
    assert (result.above_threshold, result.highest_probability) == (1.0, 0.75)


def test_a_scene_without_any_data_gives_a_raster_without_any(tmp_path: Path) -> None:
    result = detect(ArrayScene(np.full((1, 90, 70), NAN, np.float32)), FunctionBackend(), card_of(), tmp_path / "p.tif")
    assert result.skipped_tiles == result.tiles and np.isnan(result.highest_probability)
    with BandReader(tmp_path / "p.tif") as reader:
        assert np.isnan(reader.read()).all()


@pytest.mark.parametrize("batch_size", [1, 3])
def test_threads_and_batches_dont_change_a_bit(tmp_path: Path, batch_size: int) -> None:
    values = _noise(300, 330)

    def slow(band: Array) -> Array:
        time.sleep(0.002 * float(band[0, 0, 0]))  # tiles finish out of order
        return band * band

    one = _run(values, tmp_path / "p.tif", FunctionBackend(slow), overlap=0.25)
    many = _run(values, tmp_path / "q.tif", FunctionBackend(slow, 4, batch_size), overlap=0.25)
    np.testing.assert_array_equal(one, many)


def test_memory_of_tiles_is_used_again_but_never_while_an_answer_lies_in_it(tmp_path: Path) -> None:
    """A network that answers with its own input, and one that answers with a copy, keep every tile's answer apart."""
    values = _noise(500, 600)
    views = _run(values, tmp_path / "p.tif", FunctionBackend(lambda band: band, 3))
    copies = _run(values, tmp_path / "q.tif", FunctionBackend(lambda band: band.copy(), 3))
    np.testing.assert_allclose(views, values, atol=1e-6)
    np.testing.assert_array_equal(copies, views)


def test_batches_are_as_large_as_the_backend_likes(tmp_path: Path) -> None:
    backend = FunctionBackend(batch_size=4)
    _run(_noise(60, 64 * 6), tmp_path / "p.tif", backend, overlap=0.0)
    assert [shape[0] for shape in backend.shapes] == [4, 2]


def test_every_row_is_read_once_and_only_as_the_tiles_need_it(tmp_path: Path) -> None:
    scene = ArrayScene(_noise(64 * 20, 100)[np.newaxis])
    detect(scene, FunctionBackend(), card_of(), tmp_path / "p.tif")
    assert sum(scene.counts) == 64 * 20
    assert max(scene.counts) <= 64


class _EndlessScene(ArrayScene):
    """One number for all pixels, so that the scene itself takes no memory."""

    def __init__(self, height: int) -> None:
        super().__init__(np.broadcast_to(np.float32(0.5), (1, height, 300)))


def test_memory_doesnt_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    class Forgetful(FunctionBackend):
        def predict(self, batch: Array) -> Array:
            self.shapes.clear()
            return super().predict(batch)

    peaks = []
    for height in (64 * 20, 64 * 120):
        tracemalloc.start()
        detect(_EndlessScene(height), Forgetful(), card_of(), tmp_path / "p.tif")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 4 * 64 * 120 * 300  # less than the scene


def test_coarse_data_need_larger_areas(tmp_path: Path) -> None:
    scene = ArrayScene(_noise(40, 40)[np.newaxis], coarseness=5.0)
    detect(scene, FunctionBackend(), card_of(min_area=7000.0), tmp_path / "p.tif")
    with BandReader(tmp_path / "p.tif") as reader:
        assert float(reader.tags["MIN_AREA"]) == 7000 * 25


def test_probability_carries_the_model_and_its_rules(tmp_path: Path) -> None:
    card = card_of(threshold=0.6, low_threshold=0.4, min_area=7000.0)
    detect(ArrayScene(_noise(40, 40)[np.newaxis]), FunctionBackend(), card, tmp_path / "p.tif")
    with BandReader(tmp_path / "p.tif") as reader:
        tags = reader.tags
    assert (tags["description"], tags["unit"], tags["MODEL"], tags["MODEL_VERSION"]) == (
        "probability",
        "1",
        "toy",
        "1.0",
    )
    assert [float(tags[key]) for key in ("THRESHOLD", "LOW_THRESHOLD", "MIN_AREA")] == [0.6, 0.4, 7000]


@pytest.mark.parametrize("after", [0, 3, 30])
def test_cancelling_leaves_no_file_and_stops_soon(tmp_path: Path, after: int) -> None:
    backend = FunctionBackend()
    scene = ArrayScene(_noise(64 * 20, 64 * 20)[np.newaxis])
    progress = Progress(is_cancelled=lambda: len(backend.shapes) >= after)
    before = threading.active_count()
    with pytest.raises(CancelledError):
        detect(scene, backend, card_of(), tmp_path / "p.tif", progress=progress)
    assert not list(tmp_path.iterdir())
    assert len(backend.shapes) <= after + 2 * inference._TILES_AHEAD
    assert threading.active_count() == before


def test_cancelling_drops_the_tiles_that_wait(tmp_path: Path) -> None:
    backend = FunctionBackend(lambda band: time.sleep(0.02) or band)
    progress = Progress(is_cancelled=lambda: len(backend.shapes) >= 3)
    with pytest.raises(CancelledError):
        _run(_noise(300, 300), tmp_path / "p.tif", backend, progress=progress)
    assert len(backend.shapes) < inference._TILES_AHEAD / 2


def test_a_network_or_scene_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def broken(band: Array) -> Array:
        raise InputError("broken network")

    with pytest.raises(InputError, match="broken network"):
        _run(_noise(200, 200), tmp_path / "p.tif", FunctionBackend(broken, 2))

    class Truncated(ArrayScene):
        def read_filled(self, out: Array, fills: Sequence[float]) -> Array:
            if sum(self.counts) > 100:
                raise InputError("truncated scene")
            return super().read_filled(out, fills)

    scene = Truncated(_noise(64 * 20, 64 * 20)[np.newaxis])
    with pytest.raises(InputError, match="truncated scene"):
        detect(scene, FunctionBackend(), card_of(), tmp_path / "p.tif")
    assert not list(tmp_path.iterdir())


def test_progress_grows_to_one(tmp_path: Path) -> None:
    fractions: list[float] = []
    progress = Progress(on_fraction=fractions.append)
    _run(_noise(300, 300), tmp_path / "p.tif", progress=progress)
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert len(fractions) > 25


@pytest.mark.parametrize("overlap", [-0.1, 0.51, NAN])
def test_an_overlap_out_of_range_is_refused(tmp_path: Path, overlap: float) -> None:
    with pytest.raises(InputError, match="0 to 50 %"):
        _run(_noise(64, 64), tmp_path / "p.tif", overlap=overlap)


def test_an_output_that_cant_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        _run(_noise(64, 64), tmp_path / "nowhere" / "p.tif")


def test_from_files_through_onnx_runtime(tmp_path: Path) -> None:
    """Layer → composite → network → raster: the identity network gives the scaled rate, masked."""
    rate = 80 * (_noise(150, 170) - 0.5)
    rate[40:60, 50:90] = NAN
    card = card_of()
    backend = open_backend(write_model(tmp_path / "m.onnx", card), "onnxruntime", 2)
    layers = {ChannelKind.LOS_RATE: write_layer(tmp_path / "r.tif", rate)}
    with Composite(layers, card) as composite:
        result = detect(composite, backend, card, tmp_path / "p.tif")
    with BandReader(tmp_path / "p.tif") as reader:
        assert reader.grid.same_as(grid(170, 150))
        np.testing.assert_allclose(reader.read(), (rate + 100) / 200, atol=1e-6)
    assert result.valid_pixels == np.isfinite(rate).sum()
    assert result.above_threshold == pytest.approx(np.nanmean(rate[np.isfinite(rate)] >= 0), abs=1e-3)


@pytest.mark.parametrize(("pixel", "corner"), [(30.0, (4e5, 2.2e6)), (20.0, (400_013.7, 2_200_011.0))])
def test_a_strided_network_finds_the_same_in_any_cut_of_a_scene(
    tmp_path: Path, pixel: float, corner: tuple[float, float]
) -> None:
    """Cut by 1, 7, 16 and 100 pixels, at the model's pixel size and at another (GDAL resamples to about 1e-4)."""
    rate = Channel(ChannelKind.LOS_RATE, "mm/yr", "toward", Scaling("minmax", low=-20.0, high=20.0, local_radius=300.0))
    card = card_of(rate, stride=4)
    backend = open_backend(write_strided_model(tmp_path / "m.onnx", card), "onnxruntime", 1)
    ground = (_noise(330, 340) * 20).astype(np.float32)
    ground[200:230, 150:200] = NAN
    reach = 64 + 10 + 2  # a tile, the local mean, and what resampling looks at

    def find(cut: int) -> tuple[Grid, Array]:
        at = grid(340 - cut, 330 - cut, pixel, x=corner[0] + cut * pixel, y=corner[1] - cut * pixel)
        layers = {ChannelKind.LOS_RATE: write_layer(tmp_path / "r.tif", ground[cut:, cut:], at)}
        with Composite(layers, card) as composite:
            detect(composite, backend, card, tmp_path / "p.tif")
        with BandReader(tmp_path / "p.tif") as reader:
            return reader.grid, reader.read()

    whole_grid, whole = find(0)
    for cut in (1, 7, 16, 100):
        cut_grid, found = find(cut)
        column, row = whole_grid.offset_of(cut_grid)
        inside = found[reach:, reach:]
        expected = whole[row + reach :, column + reach :]
        assert inside.size > 2000 and np.nanstd(inside) > 0.01
        np.testing.assert_allclose(inside, expected, atol=1e-5 if pixel == 30 else 5e-4)
