"""Runs qgis_process and the QGIS desktop with this checkout as the installed plugin, in a profile of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class QgisSession:
    """A QGIS profile under ``folder`` in which ``plugin`` is installed and enabled.

    ``language`` is that of QGIS' windows (de, zh-Hans …) and ``numbers`` the locale of its numbers (de_DE); empty: the
    system's.
    """

    folder: Path
    plugin: Path = ROOT
    language: str = ""
    numbers: str = ""

    def __post_init__(self) -> None:
        for plugins in (self.folder / "plugins", self._profile / "python" / "plugins"):
            plugins.mkdir(parents=True, exist_ok=True)
            link = plugins / "ada_mapper"
            if not link.exists():
                link.symlink_to(self.plugin)
        settings = self._profile / "QGIS" / "QGIS3.ini"
        settings.parent.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            text = "[PythonPlugins]\nada_mapper=true\nprocessing=true\n[app]\nfirstRunVersionFlag=999999\n"
            if self.language:
                text += f"[locale]\noverrideFlag=true\nuserLocale={self.language}\nglobalLocale={self.numbers}\n"
            settings.write_text(text)

    @property
    def _profile(self) -> Path:
        return self.folder / "profiles" / "default"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for a QGIS program."""
        runtime = self.folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        return {
            **os.environ,
            "XDG_RUNTIME_DIR": str(runtime),
            "QGIS_CUSTOM_CONFIG_PATH": str(self.folder / "configuration"),
            "QGIS_PLUGINPATH": str(self.folder / "plugins"),
            "PYTHONPATH": sysconfig.get_paths()["purelib"],
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def process(self, *arguments: str, project: Path | None = None, timeout: float = 1200) -> dict[str, Any]:
        """Run an algorithm: process("adamapper:slope", "INPUT=dem.tif", …) → the parsed JSON answer.

        Raises RuntimeError with what qgis_process printed when the algorithm fails.
        """
        environment = {**self.environment, "QT_QPA_PLATFORM": "offscreen"}
        program = shutil.which("qgis_process.bin") or shutil.which("qgis_process") or "qgis_process"
        if not (self.folder / "configuration").exists():
            subprocess.run([program, "plugins", "enable", "ada_mapper"], env=environment, capture_output=True)
        options = [f"--project_path={project}"] if project else []
        result = subprocess.run(
            [program, "--json", "run", arguments[0], *options, "--", *arguments[1:]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        start = result.stdout.find("{")
        if result.returncode or start < 0:
            raise RuntimeError(f"{arguments[0]} failed:\n{result.stdout}\n{result.stderr}")
        return dict(json.loads(result.stdout[start:]))

    def desktop(self, script: Path, task: Path, size: str = "1600x1000", timeout: float = 300) -> str:
        """Start the desktop on a virtual screen, run a Python script in it, return what it printed.

        The script finds the path ``task`` in the environment as ADA_MAPPER_TASK and modules beside it on its path, and
        ends the program itself, by QApplication.exit().
        """
        environment = {**self.environment, "ADA_MAPPER_TASK": str(task)}
        environment["PYTHONPATH"] += f"{os.pathsep}{script.parent}"
        environment.pop("QT_QPA_PLATFORM", None)
        command = ["xvfb-run", "-a", "-s", f"-screen 0 {size}x24", "qgis", "--noversioncheck", "--nologo"]
        command += ["--profiles-path", str(self.folder), "--code", str(script)]
        program = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = program.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            output, _ = program.communicate()
            raise RuntimeError(f"QGIS did not end within {timeout:g} s:\n{output}") from None
        if program.returncode:
            raise RuntimeError(f"QGIS ended with {program.returncode}:\n{output}")
        return output


if __name__ == "__main__":
    session = QgisSession(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(session.process(*sys.argv[2:]), indent=2))
