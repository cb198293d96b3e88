"""adamapper:createsamples."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP
from qgis.PyQt.QtGui import QColor

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import POLYGONS, Algorithm
from ..layer_sources import crs_text
from ..layers import add_layers, chosen_layers
from ..qgis_versions import is_null, save_style_in_file, unchecked_geometries
from ..styles import LayerStyler
from ..texts import tr

if TYPE_CHECKING:
    from ...core.samples import Polygons, SampleOptions


_COLOURS = {"training": "#4393c3", "validation": "#ff7f00", "test": "#7a1fa2"}
_FEW_AREAS = 5


class CreateSamples(Algorithm):
    """Layers of a scene and label polygons → labelled tiles to train with."""

    NAME = "createsamples"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Create samples")
    GROUP = "learning"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Cuts the layers of a scene and polygons of known areas into labelled tiles for training, validation and test. "
        "The labels are checked first: slivers, duplicates, overlaps, invalid outlines, areas outside the scene or "
        "without data. Whole blocks of ground go to one role, and no area is labelled under two. Run it again with the "
        "same folder and another scene name to add a scene; the same name replaces that scene. Samples are GeoTIFFs; "
        "index.gpkg shows where they lie.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterString("SCENE", tr("Name of the scene"), "scene"),
            tr("Letters, digits, - and _. A scene of that name in the folder is replaced."),
        )
        add_layers(self, is_for_model=False)
        self._add_polygons()
        self._add_cut()
        self.add(
            QgsProcessingParameterFolderDestination("OUTPUT_FOLDER", tr("Folder of the sample set")),
            tr("New, empty, or an earlier sample set with the same layers, pixel size and tile size."),
        )
        self.addOutput(QgsProcessingOutputVectorLayer("TILES", tr("Tiles")))
        self.addOutput(QgsProcessingOutputVectorLayer("LABEL_PROBLEMS", tr("Problems of labels")))
        self.addOutput(QgsProcessingOutputNumber("AREA_COUNT", tr("Number of labelled areas")))
        self.addOutput(QgsProcessingOutputNumber("TILE_COUNT", tr("Number of tiles")))

    def _add_polygons(self) -> None:
        self.add(
            QgsProcessingParameterFeatureSource("LABELS", tr("Labelled areas"), [POLYGONS]),
            tr("Polygons of true areas. A pixel belongs to an area when its centre lies inside."),
        )
        self.add(
            QgsProcessingParameterField("CLASS_FIELD", tr("Class field"), None, "LABELS", optional=True),
            tr(
                "Where the layer also holds other things: the field that tells which polygons are areas. The others "
                "are ignored, neither area nor background."
            ),
        )
        self.add(
            QgsProcessingParameterString("AREA_CLASSES", tr("Classes that are areas"), optional=True),
            tr("The values of the class field that stand for areas, separated by commas."),
        )
        self.add(
            QgsProcessingParameterFeatureSource("IGNORED", tr("Ignored ground"), [POLYGONS], optional=True),
            tr("Ground that shall be neither area nor background, such as doubtful areas."),
        )
        self.add(
            QgsProcessingParameterFeatureSource("EXTENT", tr("Mapped extent"), [POLYGONS], optional=True),
            tr(
                "Where the inventory is complete. Outside, only the areas themselves are learned from. Empty: all "
                "ground outside the areas counts as background."
            ),
        )

    def _add_cut(self) -> None:
        self.add_number(
            "PIXEL_SIZE", tr("Pixel size (m)"), tr("Layers that differ by more than 20 % are resampled."), 30, 1
        )
        self.add_number(
            "TILE_SIZE", tr("Tile size (pixels)"), tr("A multiple of 32."), 256, 32, 1024, integer=True, advanced=True
        )
        self.add_number(
            "BLOCK_SIZE",
            tr("Block size (km)"),
            tr(
                "Ground that is wholly for training, validation or test; rounded up to whole tiles. Larger blocks make "
                "accuracy more honest, smaller ones share few labels better."
            ),
            5,
            0.1,
        )
        self.add_number("VALIDATION", tr("For validation (%)"), tr("Share of the labelled areas."), 15, 0, 90)
        self.add_number("TEST", tr("For test (%)"), tr("Share of the labelled areas."), 15, 0, 90)
        self.add_number("SEED", tr("Seed"), tr("Another seed draws other blocks."), 1, 0, integer=True, advanced=True)
        self.add_number(
            "GAP",
            tr("Gap (m)"),
            tr("Training pixels closer than this to ground of another role are ignored."),
            0,
            0,
            advanced=True,
        )
        self.add_number(
            "MIN_AREA",
            tr("Smallest area (m²)"),
            tr("Smaller ones are ignored, neither area nor background. Empty: four pixels."),
            None,
            0,
            advanced=True,
        )
        self.add_number(
            "BACKGROUND_RATIO",
            tr("Background tiles for each tile with areas"),
            tr("At most so many tiles without areas are kept, drawn by the seed."),
            10,
            0,
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean("IGNORE_EDGES", tr("Ignore the edges of areas"), False),
            tr("The pixels on either side of an outline are ignored, for outlines that are drawn roughly."),
            advanced=True,
        )

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.samples import INDEX_FILE, SceneInputs, create_samples

        folder = self.parameterAsString(parameters, "OUTPUT_FOLDER", context)
        layers = chosen_layers(self, parameters, context)
        areas, others = self._labels(parameters, context, progress)
        ignored = self._polygons(parameters, "IGNORED", context)
        inputs = SceneInputs(
            name=self.parameterAsString(parameters, "SCENE", context).strip(),
            layers=layers,
            areas=areas,
            ignored=tuple(polygons for polygons in (others, ignored) if polygons is not None),
            surveyed=self._polygons(parameters, "EXTENT", context),
        )
        samples = create_samples(inputs, folder, self._options(parameters, context), progress)
        _warn_of_few(samples.statistics["roles"], progress)
        tables = {name: f"{samples.folder / INDEX_FILE}|layername={name.lower()}" for name in _OUTPUTS}
        self._show(tables, context)
        counts = {"AREA_COUNT": samples.statistics["areas"], "TILE_COUNT": samples.statistics["tiles"]}
        return {"OUTPUT_FOLDER": folder, **tables, **counts}

    def _options(self, parameters: dict[str, Any], context: QgsProcessingContext) -> SampleOptions:
        from ...core.samples import SampleOptions

        def number(name: str) -> float:
            return float(self.number(parameters, name, context) or 0.0)

        held_out = {"validation": number("VALIDATION") / 100, "test": number("TEST") / 100}
        return SampleOptions(
            pixel_size=number("PIXEL_SIZE"),
            tile_size=int(number("TILE_SIZE")),
            block_size=1000 * number("BLOCK_SIZE"),
            shares={"training": 1 - sum(held_out.values()), **held_out},
            seed=int(number("SEED")),
            gap=number("GAP"),
            min_area=self.number(parameters, "MIN_AREA", context),
            background_ratio=number("BACKGROUND_RATIO"),
            ignore_edges=self.parameterAsBoolean(parameters, "IGNORE_EDGES", context),
        )

    def _labels(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> tuple[Polygons, Polygons | None]:
        """The areas, and the polygons of other classes where there is a class field."""
        from ...core.samples import Polygons
        from ..layers import check_polygons, existing_field

        source = self.parameterAsSource(parameters, "LABELS", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "LABELS"))
        check_polygons(source)
        name, crs = source.sourceName(), crs_text(source.sourceCrs())
        field = self.parameterAsString(parameters, "CLASS_FIELD", context)
        field = existing_field(source, field) if field else ""
        by_class: dict[str, list[bytes]] = {}
        # Processing mustn't stop at invalid outlines: the check of labels finds and repairs them.
        for feature in source.getFeatures(QgsFeatureRequest(), unchecked_geometries()):
            value = _class_of(feature[field]) if field else ""
            by_class.setdefault(value, []).append(bytes(feature.geometry().asWkb()))
        if not field and self.parameterAsString(parameters, "AREA_CLASSES", context).strip():
            message = tr(
                "Classes of areas are given, but no class field of {} that tells them: all its polygons are areas."
            )
            progress.warning(message.format(name))
        if not field:
            return Polygons(tuple(by_class.get("", ())), crs, name), None
        text = self.parameterAsString(parameters, "AREA_CLASSES", context)
        wanted = {part.strip() for part in text.split(",") if part.strip()}
        alike = {value for value in by_class if _label(value) in {_label(one) for one in wanted} - {""}}
        if alike - wanted:
            progress.warning(
                tr("The classes {} of the field {} are taken as areas, too.").format(
                    ", ".join(f"“{value}”" for value in sorted(alike - wanted)), field
                )
            )
        unknown = sorted(one for one in wanted if _label(one) not in {_label(value) for value in by_class})
        wanted = alike
        if not wanted or unknown:
            said = tr("“{}” is none of its values").format(unknown[0]) if unknown else tr("none is given")
            message = tr("Say which values of the field {} are areas: {}. Its values are {}.")
            raise InputError(message.format(field, said, ", ".join(sorted(by_class)[:20])))
        areas = tuple(wkb for value, geometries in by_class.items() if value in wanted for wkb in geometries)
        others = tuple(wkb for value, geometries in by_class.items() if value not in wanted for wkb in geometries)
        return Polygons(areas, crs, name), Polygons(others, crs, name)

    def _polygons(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> Polygons | None:
        """The polygons of an optional layer; None where none was given."""
        from ...core.samples import Polygons
        from ..layers import check_polygons

        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            return None
        check_polygons(source)
        features = source.getFeatures(QgsFeatureRequest(), unchecked_geometries())
        geometries = tuple(bytes(feature.geometry().asWkb()) for feature in features)
        return Polygons(geometries, crs_text(source.sourceCrs()), source.sourceName())

    def _show(self, layers: dict[str, str], context: QgsProcessingContext) -> None:
        """Load the tiles, coloured by role, and the problems where there are any."""
        for name, source in layers.items():
            layer = QgsVectorLayer(source, tr(_OUTPUTS[name]))
            if name == "TILES":
                style_tiles(layer)
                save_style_in_file(layer, "role")
            elif not layer.featureCount():
                continue
            if context.project() is not None:
                details = QgsProcessingContext.LayerDetails(tr(_OUTPUTS[name]), context.project(), name)
                context.addLayerToLoadOnCompletion(source, details)
                if name == "TILES":
                    context.layerToLoadOnCompletionDetails(source).setPostProcessor(LayerStyler(style_tiles))


def _warn_of_few(roles: dict[str, dict[str, int]], progress: Progress) -> None:
    """Say which held-out role got so few areas that it tells hardly anything."""
    for role in ("validation", "test"):
        count = roles[role]["areas"]
        if 0 < count < _FEW_AREAS:
            message = tr("Only {} of the areas fell to {}, which says little. Take a larger share or another seed.")
            progress.warning(message.format(count, role))


_OUTPUTS = {
    "TILES": QT_TRANSLATE_NOOP("AdaMapper", "Tiles"),
    "LABEL_PROBLEMS": QT_TRANSLATE_NOOP("AdaMapper", "Problems of labels"),
}


def style_tiles(layer: QgsVectorLayer) -> None:
    """Outline tiles in the colour of their role; only held-out ones are tinted, so that the map keeps its colours."""
    categories = []
    for role, colour in _COLOURS.items():
        fill = QColor(colour)
        fill.setAlpha(0 if role == "training" else 50)
        symbol = QgsFillSymbol.createSimple(
            {"color": fill.name(QColor.NameFormat.HexArgb), "outline_color": colour, "outline_width": "0.5"}
        )
        categories.append(QgsRendererCategory(role, symbol, tr(role.capitalize())))
    layer.setRenderer(QgsCategorizedSymbolRenderer("role", categories))


def _label(value: str) -> str:
    """A class without what differs when somebody types it again: case, and what is between words. Numbers stay."""
    is_word = any(letter.isalpha() for letter in value)
    return re.sub(r"[_\s-]+", " ", value).strip().casefold() if is_word else value


def _class_of(value: Any) -> str:
    """A field's value as the user would write it."""
    if is_null(value):
        return "NULL"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
