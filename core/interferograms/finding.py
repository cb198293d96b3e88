"""From a folder, or a CSV of pairs, to a stack."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..progress import QUIET, Progress
from ..raster import Band, Grid
from ..satellite import SENTINEL1_WAVELENGTH
from ..texts import Message
from ..types import PathLike
from .grids import common_grid, overlaps
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
    coherence_of,
    declared_nodata_only,
    product_of,
    reader_of,
    recognise,
)

# Wavelengths of one sensor differ by less (frequencies are rounded differently); those of two sensors by more.
_SAME_WAVELENGTH = 0.005
_NAMES_IN_A_NOTE = 5


@dataclass(frozen=True)
class _Found:
    """An interferogram with the grid of its file and the direction of its orbit."""

    interferogram: Interferogram
    grid: Grid
    is_ascending: bool | None


def find_stack(
    folder: PathLike | None,
    product: str = AUTO,
    pairs_file: PathLike | None = None,
    progress: Progress = QUIET,
) -> Stack:
    """All interferograms below a folder, or of a CSV of pairs, as one stack on one grid.

    ``product`` is a key of ``PRODUCTS`` or "auto". With a CSV, the folder only adds metadata. What is missing,
    assumed or left out is told to ``progress`` and in ``Stack.notes``. Raises InputError when nothing usable is
    found or the product isn't clear.
    """
    notes: list[str] = []
    if product != AUTO:
        reader_of(product)
    if pairs_file is not None and str(pairs_file):
        found = _from_pairs_file(Path(pairs_file), folder, product, notes, progress)
    elif folder is not None and str(folder):
        found = _from_folder(Folder.of(Path(folder), progress.check), product, notes, progress)
    else:
        raise InputError("Choose the folder that holds the interferograms, or a CSV file that lists them.")
    _check_orbit(found)
    stack = _stack_of(_without_doubles(found, notes), notes)
    for note in stack.notes:
        progress.warning(note)
    return stack


def _from_folder(folder: Folder, product: str, notes: list[str], progress: Progress) -> list[_Found]:
    key, files = recognise(folder, product)
    notes.extend(folder.notes)
    reader = PRODUCTS[key]
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
            found.append(_read(path, key, folder, notes))
        except InputError as error:
            failures.append(error.message)
    return _usable(found, failures, notes)


def _usable(found: list[_Found], failures: Sequence[str], notes: list[str]) -> list[_Found]:
    if not found:
        more = Message(" The same goes for {count} more files.", count=len(failures) - 1) if len(failures) > 1 else ""
        raise InputError("No interferogram can be used. {failure}{more}", failure=failures[0], more=more)
    notes[:] = _same_of_several_files(notes)
    notes.extend(Message("Left out: {failure}", failure=failure) for failure in failures)
    return found


def _same_of_several_files(notes: Sequence[str]) -> list[str]:
    """The notes, each once where it says the same of several files: of the first one, and how many more there are."""
    alike: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        values = {key: str(value) for key, value in note.values.items()} if isinstance(note, Message) else {}
        path = values.pop("path", "")
        alike.setdefault((note.template if isinstance(note, Message) and path else note, repr(values)), []).append(note)
    return [
        Message("{note} The same goes for {count} more files.", note=same[0], count=len(same) - 1)
        if len(set(same)) > 1
        else same[0]
        for same in alike.values()
    ]


def _read(path: Path, key: str, folder: Folder, notes: list[str]) -> _Found:
    """One interferogram of a product; InputError when it can't be used."""
    reader = PRODUCTS[key]
    dates = reader.dates(path)
    if dates is None:
        raise InputError(
            "{path} has no two dates in its name. List it with its dates in a CSV file of pairs.", path=path
        )
    phase = reader.phase(path, folder)
    grid = checked_grid(phase)
    coherence = _coherence(reader, path, dates, folder, notes)
    known = reader.acquisition(path, dates, folder)
    notes.extend(note for note in known.notes if note not in notes)
    return _Found(_ordered(phase, dates, key, known, coherence), grid, known.is_ascending)


def _coherence(reader: ProductReader, path: Path, dates: Pair, folder: Folder, notes: list[str]) -> Band | None:
    file = reader.find_coherence(path, dates, folder)
    if file is None:
        return None
    try:
        band = reader.coherence(file, folder)
        checked_grid(band)
    except InputError as error:
        notes.append(Message("Coherence not used: {error}", error=error))
        return None
    return band


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
        phase, min(dates), max(dates), key, baseline, coherence, known.wavelength, known.heading, known.incidence
    )


def _from_pairs_file(
    path: Path, folder: PathLike | None, product: str, notes: list[str], progress: Progress
) -> list[_Found]:
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
            found.append(_read_entry(entry, product, files, notes))
        except InputError as error:
            failures.append(error.message)
    reversed_pairs = [entry.file.path.name for entry in entries if entry.first > entry.second]
    if reversed_pairs:
        notes.append(
            Message(
                "date1 is later than date2 for {some}: phase and baseline were taken with the other sign.",
                some=_some(reversed_pairs),
            )
        )
    return _usable(found, failures, notes)


