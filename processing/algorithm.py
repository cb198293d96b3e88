"""What all ADA Mapper algorithms share: names, help built from the parameters, progress, errors, styled outputs."""

from __future__ import annotations

import contextlib
import html
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable, ClassVar, TypeVar

from qgis.core import (
    QgsFeatureSink,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP
from qgis.PyQt.QtGui import QIcon

from ..core.errors import AdaMapperError, InputError, OutputError
from ..core.files import Results, told_place
from ..core.progress import Progress
from ..core.texts import Message
from . import styles
from .choices import LOOK_SIDE_CHOICES
from .layer_sources import crs_text, raster_source
from .outputs import check_outputs, prepare_places
from .qgis_versions import set_loading_order
from .texts import missing_package_text, tr, words_of
from .values import check_values, is_empty

ROOT = Path(__file__).resolve().parent.parent
ICONS = ROOT / "resources" / "icons"
BUNDLED_MODEL = ROOT / "models" / "compact.onnx"
QUICK_MODEL = ROOT / "models" / "compact_int8.onnx"
FROM_BOTTOM = (
    "count", "closure", "coherence", "standard_error", "aspect", "slope", "visibility", "los_sensitivity",
    "phase_rate", "los_rate", "probability", "areas",
)  # fmt: skip

Given = TypeVar("Given")

_GROUPS = {
    "map": QT_TRANSLATE_NOOP("AdaMapper", "Whole chain"),
    "interferograms": QT_TRANSLATE_NOOP("AdaMapper", "Interferograms"),
    "channels": QT_TRANSLATE_NOOP("AdaMapper", "Terrain and channels"),
    "detection": QT_TRANSLATE_NOOP("AdaMapper", "Detection"),
    "areas": QT_TRANSLATE_NOOP("AdaMapper", "Areas"),
    "survey": QT_TRANSLATE_NOOP("AdaMapper", "Field survey"),
    "simulation": QT_TRANSLATE_NOOP("AdaMapper", "Simulation"),
    "learning": QT_TRANSLATE_NOOP("AdaMapper", "Samples, training and models"),
    "accuracy": QT_TRANSLATE_NOOP("AdaMapper", "Accuracy"),
}


def progress_of(feedback: QgsProcessingFeedback) -> Progress:
    """A core Progress that reports to a Processing feedback, with the places that results will have."""
    return Progress(
        on_fraction=lambda fraction: feedback.setProgress(100 * fraction),
        on_info=lambda message: feedback.pushInfo(told_place(words_of(message))),
        on_warning=lambda message: feedback.pushWarning(told_place(words_of(message))),
        is_cancelled=feedback.isCanceled,
    )


def given(value: Given | None, name: str) -> Given:
    """The value of the parameter ``name``. InputError for None, as scripts may give it past the checks of QGIS."""
    if value is None:
        raise InputError(tr("Nothing was given as {}.").format(name))
    return value


class SurveyLayer(QgsProcessingParameterFeatureSource):
    """A layer of a survey that may have come back from the field.

    QGIS opens layers to check them, and what opens a database takes the mark of a missing log away: so that is looked
    for before, and remembered until a run asks for it.
    """

    _without_log: ClassVar[dict[str, Message]] = {}

    def checkValueIsAcceptable(self, value: Any, context: QgsProcessingContext | None = None) -> bool:
        self.look_for_log(value)
        return bool(super().checkValueIsAcceptable(value, context))

    @classmethod
    def look_for_log(cls, value: Any) -> str:
        """Remember the file of a parameter's value if its log is missing; its path, "" for what is no database."""
        from ..core.survey import lacks_log, missing_log

        if isinstance(value, QgsProcessingFeatureSourceDefinition):
            value = value.source.staticValue()
        path = value.split("|")[0] if isinstance(value, str) else ""
        if not path.lower().endswith((".gpkg", ".sqlite", ".db")):
            return ""
        if lacks_log(Path(path)):
            cls._without_log[path] = missing_log(Path(path))
        return path

    @classmethod
    def warn_of_missing_log(cls, value: Any, progress: Progress) -> None:
        """Tell, once, that newer answers may lie in a log that stayed on the phone; before the layer is opened."""
        warning = cls._without_log.pop(cls.look_for_log(value), None)
        if warning is not None:
            progress.warning(warning)


def _can_be_imported(package: str) -> bool:
    """False, too, where a package is there but broken, as ONNX Runtime is without its C++ runtime on Windows."""
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


class Algorithm(QgsProcessingAlgorithm):
    """Base of the algorithms. A subclass sets NAME, TITLE, GROUP, SUMMARY and implements two methods.

    ``define()`` adds parameters and outputs. ``execute(parameters, context, progress)`` does the work and returns the
    outputs by name; errors of core are translated by the caller.
    """

    NAME = ""
    TITLE = ""
    GROUP = ""
    SUMMARY = ""
    FOLDERS_THAT_KEEP: Mapping[str, tuple[str, ...]] = {}
    """Folders of results in which other files stay, by output: the suffixes of those that may be replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.results = Results()
        """The files of the run, which appear together when it ends well."""
        self._say: Callable[[str], None] = lambda text: None
        self._warn: Callable[[str], None] = lambda text: None

    def name(self) -> str:
        return self.NAME

    def displayName(self) -> str:
        return tr(self.TITLE)

    def group(self) -> str:
        return tr(_GROUPS[self.GROUP])

    def groupId(self) -> str:
        return self.GROUP

    def icon(self) -> QIcon:
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        return str(ICONS / f"{self.GROUP}.svg")

    def createInstance(self) -> Algorithm:
        return type(self)()

    def shortDescription(self) -> str:
        return tr(self.SUMMARY).split(". ")[0].rstrip(".") + "."

    def shortHelpString(self) -> str:
        parts = [f"<p>{html.escape(tr(self.SUMMARY))}</p>"]
        for definition in self.parameterDefinitions():
            if definition.help():
                title = html.escape(definition.description())
                parts.append(f"<p><b>{title}</b><br>{html.escape(definition.help())}</p>")
        return "".join(parts)

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        self.define()

    def define(self) -> None:
        """Add the parameters and outputs."""
        raise NotImplementedError

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        """Do the work; the outputs by name."""
        raise NotImplementedError

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        self.results, self._say, self._warn = Results(), feedback.pushInfo, feedback.pushWarning
        try:
            check_values(self, parameters, context)
            with self.places(parameters, context), self.results:
                outputs = self.start(parameters, context, feedback)
                if self.results.is_any:
                    # The last moment at which nothing was written.
                    progress_of(feedback).check()
        except AdaMapperError as error:
            raise QgsProcessingException(told_place(words_of(error))) from error
        except ImportError as error:
            raise QgsProcessingException(missing_package_text(error)) from error
        except QgsProcessingException as error:
            raise QgsProcessingException(told_place(str(error))) from None
        if self.results.finished:
            message = tr("An earlier run was stopped while its results took their places. They are complete now: {}.")
            feedback.pushInfo(message.format(", ".join(map(str, self.results.finished))))
        named = self.results.named
        return {name: named(value) if isinstance(value, str) else value for name, value in outputs.items()}

    @contextlib.contextmanager
    def places(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Iterator[None]:
        """Check where the results go and make folders for them, which go again when the block fails."""
        from ..core.places import remove_empty

        made = prepare_places(check_outputs(self, parameters, context))
        try:
            yield
        except BaseException:
            remove_empty(made)
            raise

    def start(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run execute() with the feedback as a Progress."""
        return self.execute(parameters, context, progress_of(feedback))

    def result_path(self, name: str, destination: str, parameters: dict[str, Any]) -> str:
        """The file that an output is written to, where a tool doesn't keep to the name that was chosen."""
        return destination

    def add(self, definition: QgsProcessingParameterDefinition, help_text: str, advanced: bool = False) -> None:
        """Add a parameter with its help text."""
        definition.setHelp(help_text)
        if advanced:
            definition.setFlags(definition.flags() | ADVANCED)
        self.addParameter(definition)

    def add_raster(self, name: str, title: str, help_text: str, optional: bool = True, advanced: bool = False) -> None:
        """Add a raster layer parameter."""
        self.add(QgsProcessingParameterRasterLayer(name, title, optional=optional), help_text, advanced)

    def add_number(
        self,
        name: str,
        title: str,
        help_text: str,
        default: float | None,
        minimum: float | None = None,
        maximum: float | None = None,
        integer: bool = False,
        advanced: bool = False,
    ) -> None:
        """Add a number parameter; one without a default is optional."""
        kinds = QgsProcessingParameterNumber.Type
        definition = QgsProcessingParameterNumber(
            name, title, kinds.Integer if integer else kinds.Double, default, optional=default is None
        )
        if not integer:
            definition.setMetadata({"widget_wrapper": {"decimals": 2}})
        if minimum is not None:
            definition.setMinimum(minimum)
        if maximum is not None:
            definition.setMaximum(maximum)
        self.add(definition, help_text, advanced)

    def add_choice(
        self, name: str, title: str, help_text: str, options: tuple[str, ...], default: str, advanced: bool = False
    ) -> None:
        """Add an enumeration whose values are the static strings themselves."""
        definition = QgsProcessingParameterEnum(
            name, title, list(options), defaultValue=default, usesStaticStrings=True
        )
        self.add(definition, help_text, advanced)

    def add_look_side(self, help_text: str, title: str = "") -> None:
        """Ask to which side of its flight the radar looks; ``look_side`` reads it."""
        self.add_choice(
            "LOOK_SIDE", title or tr("Look side"), help_text, LOOK_SIDE_CHOICES, LOOK_SIDE_CHOICES[0], advanced=True
        )

    def look_side(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str | None:
        """ "right" or "left"; None for as told."""
        chosen = self.parameterAsEnumString(parameters, "LOOK_SIDE", context)
        return None if chosen == LOOK_SIDE_CHOICES[0] else chosen

    def add_model(self) -> None:
        """Add the MODEL parameter that the tools with a network share."""
        self.add(
            QgsProcessingParameterFile("MODEL", tr("Model"), extension="onnx", optional=True),
            tr(
                "The network as an ONNX file with a model card. Empty: the model that comes with the plugin, which was "
                "trained on simulated scenes."
            ),
        )

    def add_raster_output(self, name: str, title: str, help_text: str, optional: bool = False) -> None:
        """Add a raster output; an optional one is not made unless asked for."""
        definition = QgsProcessingParameterRasterDestination(
            name, title, optional=optional, createByDefault=not optional
        )
        self.add(definition, help_text)

    def model_path(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Path:
        """The chosen model, or the one that the plugin ships."""
        return Path(self.parameterAsFile(parameters, "MODEL", context) or BUNDLED_MODEL)

    def detection_model(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Path:
        """The chosen model; else of the one that the plugin ships the copy in integers, if ONNX Runtime runs it."""
        given = self.parameterAsFile(parameters, "MODEL", context)
        if given:
            return Path(given)
        backend = self.parameterAsEnumString(parameters, "BACKEND", context)
        quick = backend != "torch" and QUICK_MODEL.exists() and _can_be_imported("onnxruntime")
        return QUICK_MODEL if quick else BUNDLED_MODEL

    def raster_path(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str | None:
        """What GDAL opens to read a raster parameter as QGIS does; None where none was given."""
        layer = self.parameterAsRasterLayer(parameters, name, context)
        if layer is None:
            if parameters.get(name):
                message = tr("{} (given as {}) can't be opened as a raster layer. Choose another, or check it.")
                raise InputError(message.format(parameters[name], name))
            return None
        return raster_source(layer, self._say)

    def required_raster(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """raster_path() of a parameter that is not optional; InputError without one."""
        return given(self.raster_path(parameters, name, context), name)

    def geometry(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> tuple[str | None, str | None]:
        """All features of a layer as one WKT geometry, and its CRS; None for a layer that was not given."""
        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            return None, None
        geometry = QgsGeometry.unaryUnion([feature.geometry() for feature in source.getFeatures()])
        if geometry.isEmpty():
            message = tr("The layer {} (given as {}) is empty. Choose another one.")
            raise InputError(message.format(source.sourceName(), name))
        geometry.get().dropZValue()
        geometry.get().dropMValue()
        return geometry.asWkt(12), crs_text(source.sourceCrs())

    def number(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> float | None:
        """A number parameter; None where it was left empty."""
        if is_empty(parameters.get(name)):
            default = self.parameterDefinition(name).defaultValue()
            return None if default is None else float(default)
        return float(self.parameterAsDouble(parameters, name, context))

    def required_number(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> float:
        """number() of a parameter that has a default; InputError where there is none."""
        return given(self.number(parameters, name, context), name)

    def output_path(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str | None:
        """Where a raster output is made, until the run ends; None for an optional output that is not wanted."""
        path = self.parameterAsOutputLayer(parameters, name, context)
        return str(self.results.place(path)) if path else None

    def required_output(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """output_path() of an output that is always made; InputError without one."""
        return given(self.output_path(parameters, name, context), name)

    def file_output(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str | None:
        """Where any other file is made, until the run ends; None for one that is not wanted."""
        path = self.parameterAsFileOutput(parameters, name, context)
        return str(self.results.place(path)) if path else None

    def finish_raster(self, path: str | None, kind: str, context: QgsProcessingContext) -> None:
        """Save the style of a finished raster beside it and style the layer when QGIS loads it."""
        if path is None:
            return
        with self._told_style(path):
            styles.save_raster_style(path, kind)
        self._style_when_loaded(path, kind, lambda layer: styles.style_raster(layer, kind), context)

    def finish_areas(self, destination: str, context: QgsProcessingContext) -> None:
        """The same for a layer of areas, whose features are all written."""
        self.finish_vector(destination, styles.style_areas, context)

    def finish_vector(self, destination: str, style: Callable[[Any], None], context: QgsProcessingContext) -> None:
        """The same for any layer of features, which lies above rasters."""
        if told_place(destination) == destination:
            layer = QgsProcessingUtils.mapLayerFromString(destination, context)
        else:
            # Not as a layer of the context, which would hold the file open at the place where it is made.
            layer = QgsVectorLayer(destination, "", "ogr")
        with self._told_style(destination):
            styles.save_vector_style(layer, style)
        self._style_when_loaded(destination, "areas", style, context)

    @contextlib.contextmanager
    def _told_style(self, destination: str) -> Iterator[None]:
        """A style that can't be saved is told; the result is whole without it."""
        try:
            yield
        except OutputError as error:
            message = tr("{} opens without its colours, as its style can't be saved: {}")
            self._warn(told_place(message.format(destination, words_of(error))))

    def hide_when_loaded(self, destination: str, context: QgsProcessingContext) -> None:
        """Load a layer unticked, because it would cover what the user asked for."""
        destination = told_place(destination)
        if context.willLoadLayerOnCompletion(destination):
            styler = context.layerToLoadOnCompletionDetails(destination).postProcessor()
            if isinstance(styler, styles.LayerStyler):
                styler.is_visible = False

    def _style_when_loaded(
        self, destination: str, kind: str, style: Callable[[Any], None], context: QgsProcessingContext
    ) -> None:
        destination = told_place(destination)
        if context.willLoadLayerOnCompletion(destination):
            details = context.layerToLoadOnCompletionDetails(destination)
            details.setPostProcessor(styles.LayerStyler(style))
            set_loading_order(details, FROM_BOTTOM.index(kind))


ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced
POLYGONS = QgsProcessing.SourceType.TypeVectorPolygon
FAST_INSERT = QgsFeatureSink.Flag.FastInsert
