"""The house: who may import from whom. The order of the rooms is declared here and nowhere else.

Read from the source, imports inside functions and those for the type checker included.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the ground up. Rooms of one line stand side by side: none of them imports from another. A file stands for itself.
CORE = (
    ("core", "core/doors", "core/texts", "core/types"),
    ("core/errors", "core/fields"),
    ("core/json_texts", "core/leftovers", "core/packages", "core/progress", "core/robust", "core/sources"),
    ("core/files",),
    ("core/parallel", "core/places"),
    ("core/raster",),
    ("core/vectors",),
    ("core/satellite",),
    ("core/interferograms",),
    ("core/terrain",),
    ("core/channels",),
    ("core/reports",),
    ("core/stacking",),
    ("core/areas",),
    ("core/models",),
    ("core/simulation",),
    ("core/detection",),
    ("core/evidence",),
    ("core/accuracy",),
    ("core/samples",),
    ("core/survey",),
    ("core/learning",),
)
PROCESSING = (
    ("processing", "processing/texts"),
    ("processing/layer_sources", "processing/styles"),
    ("processing/values",),
    ("processing/outputs",),
    ("processing/algorithm",),
    ("processing/layers", "processing/shipped_models"),
    ("processing/mapping", "processing/learning", "processing/accuracy", "processing/survey", "processing/sheets"),
    ("processing/provider",),
)
UI = (
    ("ui", "ui/theme", "ui/help"),
    ("ui/project", "ui/plots"),
    ("ui/runs",),
    ("ui/step", "ui/step_bar"),
    ("ui/data", "ui/channels", "ui/detect", "ui/review", "ui/field"),
    ("ui/panel",),
    ("ui/actions",),
)
PLUGIN = (("plugin",), ("__init__",))
ORDER = (*CORE, *PROCESSING, *UI, *PLUGIN)
FLOORS = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
INNER_ROOMS = {
    "core/interferograms/readers": "core/interferograms",
    "core/simulation/held_apart": "core/simulation",
}
# The files that import a package when they are loaded; others may ask for it while they run, or not at all.
FILES_OF_TORCH = ("core/learning/", "core/models/export.py", "core/models/networks.py", "core/models/weights.py")


@dataclass(frozen=True)
class Import:
    """``name`` of ``module`` (dotted, without ada_mapper) as ``file`` (relative to the root) imports it in a line."""

    file: str
    line: int
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name or 'all'} from {self.module}"


def _files() -> list[Path]:
    folders = [path for folder in ("core", "processing", "ui") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*folders, ROOT / "plugin.py", ROOT / "__init__.py"]


@cache
def _imports_of(path: Path) -> tuple[Import, ...]:
    """All imports of a file from the plugin itself ("core.raster") or from elsewhere ("osgeo")."""
    file = path.relative_to(ROOT).as_posix()
    package = file.split("/")[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [Import(file, node.lineno, _ours(alias.name), "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += [Import(file, node.lineno, _ours(module), alias.name) for alias in node.names]
    return tuple(found)


def _ours(module: str) -> str:
    return module.split(".", 1)[-1] if module.split(".")[0] == "ada_mapper" else module


def _own(path: Path) -> Iterator[tuple[Import, Path]]:
    """Imports of a file from the plugin, each with the file that holds the name, found through the doors."""
    for entry in _imports_of(path):
        base = ROOT.joinpath(*entry.module.split("."))
        if entry.module.split(".")[0] not in ("core", "processing", "ui", "plugin"):
            continue
        if base.is_dir():
            part = base / f"{entry.name}.py"
            room = base / entry.name / "__init__.py"
            yield entry, part if part.exists() else room if room.exists() else _behind_the_door(base, entry.name)
        else:
            yield entry, base.with_suffix(".py")


@cache
def _door(room: Path) -> dict[str, str]:
    """The names that a room's ``__init__`` imports for the type checker, each with the file or the inner room of it."""
    here = ".".join(room.relative_to(ROOT).parts)
    imports = [entry for entry in _imports_of(room / "__init__.py") if f"{entry.module}.".startswith(f"{here}.")]
    return {entry.name: entry.name if entry.module == here else entry.module.split(".")[-1] for entry in imports}


def _behind_the_door(room: Path, name: str) -> Path:
    """The file of a name that a room's door offers; the door itself for names that it doesn't."""
    place = _door(room).get(name)
    if place and (room / place).is_dir():
        return _behind_the_door(room / place, name)
    return room / f"{place}.py" if place else room / "__init__.py"


def _room_of(file: Path) -> str:
    """The room or the single file of ORDER that a file belongs to."""
    inside = file.relative_to(ROOT).with_suffix("").as_posix()
    while inside not in FLOORS:
        if "/" not in inside:
            raise AssertionError(f"{file} is in no room of the declared order")
        inside = inside.rsplit("/", 1)[0]
    return inside


def _folder_of(file: Path) -> str:
    """The folder of a file, which is its room or an inner room."""
    return file.relative_to(ROOT).parent.as_posix()


def _rooms() -> list[Path]:
    return [file.parent for file in _files() if file.name == "__init__.py" and file.parent != ROOT]


