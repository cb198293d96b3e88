"""Small products of every processor, written to the descriptions of their formats, with what a reader must find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal

from ada_mapper.core.raster import Grid, spatial_reference
from ada_mapper.core.types import Array

WIDTH, HEIGHT = 6, 5
DEGREES = Grid("EPSG:4326", (101.0, 0.001, 0.0, 31.0, 0.0, -0.001), WIDTH, HEIGHT)
METRES = Grid("EPSG:32647", (500_000.0, 40.0, 0.0, 3_500_000.0, 0.0, -40.0), WIDTH, HEIGHT)


@dataclass(frozen=True)
class Expected:
    """What a reader must find for one pair; phases and baselines of the earlier to the later date."""

    phase: Array
    coherence: Array | None = None
    baseline: float | None = None
    components: Array | None = None


@dataclass(frozen=True)
class Product:
    """What a reader must find in a folder."""

    key: str
    grid: Grid
    wavelength: float
    pairs: dict[str, Expected]
    heading: float | None = None
    incidence: float | None = None
    look_side: str | None = "right"


def phases(seed: int) -> Array:
    """Unwrapped phase with zeros, which mean no data, in one corner."""
    values = np.random.default_rng(seed).normal(0, 5, (HEIGHT, WIDTH)).astype(np.float32)
    values[0, :2] = 0
    return values


def coherences(seed: int) -> Array:
    """Coherence with zeros, which mean no data, in one corner."""
    values = np.random.default_rng(seed + 100).uniform(0.1, 1, (HEIGHT, WIDTH)).astype(np.float32)
    values[0, 0] = 0
    return values


def components(seed: int) -> Array:
    """Connected components 1 and 2, and 0 for none, which covers a row and a pixel."""
    values = np.ones((HEIGHT, WIDTH), np.uint8)
    values[:, 3:] = 2
    values[seed % HEIGHT] = 0
    values[HEIGHT - 1, WIDTH - 1] = 0
    return values


def valid(values: Array) -> Array:
    """The values with NaN for zero."""
    return np.where(values == 0, np.float32(np.nan), values)


def write_tif(
    path: Path,
    values: np.ndarray,
    grid: Grid = METRES,
    nodata: float | None = None,
    tags: dict[str, str] | None = None,
) -> Path:
    """Write an array as a GeoTIFF of its own data type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = gdal.GDT_Byte if values.dtype == np.uint8 else gdal.GDT_Float32
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, kind)
    dataset.SetGeoTransform(grid.transform)
    if grid.crs:
        dataset.SetProjection(spatial_reference(grid.crs).ExportToWkt())
    if nodata is not None:
        dataset.GetRasterBand(1).SetNoDataValue(nodata)
    dataset.SetMetadata(tags or {})
    dataset.GetRasterBand(1).WriteArray(values)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def hyp3(folder: Path) -> Product:
    """A GAMMA scene pair, an ISCE2 burst pair and an ISCE2 multi-burst pair."""
    names = {
        "20190610_20190622": "S1AA_20190610T135156_20190622T135157_VVP012_INT80_G_ueF_F8BF",
        "20170411_20170517": "S1_136231_IW1_20170411_20170517_VV_INT80_8E81",
        "20200604_20200616": "S1_064_000000s1n00-136231s2n02-000000s3n00_IW_20200604_20200616_VV_INT80_77F1",
    }
    pairs = {}
    for i, (pair, name) in enumerate(names.items()):
        inside = folder / name
        write_tif(inside / f"{name}_unw_phase.tif", phases(i))
        write_tif(inside / f"{name}_corr.tif", coherences(i))
        write_tif(inside / f"{name}_lv_theta.tif", np.full((HEIGHT, WIDTH), np.radians(50), np.float32))
        write_tif(inside / f"{name}_los_disp.tif", -phases(i))
        write_tif(inside / f"{name}_dem.tif", phases(9))
        write_text(
            inside / f"{name}.txt",
            f"Reference Granule: S1A\nBaseline: {10.5 + i}\nUTC time: 49916.0\nHeading: -167.25\n",
        )
        # GAMMA, which makes the products of scenes, has no components.
        if i:
            write_tif(inside / f"{name}_conncomp.tif", components(i))
        known = valid(components(i).astype(np.float32)) if i else None
        pairs[pair] = Expected(valid(phases(i)), valid(coherences(i)), 10.5 + i, known)
    return Product("hyp3", METRES, 0.055465763, pairs, -167.25, 40.0)


