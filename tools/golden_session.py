"""QGIS in this process with the plugin of this checkout, and the runs of algorithms that go into the golden record."""

from __future__ import annotations

import faulthandler
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golden_digest import Digest, Digester
from qgis.core import QgsApplication, QgsProcessingFeedback, QgsProcessingUtils, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QLocale

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Out:
    """An output file or folder of a run, by its name in the folder of the run."""

    name: str


class Feedback(QgsProcessingFeedback):
    """Keeps what was said, and how; cancels itself at a percentage when told to."""

    def __init__(self, cancel_at: float | None) -> None:
        super().__init__(False)
        self.lines: list[str] = []
        if cancel_at is not None:
            self.progressChanged.connect(lambda percent: percent >= cancel_at and self.cancel())

    def setProgressText(self, text: str) -> None:
        self.lines.append(f"step: {text}")

    def pushInfo(self, info: str) -> None:
        self.lines.append(f"info: {info}")

    def pushWarning(self, warning: str) -> None:
        self.lines.append(f"warning: {warning}")

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.lines.append(f"{'fatal ' * fatalError}error: {error}")


@dataclass
class Golden:
    """Runs algorithms in ``folder`` and records each in ``runs``, by the name of its group and its own."""

    group: str
    folder: Path
    digester: Digester
    runs: dict[str, Digest] = field(default_factory=dict)

    def inputs(self, name: str) -> Path:
        """Where an input is to be made."""
        folder = self.folder / "inputs"
        folder.mkdir(exist_ok=True)
        return folder / name

    def note(self, name: str, text: str) -> None:
        """Record a text that is no result of a run."""
        self.runs[f"{self.group}/{name}"] = self.digester.text(text)

    def run(
        self,
        name: str,
        algorithm: str,
        cancel_at: float | None = None,
        given: dict[str, Path] | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Run an algorithm; its results, none after an error. The files that it left are recorded.

        ``cancel_at`` is the percentage at which the run cancels itself; ``given`` are folders by the name under which
        they are copied into the folder of the run beforehand.
        """
        import processing

        folder = self.folder / name
        folder.mkdir()
        for target, source in (given or {}).items():
            shutil.copytree(source, folder / target)
        chosen = {
            key: str(folder / value.name) if isinstance(value, Out) else value for key, value in parameters.items()
        }
        feedback = Feedback(cancel_at)
        results: dict[str, Any] = {}
        error = None
        try:
            results = processing.run(
                algorithm if ":" in algorithm else f"adamapper:{algorithm}", chosen, feedback=feedback
            )
        except Exception as fault:
            error = f"{type(fault).__name__}: {without_code(str(fault))}"
        plain = self.digester.plain
        self.runs[f"{self.group}/{name}"] = {
            "algorithm": algorithm,
            "error": error if error is None else plain(error),
            "results": {key: self._result(value) for key, value in results.items()},
            "messages": plain(without_code("\n".join(feedback.lines))).splitlines(),
            "files": self.digester.folder(folder),
        }
        QgsProject.instance().clear()
        return results

    def fault(self, name: str, algorithm: str, **parameters: Any) -> None:
        """A run that must be refused: RuntimeError if it isn't, because then it tells nothing of faults."""
        if self.run(name, algorithm, **parameters):
            raise RuntimeError(f"{self.group}/{name} was to be refused, but it was not.")

    def good(self, name: str, algorithm: str, **parameters: Any) -> dict[str, Any]:
        """A run that must succeed: RuntimeError with its error if it doesn't."""
        results = self.run(name, algorithm, **parameters)
        if not results:
            raise RuntimeError(f"{self.group}/{name} failed: {self.runs[f'{self.group}/{name}']['error']}")
        return results

    def _result(self, value: Any) -> Any:
        """A result as it can be compared; floats to the bit."""
        if isinstance(value, QgsVectorLayer):
            rows = [
                f"{feature.attributes()} {bytes(feature.geometry().asWkb()).hex()}" for feature in value.getFeatures()
            ]
            fields = [f"{item.name()}: {item.typeName()}" for item in value.fields()]
            return {"crs": value.crs().authid(), "fields": fields, "features": sorted(map(self.digester.plain, rows))}
        if isinstance(value, dict):
            return {key: self._result(item) for key, item in value.items()}
        if isinstance(value, float):
            return repr(value)
        return self.digester.plain(value) if isinstance(value, str) else value


def without_code(text: str) -> str:
    """Tracebacks without their lines of code, which say where the code lies."""
    return re.sub(r"^Traceback .*\n(?:[ \t].*\n|\n)+", "Traceback: ", text, flags=re.MULTILINE)


_kept: list[Any] = []


def start(group: str, folder: Path) -> Golden:
    """QGIS with the plugin, once for this process, and a record to be filled."""
    faulthandler.enable()
    sys.path.extend(["/usr/share/qgis/python/plugins", str(Path(QgsApplication.prefixPath()) / "python/plugins")])
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    application = QgsApplication([], False)
    application.initQgis()
    from processing.core.Processing import Processing

    Processing.initialize()
    import ada_mapper
    from ada_mapper.plugin import AdaMapperPlugin

    if Path(ada_mapper.__file__).resolve().parent != ROOT:
        raise RuntimeError(f"The plugin would come from {ada_mapper.__file__}, not from {ROOT}: use its own .venv.")
    plugin = AdaMapperPlugin(None)
    plugin.initProcessing()
    _kept.extend((application, plugin))
    version = re.search(r"^version=(\S+)", (ROOT / "metadata.txt").read_text("utf-8"), re.MULTILINE)
    names = {
        str(folder): "<work>",
        str(ROOT): "<checkout>",
        QgsProcessingUtils.tempFolder(): "<temporary>",
        **({version[1]: "<version>"} if version else {}),
    }
    return Golden(group, folder, Digester(names))
