"""adamapper:trainmodel."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import Algorithm
from ..choices import CHANNEL_CHOICES, DEVICE_CHOICES, LOSS_CHOICES, NETWORK_CHOICES
from ..texts import tr

if TYPE_CHECKING:
    from ...core.learning import Recipe, TrainingOptions


_SAMPLES_FILE = "samples.json"
SIMULATED_TILES = 48
"""How many simulated tiles validate, and how many test."""


class TrainModel(Algorithm):
    """Sample sets, simulated tiles or both → a model file with its card, and a report."""

    NAME = "trainmodel"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Train a model")
    GROUP = "learning"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Trains a network on your own samples, on simulated tiles, or on both, or fine-tunes a model with your few "
        "labels, and writes it as a model file with a card that tells its data, settings and accuracy, the classical "
        "detector beside it. A cancelled training goes on where it was when it is started again with the same "
        "settings and model file. Needs PyTorch.",
    )

    def define(self) -> None:
        self._add_data()
        self._add_network()
        self._add_budget()
        self._add_details()
        self.add(
            QgsProcessingParameterFileDestination("MODEL", tr("Trained model"), tr("Models (*.onnx)")),
            tr("Written when all is done. An unfinished training is kept beside it (.checkpoint.pt) until then."),
        )
        self.add(
            QgsProcessingParameterFileDestination("REPORT", tr("Report"), tr("Web pages (*.html)"), optional=True),
            tr("Curves of loss and accuracy, accuracy beside the classical detector, data and settings."),
        )
        self.addOutput(QgsProcessingOutputNumber("IOU", tr("IoU on the test tiles")))
        self.addOutput(QgsProcessingOutputNumber("STEPS_DONE", tr("Steps")))

    def _add_data(self) -> None:
        folder = QgsProcessingParameterFile.Behavior.Folder
        self.add(
            QgsProcessingParameterFile("SAMPLES", tr("Sample set"), behavior=folder, optional=True),
            tr("A folder from Create samples. Empty: simulated tiles only."),
        )
        self.add(
            QgsProcessingParameterMultipleLayers(
                "MORE_SAMPLES", tr("Further sample sets"), QgsProcessing.SourceType.TypeFile, optional=True
            ),
            tr("The samples.json of each further set with tiles of the same size."),
            advanced=True,
        )
        self.add_number(
            "SIMULATED_SHARE",
            tr("Share of simulated tiles (%)"),
            tr(
                "Simulated tiles beside your own keep a network from learning your few areas by heart, and a "
                "fine-tuned one from forgetting. Empty: 50 with samples, 100 without."
            ),
            None,
            0,
            100,
        )
        self.add(
            QgsProcessingParameterFile("DEM_FOLDER", tr("Folder of elevation models"), behavior=folder, optional=True),
            tr(
                "GeoTIFFs that simulated tiles are made over. Of four regions, one validates and one tests. Empty: "
                "terrain is made up."
            ),
        )
        self.add(
            QgsProcessingParameterFile("START", tr("Start from model"), extension="onnx", optional=True),
            tr(
                "Fine-tuning: a model with a card, whose network and channels are kept. Its weights stay where your "
                "labels don't improve it. Empty: a new network."
            ),
        )

    def _add_network(self) -> None:
        self.add_choice(
            "NETWORK",
            tr("Network"),
            tr(
                "compact runs well on laptops; resnet50_unet and vgg16_unet are those of Wu et al. (2024) and want a "
                "GPU. Not used with Start from model."
            ),
            NETWORK_CHOICES,
            "compact",
        )
        channels = QgsProcessingParameterEnum(
            "CHANNELS", tr("Channels"), list(CHANNEL_CHOICES), allowMultiple=True, optional=True, usesStaticStrings=True
        )
        self.add(
            channels,
            tr(
                "What the network sees. All but a single rate may be missing when the model is used. Empty: all that "
                "the samples hold, or those of the model that is started from."
            ),
        )
        self.add_choice(
            "LOSS",
            tr("Loss"),
            tr("dice is the paper's; dice_cross_entropy gives probabilities that mean what they say."),
            LOSS_CHOICES,
            LOSS_CHOICES[0],
            advanced=True,
        )

    def _add_budget(self) -> None:
        self.add_number("MINUTES", tr("Budget (minutes)"), tr("Of training; judging comes on top."), 60, 0.01)
        self.add_number(
            "STEPS",
            tr("Budget (steps)"),
            tr(
                "Number of batches, in place of minutes: the same steps and seed give the same model on the same "
                "computer."
            ),
            None,
            1,
            integer=True,
        )
        self.add_number(
            "PATIENCE",
            tr("Patience (evaluations)"),
            tr(
                "Stops when so many of the twenty evaluations in a budget have passed without a better IoU on the "
                "validation tiles, and keeps the best weights. 0: the whole budget is used, the last weights are kept."
            ),
            6,
            0,
            20,
            integer=True,
            advanced=True,
        )

    def _add_details(self) -> None:
        self.add_number(
            "BATCH_SIZE", tr("Batch size (tiles)"), tr("Tiles a step."), 16, 1, 256, integer=True, advanced=True
        )
        rate = QgsProcessingParameterNumber(
            "LEARNING_RATE", tr("Learning rate"), QgsProcessingParameterNumber.Type.Double, None, optional=True
        )
        rate.setMetadata({"widget_wrapper": {"decimals": 6}})
        rate.setMinimum(1e-6)
        rate.setMaximum(1.0)
        self.add(
            rate,
            tr(
                "The highest, after the warm-up. Empty: what suits the network (compact 0.002), a tenth of it for "
                "fine-tuning."
            ),
            advanced=True,
        )
        self.add_number(
            "SEED", tr("Seed"), tr("Another seed gives another model."), 1, 0, 1_000_000, integer=True, advanced=True
        )
        self.add_choice(
            "DEVICE",
            tr("Device"),
            tr("auto takes a GPU where PyTorch finds one."),
            DEVICE_CHOICES,
            DEVICE_CHOICES[0],
            advanced=True,
        )
        self.add_number(
            "THREADS",
            tr("Threads"),
            tr("Processor cores that compute. Empty: all but one, which makes the tiles."),
            None,
            1,
            256,
            integer=True,
            advanced=True,
        )
        for name, title, text in (
            ("NAME", tr("Name of the model"), tr("For its card. Empty: the name of its file.")),
            ("LICENCE", tr("Licence of the model"), tr("For its card, for example CC-BY-4.0.")),
        ):
            self.add(QgsProcessingParameterString(name, title, optional=True), text, advanced=True)

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.learning import own_settings, train_model, write_training_report
        from ...core.models import onnx_package

        onnx_package()  # better missed now than when the model is to be written
        recipe = self._recipe(parameters, context, progress)
        notes: list[str] = []

        def warn(text: str) -> None:
            notes.append(text)
            progress.warning(text)

        with own_settings(recipe.options.seed, recipe.options.threads):  # judging, too, keeps to the user's threads
            card = train_model(recipe, replace(progress, on_warning=warn), self.results.place)
        # Only now that its model comes into place; else the next run goes on from there.
        self.results.remove(recipe.checkpoint)
        report = self.file_output(parameters, "REPORT", context)
        if report:
            write_training_report(report, card, notes, recipe.identity(), tr)
        judged: dict[str, float] = next((scores["model"] for scores in card.training["judged"].values()), {})
        return {
            "MODEL": str(recipe.output),
            "REPORT": report,
            "IOU": judged.get("iou", math.nan),
            "STEPS_DONE": card.training["steps"],
        }

    def _recipe(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> Recipe:
        from ...core.channels import ChannelKind
        from ...core.learning import SIMULATED_SHARE, Recipe

        samples = self._sample_folders(parameters, context)
        share = self.number(parameters, "SIMULATED_SHARE", context)
        if share is None:
            share = 100 * SIMULATED_SHARE if samples else 100.0
            progress.info(tr("Share of simulated tiles: {} %.").format(f"{share:g}"))
        chosen = self.parameterAsEnumStrings(parameters, "CHANNELS", context) if parameters.get("CHANNELS") else []
        start = self.parameterAsFile(parameters, "START", context) or None
        return Recipe(
            output=Path(self.parameterAsFileOutput(parameters, "MODEL", context)),
            options=self._options(parameters, context, progress, start),
            samples=samples,
            simulated_share=share / 100,
            dem_folder=self.parameterAsFile(parameters, "DEM_FOLDER", context) or None,
            architecture=self.parameterAsEnumString(parameters, "NETWORK", context),
            kinds=tuple(ChannelKind(name) for name in chosen),
            start=start,
            name=self.parameterAsString(parameters, "NAME", context),
            licence=self.parameterAsString(parameters, "LICENCE", context),
            simulated_tiles=SIMULATED_TILES,
        )

    def _options(
        self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress, start: str | None
    ) -> TrainingOptions:
        from ...core.learning import usual_options
        from ...core.models import read_card
        from ...core.parallel import processors

        steps = self.number(parameters, "STEPS", context)
        if steps is not None and parameters.get("MINUTES") is not None:
            progress.info(tr("The budget is that of steps; the minutes are not used."))
        rate = self.number(parameters, "LEARNING_RATE", context)
        given = {} if rate is None else {"learning_rate": rate}
        chosen = self.parameterAsEnumString(parameters, "NETWORK", context)
        architecture = read_card(start).architecture if start else chosen
        threads = self.number(parameters, "THREADS", context) or max(processors() - 1, 1)
        options = usual_options(
            architecture,
            bool(start),
            minutes=self.parameterAsDouble(parameters, "MINUTES", context) if steps is None else None,
            steps=None if steps is None else int(steps),
            batch_size=self.parameterAsInt(parameters, "BATCH_SIZE", context),
            loss=self.parameterAsEnumString(parameters, "LOSS", context),
            seed=self.parameterAsInt(parameters, "SEED", context),
            threads=int(threads),
            patience=self.parameterAsInt(parameters, "PATIENCE", context) or None,
            device=self.parameterAsEnumString(parameters, "DEVICE", context),
            **given,
        )
        if rate is None:
            progress.info(tr("Learning rate: {}.").format(f"{options.learning_rate:g}"))
        return options

    def _sample_folders(self, parameters: dict[str, Any], context: QgsProcessingContext) -> tuple[str, ...]:
        first = self.parameterAsFile(parameters, "SAMPLES", context)
        more = self.parameterAsFileList(parameters, "MORE_SAMPLES", context)
        paths = [Path(path) for path in (first, *more) if path]
        return tuple(str(path.parent if path.name == _SAMPLES_FILE else path) for path in paths)
