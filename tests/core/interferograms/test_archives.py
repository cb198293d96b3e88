"""Products that are still zipped, partly unpacked or cut short."""

from __future__ import annotations

import shutil
import zipfile

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.interferograms.readers import Folder, with_archives
from ada_mapper.core.raster import BandReader
from interferogram_products import coherences, phases, valid, write_tif

BURST = "S1_136231_IW1_20170411_20170517_VV_INT80_8E81"
SCENE = "S1AA_20190610T135156_20190622T135157_VVP012_INT80_G_ueF_F8BF"


def pack(folder, name, compression=zipfile.ZIP_DEFLATED, delete=True):
    """The folder of a product as its ZIP archive beside it."""
    with zipfile.ZipFile(folder / f"{name}.zip", "w", compression) as archive:
        for path in sorted((folder / name).rglob("*")):
            archive.write(path, path.relative_to(folder))
    if delete:
        shutil.rmtree(folder / name)


def read(band):
    with BandReader(band) as reader:
        return reader.read()


def told(stack, *words):
    return [note for note in stack.notes if all(word in note for word in words)]


def check(stack, expected):
    assert [pair.name for pair in stack.interferograms] == sorted(expected.pairs)
    for pair in stack.interferograms:
        wanted = expected.pairs[pair.name]
        np.testing.assert_array_equal(read(pair.phase), wanted.phase)
        np.testing.assert_allclose(read(pair.coherence), wanted.coherence, rtol=1e-6)
        assert (pair.components is None) == (wanted.components is None)
        if pair.components is not None:
            np.testing.assert_array_equal(read(pair.components), wanted.components)
        assert pair.perpendicular_baseline == wanted.baseline
        assert (pair.heading, pair.incidence) == (pytest.approx(-167.25), pytest.approx(40.0, abs=1e-4))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("suffix", [".zip", ".ZIP"])
def test_zipped_products_are_read_where_they_are(tmp_path, compression, suffix):
    folder = tmp_path / "Tom's & (pairs)"
    folder.mkdir()
    expected = products.hyp3(folder)
    for path in [item for item in folder.iterdir() if item.is_dir()]:
        pack(folder, path.name, compression)
        if suffix != ".zip":
            (folder / f"{path.name}.zip").rename(folder / f"{path.name}{suffix}")
    stack = find_stack(folder)
    check(stack, expected)
    scene, bursts = told(stack, "archive")
    assert "isn't unpacked, or only in part: 5 of its rasters" in scene and "more files" not in scene
    assert "isn't unpacked, or only in part: 6 of its rasters" in bursts and "1 more files" in bursts


def test_some_unpacked_and_some_zipped(tmp_path):
    expected = products.hyp3(tmp_path)
    pack(tmp_path, BURST)
    pack(tmp_path, SCENE, delete=False)
    stack = find_stack(tmp_path)
    check(stack, expected)
    (note,) = told(stack, "archive")
    assert BURST in note and "more files" not in note


def test_a_folder_that_is_unpacked_in_part(tmp_path):
    expected = products.hyp3(tmp_path)
    pack(tmp_path, BURST, delete=False)
    (tmp_path / BURST / f"{BURST}_corr.tif").unlink()
    (tmp_path / BURST / f"{BURST}_lv_theta.tif").unlink()
    pack(tmp_path, SCENE, delete=False)
    (tmp_path / SCENE / f"{SCENE}_unw_phase.tif").unlink()
    stack = find_stack(tmp_path)
    check(stack, expected)
    assert told(stack, BURST, "2 of its rasters")
    assert told(stack, SCENE, "1 of its rasters")


def test_a_product_of_which_only_its_text_is_there_is_told(tmp_path):
    products.hyp3(tmp_path)
    assert not [note for note in find_stack(tmp_path).notes if "isn't complete" in note]
    name = "S1AA_20190610T135156_20190622T135157_VVP012_INT80_G_ueF_F8BF"
    for path in (tmp_path / name).glob("*.tif"):
        path.unlink()
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 2
    (note,) = [note for note in stack.notes if "isn't complete" in note]
    assert f"{name}.txt is there without its {name}_unw_phase.tif" in note


def test_a_product_without_its_interferogram_is_told(tmp_path):
    products.hyp3(tmp_path)
    (tmp_path / SCENE / f"{SCENE}_unw_phase.tif").unlink()
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 2
    assert told(stack, "Left out", f"{SCENE}_corr.tif", f"without its {SCENE}_unw_phase.tif")
    shutil.rmtree(tmp_path)
    products.licsar(tmp_path)
    next(tmp_path.rglob("20170302_20170314.geo.unw.tif")).unlink()
    assert told(find_stack(tmp_path), "20170302_20170314.geo.cc.tif", "without its 20170302_20170314.geo.unw.tif")


