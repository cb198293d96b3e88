"""adamapper:importmodel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMatrix,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import Algorithm, given
from ..choices import ANSWER_CHOICES, NETWORK_CHOICES
from ..texts import tr

if TYPE_CHECKING:
    from ...core.models import ChannelRequest, ImportOptions


COLUMNS = ("Channel", "Low", "High", "Unit", "Sign")
_USUAL_NETWORK = "compact"
_PAPER = [
    *("phase_rate", -35, 35, "rad/yr", "away"),
    *("los_rate", -150, 150, "mm/yr", "toward"),
    *("dem", 0, 6000, "m", ""),
    *("slope", 0, 70, "degree", ""),
]


class ImportModel(Algorithm):
    """A network of another program, or weights, → a model that Detect active deformation areas runs."""

    NAME = "importmodel"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Import a model")
    GROUP = "learning"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Gives a network that another program made a card, so that Detect active deformation areas runs it: an ONNX "
        "file (such as those for the plugin Deepness, whose settings are read from the file), or the weights of one of "
        "the networks of ADA Mapper (.safetensors, or a PyTorch state dict). Files that could run code when they are "
        "opened are refused. Needs the Python package onnx.",
    )

    def define(self) -> None:
        self.add(
            QgsProcessingParameterFile(
                "INPUT", tr("Network or weights"), fileFilter=tr("Networks (*.onnx *.safetensors *.pt *.pth)")
            ),
            tr(
                "A file that has an ADA Mapper card already is checked and taken as it is; no other setting is "
                "used then."
            ),
        )
        self.add(
            QgsProcessingParameterMatrix(
                "CHANNELS", tr("Channels"), 4, False, [tr(column) for column in COLUMNS], _PAPER, optional=True
            ),
            tr(
                "What the network's inputs show, in its order: phase_rate, phase_rate_wrapped, los_rate, dem, slope, "
                "coherence, los_sensitivity, standard_error or closure. Low to High are scaled to 0 to 1, and cut off "
                "there. Both empty: for a network made for Deepness the layer's own numbers, divided by 255; for "
                "weights, the limits shown here at first. A standardisation stored in the file follows. Unit and Sign "
                "(away or toward) of rates may be left empty for the usual ones."
            ),
        )
        self.add_number(
            "PIXEL_SIZE",
            tr("Pixel size (m)"),
            tr("That of the data it was trained on. Empty: as stored in the file."),
            None,
            0.01,
        )
        self.add_choice(
            "NETWORK", tr("Network of the weights"), tr("Only for weights."), NETWORK_CHOICES, _USUAL_NETWORK
        )
        self._define_advanced()
        self.add(
            QgsProcessingParameterFileDestination("OUTPUT", tr("Model"), tr("Models (*.onnx)")),
            tr("The network with its card. Give it as Model to the other tools."),
        )

    def _define_advanced(self) -> None:
        stored = tr("Empty: as stored in the file, else {}.")
        self.add_number("THRESHOLD", tr("Threshold"), stored.format(0.5), None, 0.01, 0.99, advanced=True)
        self.add_number("MIN_AREA", tr("Smallest area (m²)"), stored.format(5000), None, 0, advanced=True)
        self.add_number(
            "TILE_SIZE", tr("Tile size (pixels)"), stored.format(256), None, 16, 4096, integer=True, advanced=True
        )
        self.add_number(
            "AREA_CLASS",
            tr("Class of the areas"),
            tr("Counted from 0. Empty: the last of one or two classes; with more it must be given."),
            None,
            0,
            integer=True,
            advanced=True,
        )
        self.add_choice(
            "ANSWER",
            tr("The network gives"),
            tr("auto: found out by trying it on made-up tiles; the log tells the result."),
            ANSWER_CHOICES,
            "auto",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString("NAME", tr("Name of the model"), optional=True),
            tr("Empty: the name of the file."),
            advanced=True,
        )

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.models import import_model, read_card

        source = Path(given(self.parameterAsFile(parameters, "INPUT", context) or None, "INPUT"))
        target = given(self.parameterAsFileOutput(parameters, "OUTPUT", context) or None, "OUTPUT")
        output = str(self.results.place(self.result_path("OUTPUT", target, parameters)))
        options = self._options(parameters, context)
        architecture = self.parameterAsEnumString(parameters, "NETWORK", context)
        if source.suffix.lower() == ".onnx":
            if architecture != _USUAL_NETWORK:
                message = tr("The network given ({}) is not used: {} holds its own. It is for files of weights only.")
                progress.warning(message.format(architecture, source.name))
            import_model(source, output, options, progress)
        else:
            from ...core.models import import_weights

            import_weights(source, architecture, options, output, progress)
        card = read_card(output)
        progress.info(
            "{name}: {bands}; pixels of {pixel_size:g} m.",
            name=card.name,
            bands=", ".join(card.band_names),
            pixel_size=card.pixel_size,
        )
        return {"OUTPUT": output}

    def result_path(self, name: str, destination: str, parameters: dict[str, Any]) -> str:
        return destination if Path(destination).suffix or destination.endswith(".") else f"{destination}.onnx"

    def _options(self, parameters: dict[str, Any], context: QgsProcessingContext) -> ImportOptions:
        from ...core.models import ImportOptions

        has_cells = parameters.get("CHANNELS") is not None
        cells = self.parameterAsMatrix(parameters, "CHANNELS", context) if has_cells else _PAPER
        area_class = self.number(parameters, "AREA_CLASS", context)
        tile_size = self.number(parameters, "TILE_SIZE", context)
        return ImportOptions(
            channels=channel_requests(cells),
            pixel_size=self.number(parameters, "PIXEL_SIZE", context),
            tile_size=None if tile_size is None else int(tile_size),
            threshold=self.number(parameters, "THRESHOLD", context),
            min_area=self.number(parameters, "MIN_AREA", context),
            area_class=None if area_class is None else int(area_class),
            answer=self.parameterAsEnumString(parameters, "ANSWER", context),
            name=self.parameterAsString(parameters, "NAME", context),
        )


def channel_requests(cells: list[Any]) -> tuple[ChannelRequest, ...]:
    """The rows of the table of channels, given cell by cell; rows without a channel are left out."""
    from ...core.channels import ChannelKind
    from ...core.models import ChannelRequest

    texts = ["" if str(cell) in ("NULL", "None") else str(cell).strip() for cell in cells]
    texts += [""] * (-len(texts) % len(COLUMNS))
    requests = []
    for first in range(0, len(texts), len(COLUMNS)):
        name, low, high, unit, sign = texts[first : first + len(COLUMNS)]
        if not name:
            continue
        try:
            kind = ChannelKind(name.lower().replace(" ", "_"))
        except ValueError:
            known = ", ".join(kind.value for kind in ChannelKind)
            raise InputError(tr("There is no channel called {}; known are {}.").format(name, known)) from None
        try:
            limits = [float(text) if text else None for text in (low, high)]
        except ValueError:
            raise InputError(tr("The limits of {} must be numbers, not {} and {}.").format(name, low, high)) from None
        requests.append(ChannelRequest(kind, limits[0], limits[1], unit, sign))
    return tuple(requests)
