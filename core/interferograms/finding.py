"""From a folder, or a CSV of pairs, to a stack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from ..errors import InputError
from ..progress import QUIET, Progress
from ..raster import Band, Grid
from ..satellite import LEFT, RIGHT, SENTINEL1_WAVELENGTH
from ..texts import Message
from ..types import PathLike
from .checking import checked_components, checked_phase, with_checked_coherences
from .found import Found, some
from .frames import pairs_of_files
from .given import AS_TOLD, GivenView
from .grids import common_grid, window_on
from .model import Acquisition, Interferogram, Stack
from .pairs_file import Entry, read_pairs_file
from .readers import (
    AUTO,
    PRODUCTS,
    Folder,
    Pair,
    ProductReader,
    Source,
    band_of_source,
    checked_grid,
    declared_nodata_only,
    product_of,
    reader_of,
    recognise,
    told_as_unreadable,
    with_archives,
)
from .tracks import of_one_track

# Share of the time that opening the files takes, beside comparing those that lie side by side.
_LISTED = 0.8
# Wavelengths of one sensor differ by less (frequencies are rounded differently); those of two sensors by more.
_SAME_WAVELENGTH = 0.005
_FIRST_SENTINEL1 = date(2014, 4, 3)


def find_stack(
    folder: PathLike | None,
    product: str = AUTO,
    pairs_file: PathLike | None = None,
    progress: Progress = QUIET,
    view: GivenView = AS_TOLD,
) -> Stack:
    """All interferograms below a folder, or of a CSV of pairs, as one stack on one grid.

    ``product`` is a key of ``PRODUCTS`` or "auto". With a CSV, the folder only adds metadata. ``view`` takes the
    place of what table and metadata tell of wavelength and view. What is missing, assumed, contradicted or left out is
    told to ``progress`` and in ``Stack.notes``. Raises InputError when nothing usable is found, when the product isn't
    clear and when the files are of different radars.
    """
    notes: list[str] = []
    if product != AUTO:
        reader_of(product)
    if pairs_file is not None and str(pairs_file):
        found = _from_pairs_file(Path(pairs_file), folder, product, notes, progress.part(0, _LISTED), view)
    elif folder is not None and str(folder):
        listed = with_archives(Folder.of(Path(folder), progress.check), progress.check)
        found = _from_folder(listed, product, notes, progress.part(0, _LISTED), view)
    else:
        raise InputError("Choose the folder that holds the interferograms, or a CSV file that lists them.")
    found = _placed(found, notes)
    # Tracks are told apart by what the products say.
    tracked = [_seen_as(item, view, notes) for item in of_one_track(found, notes)]
    notes[:] = _same_of_several_files(notes)
    pairs, grid, files = pairs_of_files(tracked, notes, progress.part(_LISTED, 1))
    wavelength = _wavelength(files, notes)
    _check_look_side(files, notes)
    _note_missing(pairs, files, notes)
    stack = Stack(tuple(pairs), grid, wavelength, tuple(notes))
    for note in stack.notes:
        progress.warning(note)
    return stack


def _seen_as(found: Found, view: GivenView, notes: list[str]) -> Found:
    return replace(found, interferogram=view.angles.over(found.interferogram, found.file, notes))


def _from_folder(folder: Folder, product: str, notes: list[str], progress: Progress, view: GivenView) -> list[Found]:
    key, files = recognise(folder, product)
    reader = PRODUCTS[key]
    notes.extend((*folder.notes, *reader.incomplete(files, folder)))
    progress.info(
        "{count} interferograms of the product {key} ({title}) found in {path}.",
        count=len(files),
        key=key,
        title=reader.title,
        path=folder.path,
    )
    found, failures = [], []
    for i, path in enumerate(files):
        progress.report(i / len(files))
        try:
            with told_as_unreadable(path):
                found.append(_read(path, key, folder, notes, GivenView(view.wavelength)))
        except InputError as error:
            failures.append(error.message)
    return _usable(found, failures, notes)


def _usable(found: list[Found], failures: Sequence[str], notes: list[str]) -> list[Found]:
    if not found:
        more = Message(" The same goes for {count} more files.", count=len(failures) - 1) if len(failures) > 1 else ""
        raise InputError("No interferogram can be used. {failure}{more}", failure=failures[0], more=more)
    found = with_checked_coherences(found, notes)
    notes[:] = _same_of_several_files(notes)
    notes.extend(Message("Left out: {failure}", failure=failure) for failure in failures)
    return found


def _same_of_several_files(notes: Sequence[str]) -> list[str]:
    """The notes, each once where it says the same of several files: of the first one, and how many more there are."""
    alike: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        values = {key: str(value) for key, value in note.values.items()} if isinstance(note, Message) else {}
        path = values.pop("path", "")
        for different in ("share", "largest", "typical"):
            values.pop(different, "")
        alike.setdefault((note.template if isinstance(note, Message) and path else note, repr(values)), []).append(note)
    return [
        Message("{note} The same goes for {count} more files.", note=same[0], count=len(same) - 1)
        if len(set(same)) > 1
        else same[0]
        for same in alike.values()
    ]


def _read(path: Path, key: str, folder: Folder, notes: list[str], view: GivenView) -> Found:
    """One interferogram of a product; InputError when it can't be used."""
    reader = PRODUCTS[key]
    dates = reader.dates(path)
    if dates is None:
        raise InputError(
            "{path} has no two dates in its name. List it with its dates in a CSV file of pairs.", path=path
        )
    phase = reader.phase(path, folder)
    grid = checked_grid(phase)
    known = reader.acquisition(path, dates, folder)
    notes.extend(note for note in known.notes if note not in notes)
    known = view.over(known, path, notes)
    phase = checked_phase(phase, path, dates, known.wavelength, notes)
    coherence = _coherence(reader, path, dates, folder, notes)
    components = _components(reader, path, dates, folder, notes)
    pair = replace(_ordered(phase, dates, key, known, coherence), components=components)
    return _found(pair, grid, path, known)


