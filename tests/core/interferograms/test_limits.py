"""The usual limits on pairs: the paper's, and readable by a dialog without numpy."""

from __future__ import annotations

import subprocess
import sys

from ada_mapper.core.interferograms import PairLimits


def test_the_usual_limits_are_those_of_the_paper() -> None:
    assert (PairLimits().max_temporal_baseline, PairLimits().max_perpendicular_baseline) == (40, 120)


def test_dialogs_can_read_them_without_numpy() -> None:
    program = "import sys; from ada_mapper.core.interferograms import PairLimits; print('numpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "False"