def _circle(arrows: dict[str, set[str]]) -> list[str]:
    """One circle of the arrows, or none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return way[way.index(node) :]
        if node in done:
            return []
        for following in sorted(arrows.get(node, ())):
            found = walk(following, [*way, node])
            if found:
                return found
        done.add(node)
        return []

    for node in sorted(arrows):
        found = walk(node, [])
        if found:
            return found
    return []


def test_every_file_belongs_to_a_room_of_the_declared_order():
    assert {_room_of(file) for file in _files()} == set(FLOORS)


def test_imports_only_go_down():
    upwards = [
        str(entry)
        for file in _files()
        for entry, target in _own(file)
        if _room_of(target) != _room_of(file) and FLOORS[_room_of(target)] >= FLOORS[_room_of(file)]
    ]
    assert not upwards, "\n".join(upwards)


def test_the_science_knows_no_qgis_and_no_qt():
    known = ("qgis", "PyQt5", "PyQt6", "sip", "processing", "console", "utils")
    found = [
        str(entry)
        for file in _files()
        for entry in _imports_of(file)
        if entry.file.startswith("core/") and (entry.module.split(".")[0] in known)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("kind", ["files", "rooms"])
def test_no_circle(kind):
    arrows: dict[str, set[str]] = {}
    for file in _files():
        if kind == "files" and file.name == "__init__.py":
            continue
        name = file.relative_to(ROOT).as_posix() if kind == "files" else _room_of(file)
        for _, target in _own(file):
            other = target.relative_to(ROOT).as_posix() if kind == "files" else _room_of(target)
            if kind == "files" or other != name:
                arrows.setdefault(name, set()).add(other)
    assert not _circle(arrows), " → ".join(_circle(arrows))


def test_a_circle_would_be_found():
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert _circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_rooms_are_entered_by_their_door():
    """Across rooms only what the other room names, and from its ``__init__``; inside a room from the file.

    An inner room belongs to the room around it: it takes from its files, and only that room enters.
    """
    past = []
    for file in _files():
        for entry, target in _own(file):
            named = entry.module.replace(".", "/")
            by_door = (ROOT / named).is_dir() and entry.name in _door(ROOT / named)
            here, there = _folder_of(file), named if by_door else _folder_of(target)
            if here == there:
                if named == here and _door(ROOT / here).get(entry.name) and file.name != "__init__.py":
                    past.append(f"{entry}, its own room: import it from the file")
            elif there in ("core", "processing", "ui", ".") or INNER_ROOMS.get(here) == there:
                continue
            elif named != there or entry.name not in _names(ROOT / there):
                past.append(f"{entry}, past the door of {there}")
            elif there in INNER_ROOMS and not f"{here}/".startswith(f"{INNER_ROOMS[there]}/"):
                past.append(f"{entry}, an inner room of {INNER_ROOMS[there]}")
    assert not past, "\n".join(past)


def test_private_names_stay_in_their_file():
    found = [str(entry) for file in _files() for entry, _ in _own(file) if entry.name.startswith("_")]
    assert not found, "\n".join(found)


def _names(room: Path) -> list[str]:
    """``__all__`` as it is written in a room's ``__init__``."""
    for node in ast.parse((room / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            return list(ast.literal_eval(node.value))
    return []


@pytest.mark.parametrize("room", [path.relative_to(ROOT).as_posix() for path in _rooms()])
def test_a_room_says_what_it_holds_and_names_its_door(room):
    source = (ROOT / room / "__init__.py").read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source))
    names = _names(ROOT / room)
    assert len(names) == len(set(names)) and set(names) == set(_door(ROOT / room))
    if room.startswith("core") and "/" in room:
        assert names


def _torch_files_of(room: str) -> set[str]:
    return {Path(file).stem for file in FILES_OF_TORCH if file.startswith(f"{room}/") and file.endswith(".py")}


@pytest.mark.parametrize("room", [path.relative_to(ROOT).as_posix() for path in _rooms()])
def test_every_name_of_a_door_can_be_loaded(room):
    module = importlib.import_module(f"ada_mapper.{room.replace('/', '.')}")
    for name, file in _door(ROOT / room).items():
        if room == "core/learning" or file in _torch_files_of(room):
            pytest.importorskip("torch")
        if room.split("/")[0] != "core":
            pytest.importorskip("qgis")
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def _at_load(path: Path) -> set[str]:
    """The packages that a file imports when it is loaded, not when a function of it runs."""
    nodes = list(ast.parse(path.read_text(encoding="utf-8")).body)
    found = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            nodes += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def _importing(package: str) -> dict[str, bool]:
    """The files that import a package anywhere, and whether they do when they are loaded."""
    return {
        file.relative_to(ROOT).as_posix(): package in _at_load(file)
        for file in _files()
        if any(entry.module.split(".")[0] == package for entry in _imports_of(file))
    }


def test_torch_has_one_door():
    """The files of learning and of the networks need torch; one other, the backend, asks for it when it runs."""
    importing = _importing("torch")
    assert {file for file, at_load in importing.items() if not at_load} == {"core/models/torch_backend.py"}
    assert all(file.startswith(FILES_OF_TORCH) for file, at_load in importing.items() if at_load)


def test_the_runtime_and_the_files_of_networks_are_asked_for_when_they_are_needed():
    assert _importing("onnxruntime") == dict.fromkeys(
        ("core/models/onnx_runtime.py", "core/models/foreign_network.py", "core/learning/quantisation.py"), False
    )
    assert not any(_importing("onnx").values()) and not any(_importing("scipy").values())
