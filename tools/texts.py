"""make texts: every text that a user can see, for translators, as a Qt .ts file; and the texts that none could find.

Texts are literals in what puts them into words: tr() and QT_TRANSLATE_NOOP() in tools and windows; errors, notes and
Messages in core; tr() in the templates of reports. The context is the one of processing/texts.py.
"""

from __future__ import annotations

import argparse
import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = "AdaMapper"

# What takes a text, and which of its arguments that is.
_FUNCTIONS = {
    "tr": 0, "_tr": 0, "translate": 1, "QT_TRANSLATE_NOOP": 1, "Message": 0, "InputError": 0, "OutputError": 0,
    "DependencyError": 0, "CancelledError": 0, "OutsideError": 0, "Field": 3,
}  # fmt: skip
_METHODS = {"info": 0, "warning": 0, "tr": 0, "translate": 1}
# What takes sentences that only developers read.
_FOR_DEVELOPERS = {
    "ValueError", "TypeError", "AssertionError", "AttributeError", "IndexError", "KeyError", "RuntimeError",
    "ArgumentParser", "add_argument", "error", "basicConfig", "debug",
}  # fmt: skip
_IN_TEMPLATES = re.compile(r"""\btr\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


@dataclass(frozen=True)
class Place:
    """Where a text stands."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def texts(root: Path = ROOT) -> dict[str, list[Place]]:
    """All texts, in the order of files and lines, with their places."""
    found: dict[str, list[Place]] = {}
    for path, tree in _trees(root):
        for call, argument in _sinks(tree):
            text = argument.value if isinstance(argument, ast.Constant) else None
            if isinstance(text, str) and text:
                found.setdefault(text, []).append(Place(path, call.lineno))
    for path in sorted(root.glob("core/**/*.html")):
        content = path.read_text(encoding="utf-8")
        for match in _IN_TEMPLATES.finditer(content):
            place = Place(path.relative_to(root).as_posix(), content.count("\n", 0, match.start()) + 1)
            found.setdefault(ast.literal_eval(match[1]), []).append(place)
    return found


def lost_sentences(root: Path = ROOT) -> list[tuple[Place, str]]:
    """Sentences that nothing puts into words: literals of three words or more that end as a sentence does."""
    lost = []
    for path, tree in _trees(root):
        known = _inside_sinks(tree)
        for node in ast.walk(tree):
            text = _literal(node)
            if text and node not in known and _is_sentence(text):
                lost.append((Place(path, node.lineno), text))  # type: ignore[attr-defined]
    return lost


def computed_texts(root: Path = ROOT) -> list[tuple[Place, str]]:
    """What takes a text but gets an f-string or a sum, whose parts no translator can see."""
    computed = []
    for path, tree in _trees(root):
        for call, argument in _sinks(tree):
            if isinstance(argument, (ast.JoinedStr, ast.BinOp)):
                computed.append((Place(path, call.lineno), ast.unparse(argument)))
    return computed


def wrong_values(root: Path = ROOT) -> list[tuple[Place, str]]:
    """Templates of core whose places and values don't have the same names."""
    wrong = []
    for path, tree in _trees(root):
        for call, argument in _sinks(tree):
            text, names = _literal(argument), {keyword.arg for keyword in call.keywords}
            if path.startswith("core/") and text and names and _name(call) != "Field":
                places = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
                if places != names:
                    wrong.append((Place(path, call.lineno), text))
    return wrong


def _trees(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for room in ("core", "processing", "ui"):
        for path in sorted((root / room).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _sinks(tree: ast.Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            index = _FUNCTIONS.get(_name(node)) if isinstance(node.func, ast.Name) else _METHODS.get(_name(node))
            if index is not None and index < len(node.args):
                yield node, node.args[index]


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _literal(node: ast.AST) -> str:
    """The text of a literal, "{}" for each value of an f-string; "" for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _inside_sinks(tree: ast.Module) -> set[ast.AST]:
    """Docstrings, parts of f-strings, and what stands in the call of something that takes texts."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inside.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            inside.update(node.values)
        elif isinstance(node, ast.Call) and _name(node) in {*_FUNCTIONS, *_METHODS, *_FOR_DEVELOPERS}:
            for argument in node.args:
                inside.update(ast.walk(argument))
    return inside


def _is_sentence(text: str) -> bool:
    return text.strip().endswith((".", "?", "!")) and len(re.findall(r"[^\W\d_]{2,}", text)) >= 3 and "<" not in text


def write(path: Path) -> int:
    """Write the .ts file that lrelease and Qt Linguist read; the number of texts."""
    found = texts()
    document = ElementTree.Element("TS", version="2.1", sourcelanguage="en")
    context = ElementTree.SubElement(document, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text, places in found.items():
        message = ElementTree.SubElement(context, "message")
        for place in places:
            ElementTree.SubElement(message, "location", filename=place.file, line=str(place.line))
        ElementTree.SubElement(message, "source").text = text
        ElementTree.SubElement(message, "translation", type="unfinished")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.indent(document)
    ElementTree.ElementTree(document).write(path, encoding="utf-8", xml_declaration=True)
    return len(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the .ts file to write")
    target = parser.parse_args().file
    print(f"{write(target)} texts: {target}")  # noqa: T201
