"""Pictures of the panel at work, taken in the real QGIS desktop, for looking at and for the guide.

    python tools/desktop_pictures.py FOLDER [--guide]

A scene is simulated and the walk of tests/desktop/folder_to_sheet.py is gone on a small and a large screen, with QGIS'
usual and its dark theme. All pictures go to FOLDER; with --guide the chosen ones replace those in docs/images.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QImage

from qgis_session import ROOT, QgisSession

SCREENS = {"small": "1366x768", "large": "2560x1440"}
THEMES = {"light": "", "dark": "Night Mapping"}
GUIDE = {
    "panel.jpg": "small_light/detect_done",
    "pairs.jpg": "small_light/pairs",
    "channels.jpg": "small_light/channels_dialog",
    "review.jpg": "large_light/review",
    "sheet.jpg": "small_light/sheets/sheet_1_S01",
}
CUTS = {"review.jpg": (960, 100, 1600, 1310)}  # left, top, width, height: the panel is as long as the screen
WIDEST = 1366


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--guide", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    scene = folder / "scene"
    if not scene.exists():
        options = ("SEED=5", "SIZE=512", "DATES=16", f"OUTPUT_FOLDER={scene}")
        QgisSession(folder / "session").process("adamapper:simulatescene", *options)
    for screen, size in SCREENS.items():
        for theme, name in THEMES.items():
            walk(folder / f"{screen}_{theme}", scene, size, name)
    if arguments.guide:
        for target, picture in GUIDE.items():
            save(folder / f"{picture}.png", ROOT / "docs" / "images" / target)


def walk(folder: Path, scene: Path, size: str, theme: str) -> None:
    """Go through the work once; exits with what went wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    task = folder / "task.json"
    facts = {"scene": str(scene), "orbit": "descending", "theme": theme, "pictures": str(folder), "timeout": 580}
    task.write_text(json.dumps(facts))
    script = ROOT / "tests" / "desktop" / "folder_to_sheet.py"
    QgisSession(folder / "session").desktop(script, task, size=size, timeout=600)
    errors = json.loads((folder / "outcome.json").read_text())["errors"]
    if errors:
        sys.exit(f"{folder.name}: {errors[0]}")
    sys.stdout.write(f"{folder}\n")


def save(picture: Path, target: Path) -> None:
    """A picture of the screen as a JPEG that is at most so wide as the guide shows it."""
    image = QImage(str(picture))
    if target.name in CUTS:
        image = image.copy(*CUTS[target.name])
    if image.width() > WIDEST:
        image = image.scaledToWidth(WIDEST, Qt.TransformationMode.SmoothTransformation)
    if image.isNull() or not image.save(str(target), "JPG", 88):
        sys.exit(f"{target} could not be made from {picture}.")


if __name__ == "__main__":
    main()
