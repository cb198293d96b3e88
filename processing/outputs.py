"""Where results go, checked before any work: never over what is read, and only where they can be written."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from qgis.core import (
    QgsDataSourceUri,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingUtils,
    QgsProperty,
    QgsVectorFileWriter,
    QgsVirtualLayerDefinition,
)
from qgis.PyQt.QtCore import QUrl

from ..core.errors import InputError
from .texts import tr
from .values import evaluated, is_empty

_PLUGIN = Path(__file__).resolve().parent.parent
RASTER_FORMATS = ("tif", "tiff")
_VECTOR_FORMATS = ("gpkg", "shp", "geojson", "fgb", "gml", "tab")
_OF_THE_PLUGIN = ("core", "models", "processing", "resources", "ui")
_LAYERS = ("raster", "source", "vector", "layer", "multilayer")
_ELSEWHERE = ("memory:", "postgis:", "postgres:", "mssql:", "oracle:", "hana:", "PG:")
# Of these kinds no file is ever read out of a folder, so that one that lies there is an earlier result.
_NEVER_READ = (".html", ".htm", ".pdf", ".onnx", ".safetensors")
_NO_INTERFEROGRAM = (*_NEVER_READ, ".gpkg")
_RATES = (
    "phase_rate", "los_rate", "standard_error", "count", "closure", "coherence", "slope", "aspect", "los_sensitivity",
    "visibility", "probability",
)  # fmt: skip


def vector_formats() -> list[str]:
    """The formats, by suffix, that keep outlines, attributes and coordinate system, and that this QGIS can write."""
    available = QgsVectorFileWriter.supportedFormatExtensions()
    return [suffix for suffix in _VECTOR_FORMATS if suffix in available]


class Tool(Protocol):
    """What is asked of an algorithm here."""

    @property
    def FOLDERS_THAT_KEEP(self) -> Mapping[str, tuple[str, ...]]:
        """Folders of results in which other files stay, by output: the suffixes of those that may be replaced."""

    def parameterDefinitions(self) -> list[QgsProcessingParameterDefinition]: ...

    def parameterDefinition(self, name: str) -> QgsProcessingParameterDefinition: ...

    def result_path(self, name: str, destination: str, parameters: dict[str, Any]) -> str:
        """The file that an output is written to, where a tool doesn't keep to the name that was chosen."""


@dataclass(frozen=True)
class Target:
    """Where one result goes: a file or a folder; ``table`` is that of a file which keeps its others."""

    name: str
    title: str
    kind: str
    path: Path
    table: str = ""

    @property
    def is_folder(self) -> bool:
        return self.kind == "folderDestination"

    @property
    def is_layer(self) -> bool:
        return self.kind in ("rasterDestination", "sink", "vectorDestination")


@dataclass(frozen=True)
class _Input:
    """One thing that is read: ``source`` as QGIS has it, ``name`` and ``title`` those of its parameter."""

    name: str
    title: str
    source: str
    is_layer: bool


