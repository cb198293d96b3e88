"""make refusals: writes docs/bad-inputs.md, what is said to each kind of bad input, from a run of the campaign.

The campaign (tests/campaign) gives every algorithm every bad input; its record is an XML file of pytest. For each kind
of input and what is wrong with it, the page shows the answer of the first algorithm that was given it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "bad-inputs.md"
HEAD = """# Bad inputs, and what is said to them

A map that looks right is believed. So an input that can't give right numbers is refused in one sentence that says what
is wrong, where, and what to do; where ADA Mapper can go on, the log tells what it made of it. A refused run leaves
nothing behind.

These are the answers of one run of `make refusals`, which gives each tool each bad input in place of a good one. Names
of folders are left out. Where another tool words it otherwise, the meaning is the same.
"""


@dataclass(frozen=True)
class Answer:
    """What a tool said to a bad input."""

    group: str
    name: str
    where: str
    who: str
    sentence: str


def main() -> int:
    """Run the campaign and write the page; 1 when a test of it failed."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "campaign.xml"
        if len(sys.argv) == 1:
            # Not "python -m pytest", which puts this folder first: its "processing" would hide that of QGIS.
            command = [Path(sys.executable).with_name("pytest"), "tests/campaign", "-q", "-p", "no:randomly"]
            done = subprocess.run([*command, f"--junitxml={record}"], cwd=ROOT)
            if done.returncode:
                return 1
        PAGE.write_text(page(answers(record)), encoding="utf-8")
    return 0


def answers(record: Path) -> list[Answer]:
    """The answers that a record holds, in its order."""
    found = []
    for case in ElementTree.parse(record).getroot().iter("testcase"):
        said = {item.get("name", ""): item.get("value", "") for item in case.iter("property")}
        match = re.search(r"\[(\S+): (.+)\]$", case.get("name", ""))
        if match and "who" in said:
            sentence = said["sentence"] or _told(said["log"], said["given"])
            found.append(Answer(said["group"], match[2], match[1], said["who"], _without_folders(sentence)))
    return found


def page(found: list[Answer]) -> str:
    """The page: a table for each kind of input."""
    lines = [HEAD]
    for group in dict.fromkeys(answer.group for answer in found):
        of_group = [answer for answer in found if answer.group == group]
        lines += [f"## {group}", "", "| What is wrong | Example | Answer |", "|---|---|---|"]
        for name in dict.fromkeys(answer.name for answer in of_group):
            lines.append(_row(name, [answer for answer in of_group if answer.name == name]))
        lines.append("")
    return "\n".join(lines)


def _row(name: str, same: list[Answer]) -> str:
    """The first answer of ours that stops a tool, else QGIS' own, else what was told while it went on."""
    order = {"ADA Mapper": 0, "QGIS": 1, "": 2}
    best = min(same, key=lambda answer: (order[answer.who] if answer.sentence else 3, "end in" in answer.sentence))
    note = {"ADA Mapper": "", "QGIS": "QGIS: ", "": "goes on: "}[best.who]
    text = best.sentence.replace("|", "\\|") or "nothing that matters to this tool"
    return f"| {name} | `{best.where}` | {note}{text} |"


def _told(log: str, given: str) -> str:
    """The line of a log, whose warnings come first, that tells of what was left out or names the file."""
    name = Path(given).name
    lines = [line for line in log.splitlines() if not line.startswith("Results")]
    left_out = [line for line in lines if line.startswith("Left out")]
    return next(iter([*left_out, *(line for line in lines if name and name in line)]), "")


def _without_folders(text: str) -> str:
    return re.sub(r"/\S*/(?=[^/\s]*)", "", text).replace("\n", " ").strip()


if __name__ == "__main__":
    sys.exit(main())