def _read_entry(entry: Entry, product: str, folder: Folder, notes: list[str]) -> _Found:
    """An interferogram as told by the CSV; what it doesn't tell comes from the product, where that is known."""
    dates = (entry.first, entry.second)
    path = entry.file.path
    key = None if entry.file.variable else product_of(path) if product == AUTO else product
    known, coherence = Acquisition(), None
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
    if entry.coherence:
        coherence = _told_coherence(entry.coherence, key, folder)
        checked_grid(coherence)
    if entry.perpendicular_baseline is not None:
        known = replace(known, perpendicular_baseline=entry.perpendicular_baseline)
    pair = _ordered(phase, dates, key or "geotiff", known, coherence)
    return _Found(pair, checked_grid(phase), known.is_ascending)


def _told_coherence(source: Source, key: str | None, folder: Folder) -> Band:
    if key is not None and not source.variable and PRODUCTS[key].coherence_name.search(source.path.name):
        return PRODUCTS[key].coherence(source.path, folder)
    band = band_of_source(source)
    return coherence_of(band.path, band.index, band.label)


def _check_orbit(found: Sequence[_Found]) -> None:
    """InputError for a mixture of two orbits, whose lines of sight point to opposite sides."""
    files: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for item in found:
        files[item.is_ascending].append(item.interferogram.phase.label)
    if files[True] and files[False]:
        raise InputError(
            "These are interferograms of two orbits, which look from opposite sides: {ascending} "
            "ascending (such as {first_ascending}) and {descending} descending (such as {first_descending}). Choose "
            "the folder of one orbit; areas of both can be merged afterwards.",
            ascending=len(files[True]),
            first_ascending=files[True][0],
            descending=len(files[False]),
            first_descending=files[False][0],
        )


def _without_doubles(found: Iterable[_Found], notes: list[str]) -> list[_Found]:
    """The first of each pair, in the order of dates."""
    kept: dict[Pair, _Found] = {}
    for item in found:
        pair = item.interferogram
        first = kept.setdefault((pair.first_date, pair.second_date), item)
        if first is not item:
            notes.append(
                Message(
                    "The pair {name} is there twice: {label} is used and {other_label} left out.",
                    name=pair.name,
                    label=first.interferogram.phase.label,
                    other_label=pair.phase.label,
                )
            )
    return [kept[pair] for pair in sorted(kept)]


def _stack_of(found: list[_Found], notes: list[str]) -> Stack:
    grid, coincide = common_grid([item.grid for item in found])
    others = [item.interferogram.phase.label for item, same in zip(found, coincide) if not same]
    if others:
        notes.append(
            Message(
                "Resampled to the grid of the other interferograms, as CRS, pixel size or pixel corners "
                "differ: {some}.",
                some=_some(others),
            )
        )
    outside = [item.interferogram.phase.label for item in found if not overlaps(item.grid, grid)]
    if outside:
        notes.append(
            Message("Left out, as it lies beside the area of the other interferograms: {some}.", some=_some(outside))
        )
    if any(not item.grid.same_as(grid) for item, same in zip(found, coincide) if same):
        notes.append(
            Message(
                "The interferograms differ in extent; they are used on one grid of {width} × {height} pixels, "
                "with no data where one doesn't reach.",
                width=grid.width,
                height=grid.height,
            )
        )
    pairs = [item.interferogram for item in found if item.interferogram.phase.label not in outside]
    wavelength = _wavelength(pairs, notes)
    _note_missing(pairs, notes)
    return Stack(tuple(pairs), grid, wavelength, tuple(notes))


def _wavelength(pairs: Sequence[Interferogram], notes: list[str]) -> float:
    known = [pair for pair in pairs if pair.wavelength is not None]
    if not known:
        notes.append(
            Message(
                "No metadata tells the radar wavelength; that of Sentinel-1, {sentinel1_wavelength} m, is assumed.",
                sentinel1_wavelength=SENTINEL1_WAVELENGTH,
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


def _note_missing(pairs: Sequence[Interferogram], notes: list[str]) -> None:
    without_baseline = [pair.name for pair in pairs if pair.perpendicular_baseline is None]
    if len(without_baseline) == len(pairs):
        notes.append(Message("No perpendicular baselines were found; the limit on them is not applied."))
    elif without_baseline:
        notes.append(
            Message(
                "No perpendicular baseline was found for {some}; the limit on it is not applied to them.",
                some=_some(without_baseline),
            )
        )
    without_coherence = [pair.name for pair in pairs if pair.coherence is None]
    if len(without_coherence) == len(pairs):
        notes.append(Message("No coherence was found."))
    elif without_coherence:
        notes.append(Message("No coherence was found for {some}.", some=_some(without_coherence)))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_IN_A_NOTE])
    return (
        shown
        if len(names) <= _NAMES_IN_A_NOTE
        else Message("{shown} and {count} more", shown=shown, count=len(names) - _NAMES_IN_A_NOTE)
    )