def licsar(folder: Path) -> Product:
    """One pair with coherence in uint8, one in float; baselines relative to a third date."""
    first, second = folder / "GEOC" / "20170302_20170314", folder / "GEOC" / "20170314_20170326"
    scaled = np.round(coherences(0) * 255).astype(np.uint8)
    write_tif(first / f"{first.name}.geo.unw.tif", phases(0), DEGREES)
    write_tif(first / f"{first.name}.geo.cc.tif", scaled, DEGREES)
    write_tif(first / f"{first.name}.geo.diff_pha.tif", phases(5), DEGREES)
    write_tif(second / f"{second.name}.geo.unw.tif", phases(1), DEGREES)
    write_tif(second / f"{second.name}.geo.cc.tif", coherences(1), DEGREES)
    write_text(
        folder / "metadata" / "baselines",
        "20170107 20170302 30.0 54\n20170107 20170314 -12.5 66\n20170107 20170326 7.0 78\n",
    )
    write_text(folder / "metadata" / "metadata.txt", "master=20170107\nheading=-10.5\navg_incidence_angle=39.0\n")
    return Product(
        "licsar",
        DEGREES,
        0.055465763,
        {
            "20170302_20170314": Expected(valid(phases(0)), valid(scaled.astype(np.float32) / 255), -42.5),
            "20170314_20170326": Expected(valid(phases(1)), valid(coherences(1)), 19.5),
        },
        -10.5,
        39.0,
    )


def licsbas(folder: Path) -> Product:
    """Little-endian files with NaN for no data; coherence in uint8 and in float; the view in E, N and U.

    The radar looks to the right on its way along -10.5°: the satellite stands at azimuth 259.5°, 39° off the vertical.
    """
    working = folder / "GEOCml1"
    pairs = {}
    scaled = np.round(coherences(0) * 255).astype(np.uint8)
    for i, pair in enumerate(("20170302_20170314", "20170314_20170326")):
        (working / pair).mkdir(parents=True)
        valid(phases(i)).astype("<f4").tofile(working / pair / f"{pair}.unw")
        (scaled if i == 0 else coherences(1).astype("<f4")).tofile(working / pair / f"{pair}.cc")
        expected = valid(scaled.astype(np.float32) / 255) if i == 0 else valid(coherences(1))
        pairs[pair] = Expected(valid(phases(i)), expected, (-42.5, 19.5)[i])
    write_text(working / "EQA.dem_par", dem_par(DEGREES))
    write_text(working / "slc.mli.par", "range_samples: 6\nazimuth_lines: 5\nradar_frequency: 5.405e+09 Hz\n")
    write_text(
        working / "baselines",
        "20170107 20170302 30.0 54\n20170107 20170314 -12.5 66\n20170107 20170326 7.0 78\n",
    )
    azimuth, incidence = np.radians(259.5), np.radians(39.0)
    for name, value in (
        ("E", np.sin(incidence) * np.sin(azimuth)),
        ("N", np.sin(incidence) * np.cos(azimuth)),
        ("U", np.cos(incidence)),
    ):
        np.full((HEIGHT, WIDTH), value, "<f4").tofile(working / f"{name}.geo")
    return Product("licsbas", DEGREES, 0.055465763, pairs, -10.5, 39.0)


