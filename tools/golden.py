"""Records what every algorithm gives on small inputs made by code, and compares a later state with such a record.

    python tools/golden.py record FILE     write the record of this checkout
    python tools/golden.py compare FILE    run anew, print each difference, exit with 1 if there is any
    compare FILE --with OTHER              compare two records
    --words                                pages (HTML) by what is read in them, not by their markup and charts
    --only NAME                            only the groups, or the runs, whose name begins so; may be given again

Before code is moved, ``record``; after it, ``compare``: users must notice nothing. Everything is called by the id of
its algorithm and all inputs are made here or by ``adamapper:simulatescene``, so that the same ``tools/golden*.py``
run in an older or newer checkout. Equality is that of bits, which holds on one machine with the same packages only: a
record is of no use on another one, and none belongs into the repository. Pictures are compared by their pixels only on
the day of the record, as map sheets show the day; on a machine under heavy load QGIS draws a sheet otherwise once in a
while: then ask again with ``--only sheets``.
"""

from __future__ import annotations

import argparse
import difflib
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINES = 12
"""How many lines of a difference are shown."""


def main() -> int:
    """Run what the command line asks for; the exit code."""
    from golden_runs import ENDED, run_group

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("action", choices=("record", "compare", "group"), help="group: used by itself")
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--only", action="append", default=[], metavar="NAME")
    arguments.add_argument("--words", action="store_true")
    arguments.add_argument("--with", dest="other", type=Path, metavar="OTHER")
    arguments.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--keep", type=Path, help="leave inputs and outputs in this new folder")
    options = arguments.parse_args()
    if options.action == "group":
        run_group(options.only[0], options.keep, options.file)
        return 0
    if options.action == "compare":
        before = json.loads(options.file.read_text("utf-8"))
        after = json.loads(options.other.read_text("utf-8")) if options.other else everything(options)
        return report(before, after, options)
    if options.only:
        arguments.error("A record holds everything: --only is for comparing.")
    record = everything(options)
    for name, run in record["runs"].items():
        if ENDED in name:
            sys.stderr.write(f"{name}: {record['texts'][run['text']]}\nNothing was written.\n")
            return 1
    options.file.write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    return 0


def everything(options: argparse.Namespace) -> dict[str, Any]:
    """The record of all groups, each of which runs in a process of its own."""
    from golden_runs import GROUPS

    chosen = [name for name in GROUPS if is_chosen(name, options.only)]
    record: dict[str, Any] = {"day": date.today().isoformat(), "runs": {}, "texts": {}}
    with tempfile.TemporaryDirectory(prefix="golden_") as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        with ThreadPoolExecutor(options.processes) as pool:
            for part in pool.map(lambda name: group(name, folder), chosen):
                record["runs"].update(part["runs"])
                record["texts"].update(part["texts"])
    return record


def group(name: str, folder: Path) -> dict[str, Any]:
    """The record of one group; RuntimeError with what it printed when it fails."""
    start = time.monotonic()
    work, output, runtime = folder / name, folder / f"{name}.record", folder / f"{name}.runtime"
    work.mkdir(parents=True)
    runtime.mkdir(mode=0o700)
    command = [sys.executable, str(Path(__file__).resolve()), "group", str(output), "--only", name, "--keep", str(work)]
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_CUSTOM_CONFIG_PATH": str(folder / f"{name}.configuration"),
        "XDG_RUNTIME_DIR": str(runtime),
        "QT_HASH_SEED": "0",
        "OMP_NUM_THREADS": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode or not output.exists():
        raise RuntimeError(f"The group {name} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    part: dict[str, Any] = json.loads(output.read_text("utf-8"))
    seconds = time.monotonic() - start
    sys.stderr.write(f"{name}: {len(part['runs'])} runs in {seconds:.0f} s\n")
    return part


def is_chosen(name: str, only: list[str]) -> bool:
    """Whether a group, or a run called group/name, is one of those that were asked for (all without names)."""
    head = name.split("/")[0]
    return not only or any(name.startswith(wish) or ("/" not in name and wish.split("/")[0] == head) for wish in only)


def report(before: dict[str, Any], after: dict[str, Any], options: argparse.Namespace) -> int:
    """Print what differs; 1 if anything does, else 0."""
    is_same_day = before["day"] == after["day"]
    texts = {**before["texts"], **after["texts"]}
    if options.words:
        texts = {key: read_words(text) for key, text in texts.items()}
    names = [name for name in {**before["runs"], **after["runs"]} if is_chosen(name, options.only)]
    changed = 0
    for name in names:
        old, new = before["runs"].get(name), after["runs"].get(name)
        found = list(differences(old, new, texts, "", is_same_day))
        changed += bool(found)
        if found:
            sys.stdout.write(f"{name}\n" + "".join(f"  {line}\n" for line in found))
    pictures = "" if is_same_day else " Pixels of pictures were not compared: the record is of another day."
    sys.stdout.write(f"{changed} of {len(names)} runs differ.{pictures}\n")
    return int(changed > 0)


def differences(old: Any, new: Any, texts: dict[str, str], where: str, pixels: bool) -> Iterator[str]:
    """Each difference of two entries, in lines."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if key == "pixels" and not pixels:
                continue
            if key == "text" and key in old and key in new:
                if texts[old[key]] == texts[new[key]]:
                    continue
                yield from changed_lines(texts[old[key]].splitlines(), texts[new[key]].splitlines(), where)
            elif key not in old or key not in new:
                if key not in old or old[key] is not None:
                    yield f"{where}/{key}: {'is gone' if key in old else 'is new'}"
            else:
                yield from differences(old[key], new[key], texts, f"{where}/{key}", pixels)
    elif isinstance(old, list) and isinstance(new, list) and all(isinstance(item, str) for item in (*old, *new)):
        yield from changed_lines(old, new, where)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new), 1):
            yield from differences(*pair, texts, f"{where}[{number}]", pixels)
    else:
        yield f"{where}: {shortened(old)} → {shortened(new)}"


def read_words(text: str) -> str:
    """What is read in a page, a sentence or a cell a line; any other text as it is."""
    if not text.lstrip().lower().startswith("<!doctype html"):
        return text
    text = re.sub(r"<(style|svg|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    parts = (" ".join(html.unescape(part).split()) for part in re.split(r"<[^>]*>", text))
    sentences = (sentence for part in parts for sentence in re.split(r"(?<=[.:;]) ", part))
    return "\n".join(sentence for sentence in sentences if sentence)


def changed_lines(old: list[str], new: list[str], where: str) -> Iterator[str]:
    """The first lines that differ, with - and +."""
    lines = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if not line.startswith(("---", "+++"))]
    yield f"{where}:"
    yield from (f"    {shortened(line)}" for line in lines[:LINES])
    if len(lines) > LINES:
        yield f"    … and {len(lines) - LINES} lines more"


def shortened(value: Any) -> str:
    """A value that fits on a few lines."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]} …"


if __name__ == "__main__":
    sys.exit(main())
