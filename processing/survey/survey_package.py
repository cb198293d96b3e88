"""adamapper:surveypackage."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP, QSize, QThread
from qgis.PyQt.QtGui import QColor, QImage, QPainter

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm, SurveyLayer
from ..layer_sources import crs_text
from ..texts import date_text, number, tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...core.areas import Area
    from ...core.fields import Field
    from ...core.raster import Grid
    from ...core.survey import Site


_POINTS = QgsProcessing.SourceType.TypeVectorPoint


class SurveyPackage(Algorithm):
    """Sites and areas → a folder for a phone or tablet."""

    NAME = "surveypackage"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Package for the field")
    GROUP = "survey"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Makes a folder to be copied to a phone or tablet: a GeoPackage of sites and areas, a project that QField and "
        "QGIS open with a form for what is found, base maps that need no network, waypoints for a GPS (GPX) and a KML. "
        "The folder appears when it is complete; one that holds anything is never written over.",
    )

    def define(self) -> None:
        self.add(SurveyLayer("SITES", tr("Sites"), [_POINTS]), tr("From Sample sites for a survey."))
        self.add(
            QgsProcessingParameterFeatureSource("AREAS", tr("Active deformation areas"), [POLYGONS], optional=True),
            tr("Shown below the sites; they can't be edited in the field."),
        )
        self.add_raster("DEM", tr("Digital elevation model"), tr("For a hillshade as base map."))
        self.add_raster(
            "BASE_MAP",
            tr("Base map"),
            tr("Any raster layer as it is styled, an online map, too: a picture of it is packed."),
        )
        self.add_number("MARGIN", tr("Margin around the sites (m)"), tr("How far the base maps reach."), 1000, 0)
        self.add_number(
            "PIXEL_SIZE",
            tr("Pixel size of the base map (m)"),
            tr("Smaller is sharper and larger on the phone."),
            5,
            0.1,
        )
        self.add_number(
            "MOST_PIXELS", tr("Most pixels along a side"), tr("Larger base maps get larger pixels."), 4096, 256, 16384,
            integer=True, advanced=True,
        )  # fmt: skip
        self.add(
            QgsProcessingParameterString("TITLE", tr("Title"), optional=True),
            tr("Of the project. Empty: name of the folder."),
        )
        self.add(
            QgsProcessingParameterFolderDestination("OUTPUT_FOLDER", tr("Package")), tr("A new or an empty folder.")
        )
        self.addOutput(QgsProcessingOutputFile("PROJECT", tr("Project")))
        self.addOutput(QgsProcessingOutputNumber("SITE_COUNT", tr("Number of sites")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        # A layer may only be drawn in the thread that it lives in: the run gets a copy of its own.
        layer = self.parameterAsRasterLayer(parameters, "BASE_MAP", context)
        self._base_map: QgsRasterLayer | None = None
        if layer is not None:
            self._base_map = layer.clone()
            self._base_map.moveToThread(None)
        return bool(super().prepareAlgorithm(parameters, context, feedback))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        if self._base_map is not None:
            self._base_map.moveToThread(QThread.currentThread())
        try:
            return self._pack(parameters, context, progress)
        finally:
            # It came to live in this thread, so here it must end, also after an error.
            self._base_map = None

    def _pack(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.survey import (
            PHOTO_FOLDER,
            PROJECT,
            building,
            frame_around,
            one_line,
            shows_any,
            write_geopackage,
            write_gpx,
            write_hillshade,
            write_kml,
        )
        from .field_project import write_field_project

        SurveyLayer.warn_of_missing_log(parameters.get("SITES"), progress)
        sites, crs = self._sites(parameters, context, progress)
        areas, table, areas_crs = self._areas(parameters, context, crs_text(crs), progress)
        dem = self.raster_path(parameters, "DEM", context)
        target = Path(self.parameterAsString(parameters, "OUTPUT_FOLDER", context))
        title = one_line(self.parameterAsString(parameters, "TITLE", context)) or one_line(target.name)
        margin = self.required_number(parameters, "MARGIN", context)
        most = self.parameterAsInt(parameters, "MOST_PIXELS", context)
        frame = frame_around(sites, crs_text(crs), (), areas_crs, margin)
        if areas and not shows_any(frame, areas, areas_crs):
            progress.warning(
                tr(
                    "None of the areas lies near the sites. Check that both layers show the same place, and that their "
                    "coordinate reference systems are right."
                )
            )
        else:
            frame = frame_around(sites, crs_text(crs), areas, areas_crs, margin)
        progress.report(0.05)
        with building(target) as folder:
            write_geopackage(folder / "survey.gpkg", sites, crs_text(crs), areas, table, areas_crs)
            write_gpx(folder / "sites.gpx", sites)
            write_kml(folder / "sites.kml", sites, areas, areas_crs)
            (folder / PHOTO_FOLDER).mkdir()
            progress.report(0.3)
            if dem is not None:
                write_hillshade(folder / "hillshade.tif", dem, frame, most, progress)
            progress.report(0.6)
            if self._base_map is not None:
                size = self.required_number(parameters, "PIXEL_SIZE", context)
                self._write_base_map(folder / "base_map.tif", frame.grid(size, most), crs, context, progress)
            elif parameters.get("BASE_MAP"):
                raise QgsProcessingException(self.invalidRasterError(parameters, "BASE_MAP"))
            progress.report(0.85)
            (folder / "README.txt").write_bytes(_readme(title, sites).encode("utf-8-sig"))
            write_field_project(folder, title, crs, frame)
            progress.report(0.98)
        bytes_ = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
        progress.info(tr("{} sites, {} MB, in {}.").format(len(sites), number(bytes_ / 1e6, 1), target))
        return {"OUTPUT_FOLDER": str(target), "PROJECT": str(target / PROJECT), "SITE_COUNT": len(sites)}

    def _sites(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> tuple[tuple[Site, ...], QgsCoordinateReferenceSystem]:
        from ...core.survey import completed_sites
        from ..layers import read_sites, result_labels

        source = self.parameterAsSource(parameters, "SITES", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "SITES"))
        crs = source.sourceCrs()
        if not crs.isValid():
            raise InputError(
                tr("The sites have no coordinate reference system. Set it first (layer properties > Source).")
            )
        labels = result_labels(self, parameters, "SITES", context)
        return completed_sites(read_sites(source, progress, labels), crs_text(crs)), crs

    def _areas(
        self, parameters: dict[str, Any], context: QgsProcessingContext, default_crs: str, progress: Progress
    ) -> tuple[tuple[Area, ...], tuple[Field, ...], str]:
        """The areas with those attributes that their layer has; none where none were given."""
        from ...core.areas import FIELDS, MERGED_FIELDS
        from ..layers import area_columns, read_areas

        orbit = next(field for field in FIELDS if field.name == "orbit")
        source = self.parameterAsSource(parameters, "AREAS", context)
        if source is None:
            if parameters.get("AREAS"):
                raise QgsProcessingException(self.invalidSourceError(parameters, "AREAS"))
            return (), (orbit,), default_crs
        crs = source.sourceCrs()
        if not crs.isValid():
            raise InputError(
                tr("The areas have no coordinate reference system. Set it first (layer properties > Source).")
            )
        every = {field.name: field for field in (*FIELDS, *MERGED_FIELDS)}
        present = area_columns(source, FIELDS, MERGED_FIELDS).names
        table = tuple(field for name, field in every.items() if name in present)
        if not {"orbit", "seen_from"} & {field.name for field in table}:
            table = (*table, orbit)
        areas = read_areas(source, FIELDS, MERGED_FIELDS, progress=progress)
        if not areas:
            message = tr("The layer {} (given as {}) has no areas. Choose another one, or leave it out.")
            raise InputError(message.format(source.sourceName(), "AREAS"))
        return areas, table, crs_text(crs)

    def _write_base_map(
        self,
        path: Path,
        grid: Grid,
        crs: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
        progress: Progress,
    ) -> None:
        from ...core.survey import write_image

        settings = QgsMapSettings()
        settings.setLayers([self._base_map])
        settings.setDestinationCrs(crs)
        settings.setTransformContext(context.transformContext())
        settings.setOutputSize(QSize(grid.width, grid.height))
        settings.setExtent(QgsRectangle(*grid.bounds))
        settings.setBackgroundColor(QColor("#ffffff"))
        picture = _drawn(settings)
        if picture.min() == 255:
            message = tr("The base map {} is empty around the sites. Check that it shows the same place.")
            progress.warning(message.format(settings.layers()[0].name()))
        write_image(path, grid, picture)


def _drawn(settings: QgsMapSettings) -> NDArray[np.uint8]:
    """The map as red, green and blue (h, w, 3)."""
    import numpy as np

    size = settings.outputSize()
    image = QImage(size, QImage.Format.Format_RGB888)
    image.fill(settings.backgroundColor())
    painter = QPainter(image)
    QgsMapRendererCustomPainterJob(settings, painter).renderSynchronously()
    painter.end()
    bits = image.constBits()
    bits.setsize(image.bytesPerLine() * image.height())
    rows = np.frombuffer(bytes(bits), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def _readme(title: str, sites: tuple[Site, ...]) -> str:
    """What the surveyor should know, in the user's language."""
    lines = (
        title,
        "=" * len(title),
        tr("{} sites, packed on {}.").format(len(sites), date_text(date.today())),
        "",
        tr("1. Copy this whole folder to the phone or tablet. In QField: Open local file, survey.qgz."),
        tr("2. Go to a site, tap it, edit: confirmed, not confirmed, or not accessible. Tick the signs that you see."),
        tr("3. Take up to three photos; they are kept in the folder DCIM. Write remarks, your name and the day."),
        tr("4. Visit what was drawn, also what looks dull: only then do the figures hold for the whole map."),
        tr("5. A landslide that is no site: add a point to Sites. Anything else: Notes. Your way: Tracks."),
        tr(
            "6. Close the project, then bring the whole folder back, with the photos. Sites are merged by the hidden "
            "field uid: don't change that."
        ),
        "",
        tr("sites.gpx: waypoints for a GPS. sites.kml: for a globe. Coordinates in them are WGS 84."),
        tr("Moving ground is dangerous: never go alone, stay off steep and fresh scars, leave when it rains hard."),
        "",
    )
    return "\r\n".join(lines)