_DOUBLE = gdal.ExtendedDataType.Create(gdal.GDT_Float64)
_SINGLE = gdal.ExtendedDataType.Create(gdal.GDT_Float32)


def _axis(group: gdal.Group, name: str, values: np.ndarray, unit: str) -> gdal.Dimension:
    kind = "HORIZONTAL_X" if unit == "degrees_east" else "HORIZONTAL_Y" if unit == "degrees_north" else ""
    dimension = group.CreateDimension(name, kind, "", len(values))
    array = group.CreateMDArray(name, [dimension], _DOUBLE)
    array.CreateAttribute("units", [], gdal.ExtendedDataType.CreateString()).WriteString(unit)
    array.Write(np.ascontiguousarray(values, np.float64))
    return dimension


def _layer(group: gdal.Group, name: str, axes: list[gdal.Dimension], values: np.ndarray, nodata: float | None) -> None:
    array = group.CreateMDArray(name, axes, _SINGLE)
    if nodata is not None:
        array.SetNoDataValueDouble(nodata)
    array.Write(np.ascontiguousarray(values, np.float32))


def _longitudes(grid: Grid) -> np.ndarray:
    return grid.transform[0] + grid.transform[1] * (np.arange(grid.width) + 0.5)


def _latitudes(grid: Grid) -> np.ndarray:
    return grid.transform[3] + grid.transform[5] * (np.arange(grid.height) + 0.5)


def write_gunw(path: Path, phase: Array, coherence: Array, baseline: float, seed: int = 0) -> None:
    """An ARIA product: groups of a netCDF-4 file, no CRS, the baseline as a cube, components of the ``seed``."""
    labels = components(seed).astype(np.float32)
    labels[-1, -1] = -1
    path.parent.mkdir(parents=True, exist_ok=True)
    file = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(path), [], ["FORMAT=NC4"])
    science = file.GetRootGroup().CreateGroup("science")
    radar = science.CreateGroup("radarMetaData")
    radar.CreateMDArray("wavelength", [], _DOUBLE).Write(np.array(0.05546576))
    grids = science.CreateGroup("grids")
    data = grids.CreateGroup("data")
    axes = [
        _axis(data, "latitude", _latitudes(DEGREES), "degrees_north"),
        _axis(data, "longitude", _longitudes(DEGREES), "degrees_east"),
    ]
    _layer(data, "unwrappedPhase", axes, phase, 0.0)
    _layer(data, "coherence", axes, coherence, 0.0)
    _layer(data, "connectedComponents", axes, labels, -1.0)
    geometry = grids.CreateGroup("imagingGeometry")
    cube = [
        _axis(geometry, "heightsMeta", np.array([0.0, 3000.0]), "metre"),
        _axis(geometry, "latitudeMeta", _latitudes(DEGREES), "degrees_north"),
        _axis(geometry, "longitudeMeta", _longitudes(DEGREES), "degrees_east"),
    ]
    shape = (2, HEIGHT, WIDTH)
    _layer(geometry, "perpendicularBaseline", cube, np.full(shape, baseline) + np.array([-2, 2])[:, None, None], None)
    _layer(geometry, "incidenceAngle", cube, np.full(shape, 38.5), None)


def aria(folder: Path) -> Product:
    """Two pairs, named and signed later date first."""
    pairs = {}
    for i, (later, earlier) in enumerate((("20200130", "20200124"), ("20200211", "20200130"))):
        name = f"S1-GUNW-D-R-071-tops-{later}_{earlier}-135156-34956N_32979N-PP-913f-v2_0_4.nc"
        write_gunw(folder / name, phases(i), coherences(i), 25.0 + i, i)
        known = valid(components(i).astype(np.float32))
        pairs[f"{earlier}_{later}"] = Expected(-valid(phases(i)), valid(coherences(i)), -25.0 - i, known)
    return Product("aria", DEGREES, 0.05546576, pairs, None, 38.5)