def _found(pair: Interferogram, grid: Grid, path: Path, known: Acquisition) -> Found:
    return Found(pair, grid, path, known.is_ascending, known.track, known.seconds)


def _coherence(reader: ProductReader, path: Path, dates: Pair, folder: Folder, notes: list[str]) -> Band | None:
    file = reader.find_coherence(path, dates, folder)
    if file is None:
        return None
    try:
        with told_as_unreadable(file):
            band = reader.coherence(file, folder)
            checked_grid(band)
    except InputError as error:
        notes.append(Message("Coherence not used: {error}", error=error))
        return None
    return band


def _components(reader: ProductReader, path: Path, dates: Pair, folder: Folder, notes: list[str]) -> Band | None:
    file = reader.find_components(path, dates, folder)
    if file is None:
        return None
    try:
        with told_as_unreadable(file):
            band = reader.components(file, folder)
            checked_grid(band)
            return checked_components(band)
    except InputError as error:
        notes.append(Message("Connected components not used: {error}", error=error))
        return None


def _ordered(phase: Band, dates: Pair, key: str, known: Acquisition, coherence: Band | None) -> Interferogram:
    """The interferogram from the earlier to the later date: phase and baseline change sign when named the other way."""
    if dates[0] == dates[1]:
        raise InputError(
            "{label} has the date {dates} twice in its name. A pair needs two dates.", label=phase.label, dates=dates[0]
        )
    baseline = known.perpendicular_baseline
    if dates[0] > dates[1]:
        phase = replace(phase, scale=-phase.scale)
        baseline = None if baseline is None else -baseline
    return Interferogram(
        phase,
        min(dates),
        max(dates),
        key,
        baseline,
        coherence,
        known.wavelength,
        known.heading,
        known.incidence,
        known.look_side,
    )


def _from_pairs_file(
    path: Path, folder: PathLike | None, product: str, notes: list[str], progress: Progress, view: GivenView
) -> list[Found]:
    entries = read_pairs_file(path, notes, progress.check)
    files = (
        Folder.of(Path(folder), progress.check)
        if folder and str(folder)
        else Folder.around((entry.file.path for entry in entries), progress.check)
    )
    notes.extend(files.notes)
    found, failures = [], []
    for i, entry in enumerate(entries):
        progress.report(i / len(entries))
        try:
            with told_as_unreadable(entry.file.path):
                found.append(_read_entry(entry, product, files, notes, GivenView(view.wavelength)))
        except InputError as error:
            failures.append(error.message)
    reversed_pairs = [entry.file.path.name for entry in entries if entry.first > entry.second]
    if reversed_pairs:
        notes.append(
            Message(
                "date1 is later than date2 for {some}: phase and baseline were taken with the other sign.",
                some=some(reversed_pairs),
            )
        )
    return _usable(found, failures, notes)


def _read_entry(entry: Entry, product: str, folder: Folder, notes: list[str], view: GivenView) -> Found:
    """An interferogram as told by the CSV; what it doesn't tell comes from the product, where that is known."""
    dates = (entry.first, entry.second)
    path = entry.file.path
    key = None if entry.file.variable else product_of(path) if product == AUTO else product
    known, coherence, components = Acquisition(), None, None
    if key is None:
        if entry.coherence == entry.file:
            raise InputError("{label} is listed as the coherence of itself.", label=entry.file.label)
        phase = declared_nodata_only(band_of_source(entry.file))
    else:
        reader = PRODUCTS[key]
        phase = reader.phase(path, folder)
        known = reader.acquisition(path, dates, folder)
        notes.extend(note for note in known.notes if note not in notes)
        coherence = None if entry.coherence else _coherence(reader, path, dates, folder, notes)
        components = _components(reader, path, dates, folder, notes)
    if entry.coherence:
        coherence = _told_coherence(entry.coherence, key, folder)
        checked_grid(coherence)
    if entry.perpendicular_baseline is not None:
        known = replace(known, perpendicular_baseline=entry.perpendicular_baseline)
    known = view.over(entry.view.over(known, path, notes), path, notes)
    grid = checked_grid(phase)
    phase = checked_phase(phase, path, dates, known.wavelength, notes)
    pair = replace(_ordered(phase, dates, key or "geotiff", known, coherence), components=components)
    return _found(pair, grid, path, known)


