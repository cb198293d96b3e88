"""adamapper:surveymaps."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import POLYGONS, ROOT, Algorithm, SurveyLayer
from ..texts import tr

if TYPE_CHECKING:
    from .layers import MapLayers
    from .sheet_set import SheetSet
from ..layers import model_credit

LAYOUTS = ROOT / "resources" / "layouts"
PAPERS = ("A4 portrait", "A4 landscape", "A3 portrait", "A3 landscape")


class SurveyMaps(Algorithm):
    """Sites and areas → printed map sheets."""

    NAME = "surveymaps"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Survey maps")
    GROUP = "survey"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Prints map sheets for the field: an overview with an index, then a sheet for each site with outlines, relief, "
        "contour lines, rate, coordinate grid, the facts of the site, how to come there, what to look for, and room "
        "for notes. The layout comes from templates that a cartographer can change.",
    )

    FOLDERS_THAT_KEEP = MappingProxyType({"PICTURES": (".png",)})

    def flags(self) -> QgsProcessingAlgorithm.Flag:
        # Layouts and copies of the project's layers belong to the thread of the windows.
        return super().flags() | QgsProcessingAlgorithm.Flag.FlagNoThreading

    def define(self) -> None:
        kinds = QgsProcessing.SourceType
        self.add(
            QgsProcessingParameterFeatureSource("AREAS", tr("Active deformation areas"), [POLYGONS]),
            tr("Their outlines, coloured by orbit."),
        )
        self.add(
            SurveyLayer("SITES", tr("Sites"), [kinds.TypeVectorPoint]),
            tr("From Sample sites for a survey, or any points; each gets a sheet."),
        )
        self.add_raster("DEM", tr("Digital elevation model"), tr("For the hillshade and the contour lines."))
        self.add_raster("LOS_RATE", tr("LOS rate"), tr("Drawn over the hillshade, clear where nothing moves."))
        self.add(
            QgsProcessingParameterFeatureSource("ROADS", tr("Roads"), [kinds.TypeVectorLine], optional=True),
            tr("Lines: drawn, and the nearest one is told with distance and direction."),
        )
        self.add(
            QgsProcessingParameterMultipleLayers("BASE", tr("Base layers"), kinds.TypeMapLayer, optional=True),
            tr(
                "Any layers, such as an orthophoto or a topographic map, in their own style, below all others; the "
                "first is on top. With a base that hides the ground, give no elevation model."
            ),
        )
        self.add_choice("PAPER", tr("Paper"), tr("Size and direction of the sheets."), PAPERS, PAPERS[0])
        self.add_number(
            "SCALE",
            tr("Scale 1:"),
            tr(
                "The same for all sheets, 10000 for example. Empty: the largest of 1:2500, 5000, 10 000, 25 000 and so "
                "on at which the area and its surroundings fit and the pixels of the elevation model are not too "
                "coarse."
            ),
            None,
            100,
        )
        self.add(
            QgsProcessingParameterBoolean("GROUP", tr("Sites near each other share a sheet"), False),
            tr("Up to three on one sheet."),
        )
        for name, title, default, text in (
            ("TITLE", tr("Title"), tr("Field survey of active deformation areas"), tr("On every sheet.")),
            ("ORGANISATION", tr("Organisation"), "", tr("Above the title.")),
            ("CREDIT", tr("Data credit"), "", tr("Who made the radar data, the elevations and the base map.")),
        ):
            self.add(QgsProcessingParameterString(name, title, default, optional=True), text)
        for name, title, text in (
            ("TEMPLATE", tr("Template of a sheet"), tr("A layout of your own (.qpt) instead of that for the paper.")),
            ("OVERVIEW_TEMPLATE", tr("Template of the overview"), tr("The same for the overview.")),
        ):
            self.add(
                QgsProcessingParameterFile(name, title, extension="qpt", optional=True),
                f"{text} " + tr("Its items are found by their ids, which the guide lists."),
                advanced=True,
            )
        self.add_number("DPI", tr("Resolution (dpi)"), tr("Of pictures, and of rasters in the PDF."), 300, 50, 1200)
        self.add(
            QgsProcessingParameterFileDestination(
                "OUTPUT", tr("Map sheets (PDF)"), tr("PDF files (*.pdf)"), optional=True
            ),
            tr("All sheets in one file."),
        )
        self.add(
            QgsProcessingParameterFolderDestination(
                "PICTURES", tr("Map sheets (PNG)"), optional=True, createByDefault=False
            ),
            tr("A folder for a picture of each sheet."),
        )
        self.addOutput(QgsProcessingOutputNumber("SHEET_COUNT", tr("Number of sheets without the overview")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        document = self.file_output(parameters, "OUTPUT", context)
        pictures = self.parameterAsString(parameters, "PICTURES", context)
        if pictures == QgsProcessing.TEMPORARY_OUTPUT:
            pictures = QgsProcessingUtils.generateTempFilename("survey_maps")
        if not (document or pictures):
            raise InputError(tr("Neither a PDF nor a folder for pictures was chosen. Choose one of them."))
        dpi = self.parameterAsDouble(parameters, "DPI", context)
        with _scratch() as folder:
            sheet_set = self._sheet_set(parameters, context, folder, progress)
            directory = self._picture_folder(pictures) if pictures else None
            _print(sheet_set, Path(document) if document else None, directory, dpi, progress)
        for template, missing in sheet_set.missing.items():
            if missing:
                message = tr("The template {} has no items with these ids, so nothing is written there: {}.")
                progress.warning(message.format(template.name, ", ".join(sorted(missing))))
        progress.info(tr("{} sheets and an overview.").format(len(sheet_set.sheets)))
        results: dict[str, Any] = {"SHEET_COUNT": len(sheet_set.sheets)}
        return {**results, **({"OUTPUT": document} if document else {}), **({"PICTURES": pictures} if pictures else {})}

    def _picture_folder(self, pictures: str) -> Path:
        """Where the pictures are made that are to lie in a folder, which may be missing."""
        from ...core.places import make_folder_of, remove_empty

        any_picture = Path(pictures) / "sheet.png"
        self.results.if_dropped.callback(remove_empty, make_folder_of(any_picture))
        return self.results.place(any_picture).parent

    def _sheet_set(
        self, parameters: dict[str, Any], context: QgsProcessingContext, folder: Path, progress: Progress
    ) -> SheetSet:
        """What is to be printed."""
        from ...core.raster import HEIGHTS, Grid, checked_band
        from ..layers import result_labels
        from .layout import Page
        from .plan import plan_sheets
        from .sheet_set import SheetSet, SheetWords
        from .sites import site_plans

        project = QgsProject()
        project.setEllipsoid("EPSG:7030")
        layers, toward = self._layers(parameters, context, project, progress)
        SurveyLayer.warn_of_missing_log(parameters.get("SITES"), progress)
        source = self._source(parameters, "SITES", context)
        labels = result_labels(self, parameters, "SITES", context)
        sites = site_plans(source, layers.areas, toward, progress, labels, self._look_side(parameters, context))
        if not sites:
            raise InputError(
                tr("The layer {} has no points. Choose the sites to be printed.").format(source.sourceName())
            )
        paper = self.parameterAsEnumString(parameters, "PAPER", context).lower().replace(" ", "_")
        own = self.parameterAsFile(parameters, "TEMPLATE", context)
        own_overview = self.parameterAsFile(parameters, "OVERVIEW_TEMPLATE", context)
        template = Path(own) if own else LAYOUTS / f"sheet_{paper}.qpt"
        dem = self.raster_path(parameters, "DEM", context)
        width, height = Page(template, project).map_size
        sheets = plan_sheets(
            sites,
            width,
            height,
            self.number(parameters, "SCALE", context),
            self.parameterAsBool(parameters, "GROUP", context),
            Grid.of(dem).pixel_size if dem else 0.0,
        )
        credit = [self.parameterAsString(parameters, "CREDIT", context).strip()]
        return SheetSet(
            sheets=sheets,
            layers=layers,
            sheet_template=template,
            overview_template=Path(own_overview) if own_overview else LAYOUTS / f"overview_{paper}.qpt",
            index_template=LAYOUTS / f"index_{paper}.qpt",
            words=SheetWords(
                self.parameterAsString(parameters, "TITLE", context),
                self.parameterAsString(parameters, "ORGANISATION", context),
                credit[0],
                model_credit(self.parameterAsVectorLayer(parameters, "AREAS", context)),
            ),
            folder=folder,
            dem=checked_band(dem, HEIGHTS, progress, may_be_empty=True) if dem else None,
            toward_is_positive=toward,
        )

    def _layers(
        self, parameters: dict[str, Any], context: QgsProcessingContext, project: QgsProject, progress: Progress
    ) -> tuple[MapLayers, bool | None]:
        """Copies of the layers in a project of their own, and whether a positive rate points toward the satellite."""
        from ...core.raster import LOS_RATE, PHASE_RATE, BandReader, checked_band, placed_reference, unit_of
        from ..layers import check_polygons
        from .layers import MapLayers, style_printed_areas, style_printed_rate, style_roads

        source = self._source(parameters, "AREAS", context)
        check_polygons(source)
        areas = _copied(source)
        style_printed_areas(areas)
        rate, toward = None, None
        path = self.raster_path(parameters, "LOS_RATE", context)
        if path is not None:
            with BandReader(path) as reader:
                tags = reader.tags
                placed_reference(reader.grid.crs, reader.source.label)
            kind = PHASE_RATE if unit_of(tags.get("unit", "")) == "rad/yr" else LOS_RATE
            checked_band(path, kind, progress, may_be_empty=True)
            toward = {"toward": True, "away": False}.get(tags.get("SIGN", ""))
            rate = QgsRasterLayer(path, "rate")
            style_printed_rate(rate, _rate_title(tags.get("unit") or "mm/yr", toward))
        roads = None
        if parameters.get("ROADS"):
            roads = _copied(self._source(parameters, "ROADS", context))
            style_roads(roads)
        base = [layer.clone() for layer in self.parameterAsLayerList(parameters, "BASE", context) or ()]
        layers = MapLayers(project, areas, rate, roads, base)
        for layer in (rate, *base):
            if isinstance(layer, QgsMapLayer) and not layer.crs().isValid():
                raise InputError(tr("The layer {} has no coordinate reference system. Set it first (layer "
                                    "properties > Source).").format(layer.name()))  # fmt: skip
        layers.adopt()
        return layers, toward

    def _look_side(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """To which side the satellite looks, as the rate tells; right where it doesn't."""
        from ...core.raster import BandReader
        from ...core.satellite import RIGHT, told_side

        path = self.raster_path(parameters, "LOS_RATE", context)
        if path is None:
            return RIGHT
        with BandReader(path) as reader:
            return told_side(reader.tags) or RIGHT

    def _source(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> Any:
        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, name))
        if not source.sourceCrs().isValid():
            message = tr("The layer {} has no coordinate reference system. Set it first (layer properties > Source).")
            raise InputError(message.format(source.sourceName()))
        return source