def write_nisar(
    path: Path,
    layers: dict[str, Array],
    coherence: Array,
    baseline: float,
    *,
    look: str = "Left",
    dates: tuple[str, str] = ("", ""),
    rising: bool = False,
    shift: float = 0.0,
) -> None:
    """A NISAR GUNW: layers of phase by "frequencyA/HH"; the satellite stands at azimuth 70°, 36° off the vertical.

    ``rising``: rows from south to north; ``shift``: of one coordinate, in pixels. Flying along 340° and looking left is
    what flying along 160° and looking right would see.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(path), [], ["FORMAT=NC4"])
    radar = file.GetRootGroup().CreateGroup("science").CreateGroup("LSAR")
    product = radar.CreateGroup("GUNW")
    grids = product.CreateGroup("grids")
    groups: dict[str, gdal.Group] = {}
    x, dx, _, y, _, dy = METRES.transform
    rows, columns = y + dy * (np.arange(HEIGHT) + 0.5), x + dx * (np.arange(WIDTH) + 0.5)
    columns[2] += shift * dx
    for name, phase in layers.items():
        frequency, polarization = name.split("/")
        if frequency not in groups:
            group = grids.CreateGroup(frequency)
            group.CreateMDArray("centerFrequency", [], _DOUBLE).Write(np.array(1.257e9))
            groups[frequency] = group.CreateGroup("unwrappedInterferogram")
        place = groups[frequency].CreateGroup(polarization)
        axes = [place.CreateDimension("rows", "", "", HEIGHT), place.CreateDimension("columns", "", "", WIDTH)]
        place.CreateMDArray("yCoordinates", axes[:1], _DOUBLE).Write(rows[::-1].copy() if rising else rows)
        place.CreateMDArray("xCoordinates", axes[1:], _DOUBLE).Write(columns)
        projection = place.CreateMDArray("projection", [], gdal.ExtendedDataType.Create(gdal.GDT_Int32))
        projection.Write(np.array(int(METRES.crs.split(":")[1]), np.int32))
        _layer(place, "unwrappedPhase", axes, phase, float("nan"))
        _layer(place, "coherenceMagnitude", axes, coherence, float("nan"))
        _layer(place, "ionospherePhaseScreen", axes, np.ones_like(phase), float("nan"))
    cubes = product.CreateGroup("metadata").CreateGroup("radarGrid")
    shape = [cubes.CreateDimension(name, "", "", 2) for name in ("height", "row", "column")]
    azimuth, incidence = np.radians(70.0), np.radians(36.0)
    for name, value in (
        ("incidenceAngle", 36.0),
        ("perpendicularBaseline", baseline),
        ("losUnitVectorX", np.sin(incidence) * np.sin(azimuth)),
        ("losUnitVectorY", np.sin(incidence) * np.cos(azimuth)),
    ):
        _layer(cubes, name, shape, np.full((2, 2, 2), value), None)
    told = radar.CreateGroup("identification")
    for name, text in (
        ("lookDirection", look),
        ("orbitPassDirection", "Ascending"),
        ("referenceZeroDopplerStartTime", dates[0]),
        ("secondaryZeroDopplerStartTime", dates[1]),
    ):
        if text:
            one = told.CreateDimension(f"{name}_one", "", "", 1)
            told.CreateMDArray(name, [one], gdal.ExtendedDataType.CreateString()).Write([text])


def nisar(folder: Path) -> Product:
    """Two pairs: one with the dates in its name, one with the later date as reference and dates in its metadata."""
    phase = [valid(phases(i)) for i in range(4)]
    name = (
        "NISAR_L2_PR_GUNW_004_077_A_024_005_4000_SH_20251103T124615_20251103T124650_20251115T124615_20251115T124650_"
        "P05023_N_F_J_001.h5"
    )
    layers = {"frequencyA/HH": phase[0], "frequencyA/VV": phase[2], "frequencyB/HH": phase[3]}
    write_nisar(folder / name, layers, valid(coherences(0)), 61.5)
    dates = ("2025-11-27T12:46:15.000000000", "2025-11-15T12:46:15.000000000")
    write_nisar(folder / "GUNW_product.h5", {"frequencyB/VV": phase[1]}, valid(coherences(1)), -20.0, dates=dates)
    pairs = {
        "20251103_20251115": Expected(phase[0], valid(coherences(0)), 61.5),
        "20251115_20251127": Expected(-phase[1], valid(coherences(1)), 20.0),
    }
    return Product("nisar", METRES, 299_792_458 / 1.257e9, pairs, 340.0, 36.0, "left")


def write_isce(path: Path, bands: list[Array], grid: Grid | None = DEGREES) -> Path:
    """Lines of each band in turn, little-endian, with ISCE's XML; without a grid in radar geometry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_byte = bands[0].dtype == np.uint8
    np.stack(bands, axis=1).astype("u1" if is_byte else "<f4").tofile(path)
    x, dx, _, y, _, dy = grid.transform if grid else (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    coordinates = "".join(
        f'<component name="coordinate{i}"><property name="startingvalue"><value>{start}</value></property>'
        f'<property name="delta"><value>{step}</value></property>'
        f'<property name="size"><value>{size}</value></property></component>'
        for i, start, step, size in ((1, x, dx, WIDTH), (2, y, dy, HEIGHT))
    )
    properties = "".join(
        f'<property name="{name}"><value>{value}</value></property>'
        for name, value in (
            ("width", WIDTH),
            ("length", HEIGHT),
            ("number_bands", len(bands)),
            ("data_type", "BYTE" if is_byte else "FLOAT"),
            ("scheme", "BIL"),
            ("byte_order", "l"),
        )
    )
    write_text(path.with_name(f"{path.name}.xml"), f"<imageFile>{properties}{coordinates}</imageFile>")
    return path


def isce2(folder: Path) -> Product:
    """A topsStack: geocoded files beside those in radar geometry; baselines relative to the reference date."""
    pairs = {}
    for i, (pair, baseline) in enumerate((("20160927_20161009", 40.0), ("20161009_20161021", -55.0))):
        inside = folder / "merged" / "interferograms" / pair
        amplitude = np.full((HEIGHT, WIDTH), 7, np.float32)
        write_isce(inside / "filt_fine.unw", [amplitude, phases(8)], None)
        write_isce(inside / "filt_fine.unw.geo", [amplitude, phases(i)])
        write_isce(inside / "filt_fine.cor", [coherences(8)], None)
        write_isce(inside / "filt_fine.cor.geo", [coherences(i)])
        write_isce(inside / "filt_fine.unw.conncomp", [components(8)], None)
        write_isce(inside / "filt_fine.unw.conncomp.geo", [components(i)])
        known = valid(components(i).astype(np.float32))
        pairs[pair] = Expected(valid(phases(i)), valid(coherences(i)), baseline, known)
    for second, averages in (("20161009", (39.0, 41.0)), ("20161021", (-15.0, -15.0))):
        lines = "".join(
            f"swath: IW{i}\nBperp (average): {value}\nBpar (average): 3.0\n" for i, value in enumerate(averages)
        )
        write_text(folder / "baselines" / f"20160927_{second}" / f"20160927_{second}.txt", lines)
    write_text(
        folder / "reference" / "IW1.xml",
        '<component name="burst1"><property name="radarwavelength">\n<value>0.05546576</value></property></component>',
    )
    return Product("isce2", DEGREES, 0.05546576, pairs)


def write_envi(path: Path, values: Array, grid: Grid = DEGREES) -> None:
    """A big-endian ENVI file with SNAP's header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values.astype(">f4").tofile(path)
    x, dx, _, y, _, _ = grid.transform
    write_text(
        path.with_suffix(".hdr"),
        f"ENVI\nsamples = {WIDTH}\nlines = {HEIGHT}\nbands = 1\nheader offset = 0\nfile type = ENVI Standard\n"
        "data type = 4\ninterleave = bsq\nbyte order = 1\n"
        f"map info = {{Geographic Lat/Lon,1.0,1.0,{x},{y},{dx},{dx},WGS84,units=Degrees}}\n",
    )


def snap(folder: Path) -> Product:
    """Two BEAM-DIMAP products, with the baselines of each reference date to all dates."""
    pairs = {}
    for i, (first, second, pair, baseline) in enumerate(
        (
            ("17Mar2017", "10Apr2017", "20170317_20170410", 61.5),
            ("10Apr2017", "04May2017", "20170410_20170504", -8.0),
        )
    ):
        data = folder / f"S1_{pair}_Orb_Stack_Ifg_TC.data"
        write_envi(data / f"Unw_Phase_ifg_{first}_{second}_VV.img", phases(i))
        write_envi(data / f"coh_IW2_VV_{first}_{second}.img", coherences(i))
        write_text(
            data.with_suffix(".dim"),
            '<?xml version="1.0" encoding="ISO-8859-1"?><Dimap_Document><Dataset_Sources><MDElem name="metadata">'
            '<MDElem name="Abstracted_Metadata"><MDATTR name="PRODUCT" type="ascii">S1A</MDATTR>'
            '<MDATTR name="incidence_near" type="float64">30.0</MDATTR>'
            '<MDATTR name="incidence_far" type="float64">40.0</MDATTR>'
            '<MDATTR name="centre_heading" type="float64">347.5</MDATTR>'
            '<MDATTR name="antenna_pointing" type="ascii">right</MDATTR>'
            '<MDATTR name="radar_frequency" type="float64">5405.000454334349</MDATTR>'
            f'<MDElem name="Baselines"><MDElem name="Ref_{first}">'
            f'<MDElem name="Secondary_{first}"><MDATTR name="Perp Baseline" type="float64">0.0</MDATTR></MDElem>'
            f'<MDElem name="Secondary_{second}"><MDATTR name="Perp Baseline" type="float64">{baseline}</MDATTR>'
            "</MDElem></MDElem></MDElem></MDElem></MDElem></Dataset_Sources></Dimap_Document>",
        )
        pairs[pair] = Expected(valid(phases(i)), valid(coherences(i)), baseline)
    return Product("snap", DEGREES, 0.055465758, pairs, 347.5, 35.0)


def write_grd(path: Path, values: Array, grid: Grid = DEGREES, turn: float = 0.0) -> None:
    """A GMT grid: netCDF with rows from south to north, no CRS, longitudes shifted by ``turn`` degrees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    root = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(path), [], ["FORMAT=NC4"]).GetRootGroup()
    axes = [
        _axis(root, "lat", _latitudes(grid)[::-1], "degrees_north"),
        _axis(root, "lon", _longitudes(grid) + turn, "degrees_east"),
    ]
    _layer(root, "z", axes, values[::-1], float("nan"))


