"""SBAS and velocity by MintPy (Yunjun et al. 2019) of phases in a file, for the benchmarks that compare with it.

    PYTHON benchmarks/mintpy_sbas.py IN.npz OUT.npz [memory]

Runs in any Python that has MintPy, and imports nothing of this project. IN: ``phases`` (pairs, pixels) in rad, NaN for
no data, ``days`` of the dates since 2020-01-01 and the indices ``first`` and ``second`` of each pair's dates. OUT:
``rate`` and ``error`` (pixels,) in rad/yr, NaN where MintPy gives none, ``seconds``, and ``megabytes`` where asked for.
As ``ifgram_inversion.py --weight-func no`` and ``timeseries2velocity.py`` do it: pixels that have all pairs are
inverted together, others one by one, each date needs a pair; the error is that of a line's slope through the dates.
"""

import contextlib
import datetime
import os
import sys
import time
import tracemalloc

import numpy as np
from mintpy.ifgram_inversion import estimate_timeseries
from mintpy.objects import ifgramStack
from mintpy.utils import time_func


def velocity(phases, names, dates):
    """Rate and standard error (pixels,) in rad/yr."""
    design, velocity_design = ifgramStack.get_design_matrix4timeseries(names)
    ordinals = [datetime.datetime.strptime(day, "%Y%m%d").toordinal() for day in dates]
    spans = (np.diff(ordinals) / 365.25).astype(np.float32)[:, None]
    series = np.full((len(dates), phases.shape[1]), np.nan, np.float32)
    finite = np.isfinite(phases)
    whole = finite.all(axis=0)
    groups = [np.flatnonzero(whole)] + [np.array([pixel]) for pixel in np.flatnonzero(~whole & finite.any(axis=0))]
    for pixels in groups:
        if len(pixels):
            found, _, count = estimate_timeseries(
                design, velocity_design, phases[:, pixels], spans, inv_quality_name="no", print_msg=False
            )
            series[:, pixels] = found if count else np.nan
    model = {"polynomial": 1, "periodic": [], "stepDate": [], "polyline": [], "exp": {}, "log": {}}
    rate, error = (np.full(phases.shape[1], np.nan) for _ in range(2))
    known = np.isfinite(series).all(axis=0)
    line, found, squares = time_func.estimate_time_func(model, dates, series[:, known])
    rate[known] = found[1]
    error[known] = np.sqrt(np.linalg.inv(line.T @ line)[1, 1] * squares / (len(dates) - 2))
    return rate, error


def main():
    """Read, invert once for the time and once for the memory, write."""
    given = np.load(sys.argv[1])
    dates = [
        (datetime.date(2020, 1, 1) + datetime.timedelta(days=int(day))).strftime("%Y%m%d") for day in given["days"]
    ]
    names = [f"{dates[one]}_{dates[other]}" for one, other in zip(given["first"], given["second"])]
    phases = given["phases"]
    megabytes = np.nan
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        begun = time.process_time()
        rate, error = velocity(phases, names, dates)
        seconds = time.process_time() - begun
        if "memory" in sys.argv[3:]:
            tracemalloc.start()
            velocity(phases, names, dates)
            megabytes = tracemalloc.get_traced_memory()[1] / 2**20
    np.savez(sys.argv[2], rate=rate, error=error, seconds=seconds, megabytes=megabytes)


if __name__ == "__main__":
    main()