def _copied(source: Any) -> QgsVectorLayer:
    """The features of a source as a layer in memory that belongs to nobody else."""
    from qgis.core import QgsFeatureRequest

    return source.materialize(QgsFeatureRequest())


def _rate_title(unit: str, toward: bool | None) -> str:
    lines = [tr("LOS rate ({})").format(unit)]
    if toward is not None:
        lines.append(tr("negative: away from the satellite") if toward else tr("positive: away from the satellite"))
    return "\n".join(lines)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, if the system lets it go."""
    folder = Path(tempfile.mkdtemp(prefix="ada_mapper_"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print(sheet_set: SheetSet, document: Path | None, pictures: Path | None, dpi: float, progress: Progress) -> None:
    """Print all pages, drawing each as a picture on the way where that is wanted."""
    from .layout import Page, Pages, print_pdf, print_picture

    makers, names = sheet_set.makers(), sheet_set.names()

    def on_page(number: int, page: Page) -> None:
        progress.report(number / len(makers))
        if pictures is not None:
            print_picture(page, pictures / f"{names[number]}.png", dpi)

    pages = Pages(makers, on_page)
    if document is not None:
        print_pdf(pages, document, dpi)
    else:
        for _ in pages:
            pass
        if pages.error is not None:
            raise pages.error
    progress.report(1.0)