CALIFORNIA = Grid("EPSG:4326", (-117.0, 0.001, 0.0, 35.0, 0.0, -0.001), WIDTH, HEIGHT)


def gmtsar(folder: Path) -> Product:
    """Longitudes from 0 to 360°; day 59 counted from zero is 1 March in a year without 29 February."""
    pairs = {}
    for i, (name, pair, baseline) in enumerate(
        (
            ("2015059_2015083", "20150301_20150325", 30.0),
            ("2015083_2016059", "20150325_20160229", -90.0),
        )
    ):
        inside = folder / "intf" / name
        write_grd(inside / "unwrap_ll.grd", valid(phases(i)), CALIFORNIA, 360.0)
        write_grd(inside / "unwrap.grd", valid(phases(7)), CALIFORNIA)
        write_grd(inside / "corr_ll.grd", valid(coherences(i)), CALIFORNIA, 360.0)
        write_text(
            inside / "S1_20150301_ALL_F1.PRM",
            "num_rng_bins = 21000\nradar_wavelength = 0.0554658\nlookdir = R\norbdir = D\n",
        )
        pairs[pair] = Expected(valid(phases(i)), valid(coherences(i)), baseline)
    write_text(
        folder / "baseline_table.dat",
        "S1_20150301_ALL_F1 2015059.0716 424 10.0 20.0\n"
        "S1_20150325_ALL_F1 2015083.0716 448 -5.0 50.0\n"
        "S1_20160229_ALL_F1 2016059.0716 789 1.0 -40.0\n",
    )
    return Product("gmtsar", CALIFORNIA, 0.0554658, pairs)