def destination_of(value: Any, context: QgsProcessingContext | None = None) -> str:
    """The file that a destination parameter names, as scripts (text) and the dialog (a definition) give it."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    if isinstance(value, QgsProperty):
        value = value.staticValue() if context is None else evaluated(value, context)
    return value if isinstance(value, str) else ""


def target_of(definition: QgsProcessingParameterDefinition, destination: str) -> Target | None:
    """Where a result goes that is wanted at ``destination``; None for one in memory, in a database or temporary."""
    text = destination.strip()
    if not text or text == QgsProcessing.TEMPORARY_OUTPUT or text.startswith(_ELSEWHERE):
        return None
    table = ""
    if text.startswith(("ogr:", "spatialite:")):
        uri = QgsDataSourceUri(text.split(":", 1)[1])
        text, table = uri.database(), uri.table()
        if not text or text.startswith(_ELSEWHERE):
            return None
    options = re.search(r"\|layername=([^|]+)", text)
    if options:
        text, table = text[: options.start()], options.group(1)
    return Target(definition.name(), definition.description(), definition.type(), Path(text).absolute(), table)


def targets_of(algorithm: Tool, parameters: dict[str, Any], context: QgsProcessingContext) -> list[Target]:
    """The files and folders that a run will write, in the order of the parameters. InputError for what is no file."""
    targets = []
    for definition in algorithm.parameterDefinitions():
        destination = destination_of(parameters.get(definition.name()), context) if definition.isDestination() else ""
        if destination.startswith("/vsi") or re.match(r"^\w{2,}://|^file:", destination):
            message = tr("{} ({}) is no file on this computer's disks. Choose a file.")
            raise InputError(message.format(destination, definition.description()))
        if destination not in ("", QgsProcessing.TEMPORARY_OUTPUT):
            destination = algorithm.result_path(definition.name(), destination, parameters)
        target = target_of(definition, destination)
        if target is not None:
            targets.append(target)
    return targets


def check_outputs(algorithm: Tool, parameters: dict[str, Any], context: QgsProcessingContext) -> list[Target]:
    """The targets of a run. InputError where one would lie over an input, another one, or what isn't ours to replace.

    Compared is what lies on disk, not what it is called: links, other spellings, and the files that belong to a layer.
    """
    from ..core.places import check_name

    inputs = list(_inputs(algorithm, parameters, context))
    _check_sets(inputs)
    targets = targets_of(algorithm, parameters, context)
    for target in targets:
        check_name(target.path)
        _check_format(target, algorithm.parameterDefinition(target.name))
        _check_foreign(target)
    for number, target in enumerate(targets):
        for other in targets[:number]:
            _check_pair(target, other, algorithm)
    if targets and inputs:
        for given in inputs:
            _check_input(given, targets, algorithm)
    return targets


def prepare_places(targets: list[Target]) -> list[Path]:
    """Make the folders that results go into, and check that they can; the folders made, innermost first.

    OutputError where a result can't be written; then no folder stays.
    """
    from ..core.places import check_file, check_folder, make_folder_of, remove_empty

    made: list[Path] = []
    try:
        for target in targets:
            made[:0] = make_folder_of(target.path)
            check = check_folder if target.is_folder else check_file
            check(target.path)
    except Exception:
        remove_empty(made)
        raise
    return made


def refuse_over(targets: list[Target], sources: Iterable[str], title: str) -> None:
    """InputError where a target lies over one of the sources, which are called by the title."""
    from ..core.sources import files_that_are_read, identities, written_with

    places = {key: target for target in targets for key in identities(written_with(target.path, target.is_layer))}
    if places:
        for key, file in identities(file for source in sources for file in files_that_are_read(source)).items():
            if key in places:
                raise _over(places[key], title, file)


def _over(target: Target, other: str, place: Path) -> InputError:
    if target.is_folder:
        message = tr("{} would be written over {} ({}). Choose another folder.")
    else:
        message = tr("{} would be written over {} ({}). Choose another file.")
    return InputError(message.format(target.title, other, place))


def _check_format(target: Target, definition: QgsProcessingParameterDefinition) -> None:
    """InputError for a file whose suffix promises another format than the one that is written."""
    if target.is_folder:
        return
    if target.kind == "rasterDestination":
        known = list(RASTER_FORMATS)
    elif target.is_layer:
        known = [*vector_formats(), "sqlite"] if target.table else vector_formats()
    else:
        known = re.findall(r"\*\.(\w+)", definition.createFileFilter().split(";;" + tr("All files"))[0])
        known += ["htm"] if "html" in known else []
    if target.path.suffix.lower().lstrip(".") not in known:
        message = tr("{} ({}) doesn't end in {}. Choose another name.")
        *others, last = (f".{suffix}" for suffix in dict.fromkeys(known))
        ends = tr("{} or {}").format(", ".join(others), last) if others else last
        raise InputError(message.format(target.path, target.title, ends))


def _check_foreign(target: Target) -> None:
    """InputError for a target over what is not an earlier result: the plugin's own files, layers beside the one."""
    from ..core.sources import layers_in

    with contextlib.suppress(OSError, ValueError):
        inside = target.path.resolve().relative_to(_PLUGIN).parts
        if inside and inside[0] in _OF_THE_PLUGIN:
            message = tr("{} ({}) lies in the folder of the plugin, which the next update empties. Choose another one.")
            raise InputError(message.format(target.path, target.title))
    if target.kind in ("sink", "vectorDestination") and not target.table and _is_file(target.path):
        layers = layers_in(target.path)
        if len(layers) > 1:
            message = tr("{} would be written over {}, which also holds the layers {}. Choose another file.")
            raise InputError(message.format(target.title, target.path, ", ".join(layers)))


def _check_pair(target: Target, other: Target, algorithm: Tool) -> None:
    """InputError where two results, or what belongs to them, have one name."""
    from ..core.sources import written_with

    if target.is_folder or other.is_folder:
        folder, file = (target, other) if target.is_folder else (other, target)
        is_replaced = folder.name not in algorithm.FOLDERS_THAT_KEEP
        is_inside = _key(folder.path) in map(_key, file.path.parents)
        if _key(folder.path) == _key(file.path) or (is_inside and is_replaced):
            raise _over(file, folder.title, folder.path)
        return
    if target.table and other.table and target.table != other.table:
        return
    taken = {_key(path): path for path in written_with(other.path, other.is_layer)}
    for path in written_with(target.path, target.is_layer):
        if _key(path) in taken:
            raise _over(target, other.title, path)