def _told_coherence(source: Source, key: str | None, folder: Folder) -> Band:
    if key is not None and not source.variable and PRODUCTS[key].coherence_name.search(source.path.name):
        return PRODUCTS[key].coherence(source.path, folder)
    return declared_nodata_only(band_of_source(source))


def _placed(found: Sequence[Found], notes: list[str]) -> list[Found]:
    """The files that have a place in the CRS of most."""
    reference, _ = common_grid([item.grid for item in found])
    placed, failures = [], []
    for item in found:
        try:
            window_on(reference, item.grid)
            placed.append(item)
        except InputError as error:
            failures.append(error.message)
    return _usable(placed, failures, notes)


def _wavelength(found: Sequence[Found], notes: list[str]) -> float:
    pairs = [item.interferogram for item in found]
    known = [pair for pair in pairs if pair.wavelength is not None]
    if not known:
        first = min(pair.first_date for pair in pairs)
        notes.append(
            Message(
                "No metadata tells the radar wavelength: that of Sentinel-1, {sentinel1_wavelength} m, is assumed. "
                "Rates of another satellite are wrong by the ratio of the wavelengths (ALOS-2 has 0.2424 m, so 4.4 "
                "times): give the wavelength, or the column wavelength_m in the table of pairs.",
                sentinel1_wavelength=SENTINEL1_WAVELENGTH,
            )
        )
        if first < _FIRST_SENTINEL1:
            notes.append(
                Message(
                    "The first date, {first}, is before Sentinel-1 flew: the assumed wavelength is most likely wrong, "
                    "and all rates with it.",
                    first=first,
                )
            )
        return SENTINEL1_WAVELENGTH
    value = known[0].wavelength or math.nan
    for pair in known:
        if pair.wavelength is not None and abs(pair.wavelength / value - 1) > _SAME_WAVELENGTH:
            raise InputError(
                "{label} has the wavelength {first_wavelength:.6g} m and {other_label} {wavelength:.6g} m. "
                "Stack the interferograms of one sensor at a time.",
                label=known[0].phase.label,
                first_wavelength=value,
                other_label=pair.phase.label,
                wavelength=pair.wavelength,
            )
    if len(known) < len(pairs):
        notes.append(
            Message(
                "{count} of {pairs} interferograms don't tell their radar wavelength; that of the others, "
                "{wavelength:.6g} m, is used.",
                count=len(pairs) - len(known),
                pairs=len(pairs),
                wavelength=value,
            )
        )
    return value


def _check_look_side(found: Sequence[Found], notes: list[str]) -> None:
    """InputError where pairs are of different look sides; a note where a heading is known but not the side."""
    pairs = [item.interferogram for item in found]
    sides = {pair.look_side: pair.phase.label for pair in pairs if pair.look_side is not None}
    if len(sides) > 1:
        raise InputError(
            "{left} is of a radar that looks to the left, {right} of one that looks to the right. Stack the "
            "interferograms of one of them at a time.",
            left=sides[LEFT],
            right=sides[RIGHT],
        )
    if not sides and any(pair.heading is not None for pair in pairs):
        notes.append(
            Message(
                "Nothing tells to which side of its flight the radar looks: to the right is assumed. For one that "
                "looks to the left, give the look side."
            )
        )


def _note_missing(pairs: Sequence[Interferogram], files: Sequence[Found], notes: list[str]) -> None:
    without_baseline = [pair.name for pair in pairs if pair.perpendicular_baseline is None]
    if len(without_baseline) == len(pairs):
        notes.append(Message("No perpendicular baselines were found; the limit on them is not applied."))
    elif without_baseline:
        notes.append(
            Message(
                "No perpendicular baseline was found for {some}; the limit on it is not applied to them.",
                some=some(without_baseline),
            )
        )
    without_coherence = [pair.name for pair in pairs if pair.coherence is None]
    if len(without_coherence) == len(pairs):
        notes.append(Message("No coherence was found."))
        return
    without_coherence += [
        item.label for item in files if item.coherence is None and item.interferogram.name not in without_coherence
    ]
    if without_coherence:
        notes.append(Message("No coherence was found for {some}.", some=some(without_coherence)))