def dem_par(grid: Grid) -> str:
    """GAMMA's DEM parameter file, whose corner is the centre of the first pixel."""
    x, dx, _, y, _, dy = grid.transform
    lines = ["Gamma DIFF&GEO DEM/MAP parameter file", "title: dem", f"width: {grid.width}", f"nlines: {grid.height}"]
    if grid.crs == "EPSG:4326":
        lines += ["DEM_projection: EQA", f"corner_lat: {y + dy / 2}  decimal degrees"]
        lines += [f"corner_lon: {x + dx / 2}  decimal degrees", f"post_lat: {dy}  decimal degrees"]
        lines += [f"post_lon: {dx}  decimal degrees"]
    else:
        lines += ["DEM_projection: UTM", "projection_zone: 47", "false_northing: 0.0 m"]
        lines += [f"corner_north: {y + dy / 2} m", f"corner_east: {x + dx / 2} m"]
        lines += [f"post_north: {dy} m", f"post_east: {dx} m"]
    return "\n".join(lines) + "\n"


SLC_PAR = (
    "Gamma Interferometric SAR Processor (ISP) - Image Parameter File\n"
    "heading: -12.25 degrees\nincidence_angle: 39.5 degrees\nazimuth_angle: 90.0 degrees\n"
    "radar_frequency: 5.405000454e+09 Hz\nnear_range_slc: 800000.0 m\nrange_samples: 4000\n"
    "range_pixel_spacing: 20.0 m\nsar_to_earth_center: 7070000.0 m\nearth_radius_below_sensor: 6370000.0 m\n"
)


