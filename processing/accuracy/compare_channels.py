"""adamapper:comparechannels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import BUNDLED_MODEL, Algorithm
from ..choices import ROLE_CHOICES
from ..texts import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...core.accuracy import Comparison
    from ...core.models import LabelledTile


_FOLDER = QgsProcessingParameterFile.Behavior.Folder


class CompareChannels(Algorithm):
    """Networks × channel combinations on one test set."""

    NAME = "comparechannels"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Compare channels")
    GROUP = "accuracy"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Judges networks with each of the seven combinations of phase rate, LOS rate, elevation and slope on the same "
        "labelled tiles, in the layout of Tables 5 and 6 and Figure 5 of Wu and others (2024), with confidence "
        "intervals and the classical detector beside them. The tiles are those of a sample set, or simulated ones.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterMultipleLayers(
                "MODELS", tr("Models"), QgsProcessing.SourceType.TypeFile, optional=True
            ),
            tr(
                "ONNX files with a model card. A model serves a combination when its other channels are optional in "
                "its card. Empty: the model that comes with the plugin."
            ),
        )
        self.add(
            QgsProcessingParameterFile("SAMPLES", tr("Sample set"), behavior=_FOLDER, optional=True),
            tr("A folder from Create samples. Empty: simulated tiles, of which nothing is real."),
        )
        self.add_choice(
            "ROLE", tr("Tiles of the sample set"), tr("Judge on tiles that no training has seen."), ROLE_CHOICES, "test"
        )
        self.add_number(
            "TILES", tr("Number of simulated tiles"), tr("Used without a sample set."), 100, 1, integer=True
        )
        self.add_number(
            "TILE_SIZE", tr("Size of simulated tiles (pixels)"), tr("Width and height, of 30 m pixels."), 256, 64, 1024,
            integer=True, advanced=True,
        )  # fmt: skip
        self.add_number(
            "SEED", tr("Seed"), tr("Of the simulated tiles and of the intervals. Take one that no training "
            "used."), 1001, 0,
            integer=True,
        )  # fmt: skip
        self.add(
            QgsProcessingParameterFile("DEM_FOLDER", tr("Folder of elevation models"), behavior=_FOLDER, optional=True),
            tr(
                "GeoTIFFs that simulated tiles are cut from, of regions that no training used. Empty: terrain is "
                "made up."
            ),
        )
        for name, title, kind, text in (
            ("REPORT", tr("Report"), tr("HTML (*.html)"), tr("Tables and bars.")),
            ("FIGURES", tr("Table of figures"), tr("CSV (*.csv)"), tr("One row for each model and combination.")),
        ):
            self.add(QgsProcessingParameterFileDestination(name, title, kind, optional=True), text)
        self.addOutput(QgsProcessingOutputNumber("TILE_COUNT", tr("Number of tiles")))
        self.addOutput(QgsProcessingOutputNumber("BEST_IOU", tr("Highest IoU")))
        self.addOutput(QgsProcessingOutputString("BEST_COMBINATION", tr("Combination of the highest IoU")))
        self.addOutput(QgsProcessingOutputNumber("CLASSICAL_IOU", tr("IoU of the better tuned classical detector")))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.accuracy import compare_channels, write_comparison_csv, write_comparison_report

        # Where none is given, QGIS may answer with one empty name.
        given = [path for path in self.parameterAsFileList(parameters, "MODELS", context) if path]
        models = given or [str(BUNDLED_MODEL)]
        tiles, tuning, source = self._tiles(parameters, context)
        files = {name: self.file_output(parameters, name, context) for name in ("REPORT", "FIGURES")}
        seed = self.parameterAsInt(parameters, "SEED", context)
        comparison = compare_channels(models, tiles, progress, seed=seed, tuning_tiles=tuning)
        if files["REPORT"]:
            settings = {tr("Models"): ", ".join(models), tr("Tiles"): source}
            write_comparison_report(files["REPORT"], comparison, settings, tr)
        if files["FIGURES"]:
            write_comparison_csv(files["FIGURES"], comparison)
        return {**_outputs(comparison, progress), **files}

    def _tiles(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[Sequence[LabelledTile], Sequence[LabelledTile], str]:
        """The test tiles, others to tune the classical detector on (maybe none), and what they are in words."""
        folder = self.parameterAsString(parameters, "SAMPLES", context)
        if folder:
            from ...core.samples import SampleSet

            role = self.parameterAsEnumString(parameters, "ROLE", context)
            tiles = SampleSet(folder).tiles(role)
            if not len(tiles):
                message = tr("The sample set {} has no {} tiles. Choose another role, or make it with such a share.")
                raise InputError(message.format(folder, role))
            tuning = SampleSet(folder).tiles("validation") if role == "test" else ()
            return tiles, tuning, f"{folder}, {role}"
        from ...core.models import FirstTiles
        from ...core.simulation import TileGenerator

        count, size, seed = (self.parameterAsInt(parameters, name, context) for name in ("TILES", "TILE_SIZE", "SEED"))
        dems = self.parameterAsString(parameters, "DEM_FOLDER", context)
        text = tr("{} simulated tiles of {} × {} pixels, seed {}, terrain: {}")
        words = text.format(count, size, size, seed, dems or tr("made up"))
        return FirstTiles(TileGenerator(seed, size, dem_paths=dems or None), count), (), words


def _outputs(comparison: Comparison, progress: Progress) -> dict[str, Any]:
    """The best row and the classical detector; each row is told."""
    from ...core.accuracy import combination_label, figure_text

    best: dict[str, Any] = {"BEST_IOU": None, "BEST_COMBINATION": ""}
    classical: float | None = None
    for row in (*comparison.rows, *comparison.classical):
        label = f"{row.model}, {combination_label(row.combination)}"
        if row.scores is None:
            progress.info("{label}: – (the model {reason})", label=label, reason=row.reason)
            continue
        figure = row.scores.figures["iou"]
        progress.info("{label}: IoU {iou} %", label=label, iou=figure_text(figure, "iou"))
        if figure.value != figure.value:
            continue
        if row in comparison.classical:
            # The first is that of the detector's own rules.
            if row is not comparison.classical[0]:
                classical = figure.value if classical is None else max(classical, figure.value)
        elif best["BEST_IOU"] is None or figure.value > best["BEST_IOU"]:
            best = {"BEST_IOU": figure.value, "BEST_COMBINATION": row.combination}
    return {**best, "CLASSICAL_IOU": classical, "TILE_COUNT": comparison.tiles}
