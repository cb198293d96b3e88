"""What loading the plugin costs QGIS, in time and modules, beside QGIS' own Processing plugin, in fresh processes.

python benchmarks/start.py                  this checkout
python benchmarks/start.py --plugin FOLDER  another checkout (its package's name is always ada_mapper)

Each round starts a QGIS without a window twice and loads one of the two plugins: ours (provider, shipped model, menu,
toolbar) into a QGIS that has Processing, and Processing into one that has nothing. The first
round doesn't count: after it the modules are compiled and the files lie in the system's cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7

# Runs in a fresh process; arguments: what to load, and a folder that holds our plugin as ada_mapper.
CHILD = """
import json, os, sys, time
from unittest.mock import MagicMock
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QMainWindow, QToolBar

what, folder = sys.argv[1:]
application = QgsApplication([], True)
application.initQgis()
sys.path[:0] = [QgsApplication.pkgDataPath() + "/python/plugins"]
window = QMainWindow()
iface = MagicMock()
iface.mainWindow.return_value = window
iface.addToolBar = lambda title: window.addToolBar(title)
iface.activeLayer.return_value = None

def load_processing():
    from processing.core.Processing import Processing
    Processing.initialize()

def load_ours():
    import ada_mapper
    plugin = ada_mapper.classFactory(iface)
    plugin.initGui()
    application.processEvents()
    return plugin

if what == "ours":
    load_processing()
    sys.path.insert(0, folder)
before = set(sys.modules)
start, busy = time.perf_counter(), time.thread_time()
kept = load_ours() if what == "ours" else load_processing()
seconds, busy = time.perf_counter() - start, time.thread_time() - busy
loaded = sorted(set(sys.modules) - before)
print("RESULT" + json.dumps({"wall": 1000 * seconds, "busy": 1000 * busy, "modules": loaded}))
sys.stdout.flush()
os._exit(0)
"""


def loaded(what: str, folder: Path, profile: str) -> dict[str, Any]:
    """Loads "ours" or "processing" in a fresh process: milliseconds on the clock and of the processor, new modules."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": profile}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = f"{profile}/compiled"
    command = [sys.executable, "-c", CHILD, what, str(folder)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    lines = [line for line in result.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise RuntimeError(f"QGIS could not load {what}:\\n{result.stdout}{result.stderr}")
    return dict(json.loads(lines[0][len("RESULT") :]))


def main() -> None:
    """Load both in turn, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugin", type=Path, default=ROOT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "processing": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ada_mapper").symlink_to(arguments.plugin.resolve())
        for turn in range(arguments.rounds + 1):
            for what, results in found.items():
                one = loaded(what, folder, name)
                if turn:
                    results.append(one)
    print(f"loading a plugin into a warm QGIS without a window, median of {arguments.rounds} fresh processes")
    for what, results in found.items():
        for kind in ("wall", "busy"):
            times = [one[kind] for one in results]
            print(f"{what:<12} {kind} {statistics.median(times):7.1f} ms ({min(times):.1f} to {max(times):.1f})")
    ratios = [mine["busy"] / peer["busy"] for mine, peer in zip(found["ours"], found["processing"])]
    print(f"ratio        busy {statistics.median(ratios):7.2f}")
    modules = found["ours"][-1]["modules"]
    own = [module for module in modules if module.split(".")[0] == "ada_mapper"]
    core = [module for module in own if module.startswith("ada_mapper.core")]
    heavy = sorted({module.split(".")[0] for module in modules} & {"numpy", "osgeo", "scipy", "torch", "onnxruntime"})
    print(f"modules      {len(modules)} loaded, {len(own)} of them ours, {len(core)} in core; heavy: {heavy or 'none'}")


if __name__ == "__main__":
    main()