def bperp_table(centre: float) -> str:
    """The table of GAMMA's base_perp: 3 lines × 3 ranges, the value at the centre as given."""
    rows = []
    for line in (0, 500, 1000):
        for sample in (0, 1000, 2000):
            value = centre + (line - 500) / 100 + (sample - 1000) / 50
            rows.append(f"{line:6d} {sample:6d} -0.6 30.0 42.0 {30 + sample / 500:.6f} 51.0 {value:.4f} 51.9")
    head = "  line   range      B_t       B_c        B_n     look angle      bpara       bperp       blen\n*****\n"
    return f"*** Calculate baseline components ***\n\n{head}" + "\n".join(rows) + "\nuser time (s):  0.000\n"


def gamma(folder: Path) -> Product:
    """Big-endian files in UTM; one baseline from a table, one from the orbits' baseline vector."""
    for i, pair in enumerate(("20061106-20061211", "20061211_20070115")):
        phases(i).astype(">f4").tofile(folder / f"{pair}_utm.unw")
        coherences(i).astype(">f4").tofile(folder / f"{pair}_utm.cc")
    write_text(folder / "20061106_utm_dem.par", dem_par(METRES))
    write_text(folder / "par" / "20061106-20061211_bperp.par", bperp_table(88.5))
    write_text(
        folder / "par" / "20061211-20070115_base.par",
        "initial_baseline(TCN): 9 9 9 m m m\nprecision_baseline(TCN): 0.5 100.0 -20.0 m m m\n",
    )
    for day in ("20061106", "20061211", "20070115"):
        write_text(folder / "par" / f"{day}_slc.par", SLC_PAR)
    # The look angle of the triangle with sides 7070, 6370 and 840 km, solved by hand: cos θ = 0.8518022…
    cosine = (7070.0**2 + 840.0**2 - 6370.0**2) / (2 * 7070.0 * 840.0)
    baseline = 100.0 * cosine + 20.0 * np.sqrt(1 - cosine**2)
    pairs = {
        "20061106_20061211": Expected(valid(phases(0)), valid(coherences(0)), 88.5),
        "20061211_20070115": Expected(valid(phases(1)), valid(coherences(1)), baseline),
    }
    return Product("gamma", METRES, 299_792_458 / 5.405000454e9, pairs, -12.25, 39.5)