def _check_input(given: _Input, targets: list[Target], algorithm: Tool) -> None:
    from ..core.sources import files_of, identities

    files = files_of(given.source)
    folders = [path for path in files if path.is_dir()]
    known = identities(path for path in files if not path.is_dir())
    styles = {_key(path.with_suffix(".qml")) for path in files} if given.is_layer else set()
    for target in targets:
        if target.is_folder:
            _check_folder_over(target, given, files, algorithm.FOLDERS_THAT_KEEP.get(target.name))
        else:
            _check_file_over(target, given, known, styles)
        for folder in folders:
            _check_inside(target, given, folder)


def _check_sets(inputs: list[_Input]) -> None:
    """InputError where inputs may be results of two runs, the last of which was killed as its own took their places."""
    from ..core.files import check_sets
    from ..core.sources import local_files

    files = [path for given in inputs for path in local_files(given.source)]
    for folder in dict.fromkeys(path if path.is_dir() else path.parent for path in files):
        check_sets(folder)


def _check_folder_over(target: Target, given: _Input, files: frozenset[Path], replaced: tuple[str, ...] | None) -> None:
    """InputError where the input lies in a folder that is replaced, or whose files that end in ``replaced`` are."""
    from ..core.sources import identities

    place = set(identities([target.path]))
    for path in files if place else ():
        around = (path, *path.absolute().parents, *path.resolve().parents)
        if (replaced is None or path.suffix.lower() in replaced) and place & set(identities(around)):
            raise _over(target, given.title, path)


def _check_file_over(target: Target, given: _Input, known: dict[tuple[int, int], Path], styles: set[str]) -> None:
    from ..core.sources import identities, layers_in, written_with

    if target.table and given.is_layer:
        # A new table leaves the others of its file as they are.
        held = layers_in(target.path) if _is_file(target.path) else ()
        if target.table.lower() not in map(str.lower, held):
            return
    files = written_with(target.path, target.is_layer)
    for key, path in identities(files).items():
        if key in known:
            raise _over(target, given.title, path)
    for path in files:
        if _key(path) in styles:
            raise _over(target, given.title, path)


def _check_inside(target: Target, given: _Input, folder: Path) -> None:
    """InputError where a file of an input folder would be replaced; what an earlier run put there isn't one."""
    from ..core.sources import linked_into

    if target.is_folder or not _is_file(target.path):
        return
    suffix = target.path.suffix.lower()
    is_of_interferograms = given.name == "INPUT_FOLDER"
    if suffix in (_NO_INTERFEROGRAM if is_of_interferograms else _NEVER_READ):
        return
    found = linked_into(folder, target.path)
    if found is not None and not (is_of_interferograms and _is_rate(target.path)):
        raise _over(target, tr("a file of {}").format(given.title), found)


def _is_rate(path: Path) -> bool:
    """Whether a raster is one of our results."""
    from ..core.raster import BandReader

    try:
        with BandReader(path) as reader:
            return bool(reader.tags["description"] in _RATES)
    except Exception:
        return False


def _inputs(algorithm: Tool, parameters: dict[str, Any], context: QgsProcessingContext) -> Iterator[_Input]:
    for definition in algorithm.parameterDefinitions():
        if definition.isDestination() or definition.type() not in (*_LAYERS, "file"):
            continue
        name, title = definition.name(), definition.description()
        value = parameters.get(name)
        is_layer = definition.type() in _LAYERS and not _is_of_files(definition)
        for source in _sources(value, context, is_layer):
            # The facts of a sample set stand for all of it.
            is_set = Path(source).name == "samples.json"
            yield _Input(name, title, str(Path(source).parent) if is_set else source, is_layer)


def _is_of_files(definition: QgsProcessingParameterDefinition) -> bool:
    return bool(definition.type() == "multilayer" and definition.layerType() == QgsProcessing.SourceType.TypeFile)


def _sources(value: Any, context: QgsProcessingContext, is_layer: bool) -> Iterator[str]:
    """The sources that the value of an input parameter names."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    value = evaluated(value, context)
    if isinstance(value, QUrl):
        value = value.toString()
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _sources(item, context, is_layer)
        return
    if isinstance(value, str) and is_layer and not is_empty(value):
        value = QgsProcessingUtils.mapLayerFromString(value, context, False) or value
    if isinstance(value, QgsMapLayer):
        yield from _sources_of_layer(value)
    elif isinstance(value, (str, Path)) and not is_empty(value):
        yield str(value)


def _sources_of_layer(layer: QgsMapLayer) -> Iterator[str]:
    if layer.providerType() == "virtual":
        for part in QgsVirtualLayerDefinition.fromUrl(QUrl(layer.source())).sourceLayers():
            yield part.source()
    yield layer.source()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _key(path: Path) -> str:
    """A path as file systems compare it that tell neither case nor ways of writing an accent apart."""
    try:
        path = path.resolve()
    except (OSError, RuntimeError):
        path = path.absolute()
    return unicodedata.normalize("NFC", str(path)).casefold()