def test_a_clipped_interferogram_is_not_doubled_by_its_archive(tmp_path):
    products.hyp3(tmp_path)
    for path in [item for item in tmp_path.iterdir() if item.is_dir() and item.name != BURST]:
        shutil.rmtree(path)
    pack(tmp_path, BURST, delete=False)
    inside = tmp_path / BURST
    (inside / f"{BURST}_unw_phase.tif").unlink()
    write_tif(inside / f"{BURST}_unw_phase_clip.tif", phases(5))
    write_tif(inside / f"{BURST}_corr_clip.tif", coherences(5))
    (pair,) = find_stack(tmp_path).interferograms
    np.testing.assert_array_equal(read(pair.phase), valid(phases(5)))
    np.testing.assert_array_equal(read(pair.coherence), valid(coherences(5)))


@pytest.mark.parametrize("left", [0, 100, 0.5, 0.99])
def test_an_archive_that_is_cut_short(tmp_path, left):
    products.hyp3(tmp_path)
    pack(tmp_path, BURST)
    archive = tmp_path / f"{BURST}.zip"
    content = archive.read_bytes()
    archive.write_bytes(content[: int(left * len(content)) if left < 1 else left])
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 2
    assert told(stack, "Left out", archive.name, "isn't a complete ZIP archive")
    alone = tmp_path / "alone"
    alone.mkdir()
    archive.rename(alone / archive.name)
    with pytest.raises(InputError, match=r"no unwrapped interferograms\. .*isn't a complete ZIP archive"):
        find_stack(alone)


def test_a_damaged_raster_in_an_archive_is_left_out(tmp_path):
    products.hyp3(tmp_path)
    path = tmp_path / BURST / f"{BURST}_unw_phase.tif"
    path.write_bytes(path.read_bytes()[:60])
    pack(tmp_path, BURST)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 2
    assert told(stack, "Left out", f"{BURST}_unw_phase.tif")


def test_what_can_only_be_read_unpacked_is_told(tmp_path):
    (tmp_path / "aria").mkdir()
    products.aria(tmp_path / "aria")
    pack(tmp_path, "aria")
    with pytest.raises(InputError, match=r"aria\.zip holds S1-GUNW-D-\S+\.nc\. Unpack it first"):
        find_stack(tmp_path)
    products.hyp3(tmp_path)
    assert len(find_stack(tmp_path, "hyp3").interferograms) == 3


def test_archives_of_other_things_say_nothing(tmp_path):
    products.hyp3(tmp_path)
    (tmp_path / "S1A_IW_SLC.SAFE" / "measurement").mkdir(parents=True)
    write_tif(tmp_path / "S1A_IW_SLC.SAFE" / "measurement" / "s1a-iw1-slc-vv-20190610t1351.tiff", phases(0))
    pack(tmp_path, "S1A_IW_SLC.SAFE")
    files = Folder.of(tmp_path)
    assert with_archives(files).files == files.files
    assert not told(find_stack(tmp_path), "archive")


def test_names_that_lead_out_of_an_archive_are_not_followed(tmp_path):
    products.hyp3(tmp_path / "hidden")
    source = next((tmp_path / "hidden").rglob("*_unw_phase.tif"))
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "evil.zip", "w") as archive:
        archive.write(source, f"../hidden/{source.parent.name}/{source.name}")
    with pytest.raises(InputError, match="It holds 1 archives: unpack them first"):
        find_stack(tmp_path / "in")


def test_a_protected_archive_is_told(tmp_path):
    products.hyp3(tmp_path)
    pack(tmp_path, BURST)
    archive = tmp_path / f"{BURST}.zip"
    content = bytearray(archive.read_bytes())
    # The flag of encryption in the headers of all members, local and central.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    archive.write_bytes(content)
    assert told(find_stack(tmp_path), archive.name, "protected by a password")


@pytest.mark.parametrize("form", ["/vsizip/{archive}/{name}", "/vsizip/{{{archive}}}/{name}"])
def test_a_table_may_name_a_raster_in_an_archive(tmp_path, form):
    expected = products.hyp3(tmp_path)
    pack(tmp_path, BURST)
    cell = form.format(archive=tmp_path / f"{BURST}.zip", name=f"{BURST}/{BURST}_unw_phase.tif")
    table = tmp_path / "pairs.csv"
    table.write_text(f"file,date1,date2\n{cell},2017-04-11,2017-05-17\n", encoding="utf-8")
    (pair,) = find_stack(None, pairs_file=table).interferograms
    np.testing.assert_array_equal(read(pair.phase), expected.pairs[pair.name].phase)
    table.write_text(f"file,date1,date2\n{cell}x,2017-04-11,2017-05-17\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: .*doesn't exist"):
        find_stack(None, pairs_file=table)