def geotiff(folder: Path) -> Product:
    """One pair with dates in the name, one with dates in tags only; coherence and baselines elsewhere."""
    tags = {"WAVELENGTH_METRES": "0.0562356424", "INCIDENCE_DEGREES": "23.0", "DATA_UNITS": "RADIANS"}
    write_tif(folder / "geotiffs" / "a_061106-061211_eqa_unw.tif", phases(0), DEGREES, 0.0, tags)
    write_tif(
        folder / "geotiffs" / "track5_unw.tif",
        phases(1),
        DEGREES,
        None,
        {**tags, "FIRST_DATE": "2006-12-11", "SECOND_DATE": "2007-01-15"},
    )
    write_tif(folder / "other" / "a_20061106-20061211_flat_eqa_cc.tif", coherences(0), DEGREES)
    write_tif(folder / "other" / "a_20061211-20070115_flat_eqa_cc.tif", coherences(1), DEGREES)
    write_tif(folder / "other" / "average_temporal_coherence.tif", coherences(2), DEGREES)
    write_text(folder / "geometry" / "20061106-20061211_bperp.par", bperp_table(-33.0))
    pairs = {
        "20061106_20061211": Expected(valid(phases(0)), valid(coherences(0)), -33.0),
        "20061211_20070115": Expected(valid(phases(1)), valid(coherences(1))),
    }
    return Product("geotiff", DEGREES, 0.0562356424, pairs, None, 23.0, None)


def write_roipac(path: Path, bands: list[Array], more: str = "") -> None:
    """Lines of amplitude and phase in turn, little-endian, with a .rsc."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.stack(bands, axis=1).astype("<f4").tofile(path)
    x, dx, _, y, _, dy = DEGREES.transform
    write_text(
        path.with_name(f"{path.name}.rsc"),
        f"WIDTH   {WIDTH}\nFILE_LENGTH   {HEIGHT}\nX_FIRST   {x}\nX_STEP   {dx}\nY_FIRST   {y}\nY_STEP   {dy}\n"
        f"WAVELENGTH   0.0562356424\nHEADING_DEG   -167.0\nANTENNA_SIDE   -1\n{more}",
    )


def roipac(folder: Path) -> Product:
    """Two-digit years on both sides of 2000; baselines at the scene's two ends."""
    pairs = {}
    for i, (name, pair) in enumerate((("991218-000122", "19991218_20000122"), ("000122-000226", "20000122_20000226"))):
        write_roipac(folder / f"geo_{name}.unw", [np.full((HEIGHT, WIDTH), 7, np.float32), phases(i)])
        write_roipac(folder / f"geo_{name}.cor", [np.full((HEIGHT, WIDTH), 7, np.float32), coherences(i)])
        write_text(
            folder / f"{name}_baseline.rsc",
            f"P_BASELINE_TOP_HDR   {10 * i - 4.0}\nP_BASELINE_BOTTOM_HDR   {10 * i + 6.0}\n",
        )
        pairs[pair] = Expected(valid(phases(i)), valid(coherences(i)), 10 * i + 1.0)
    return Product("roipac", DEGREES, 0.0562356424, pairs, -167.0)


BUILDERS = (hyp3, licsar, licsbas, aria, nisar, isce2, snap, gmtsar, gamma, geotiff, roipac)
