"""What is said of the choice of pairs, in the panel and in the window of the pairs alike."""

from __future__ import annotations

from pathlib import Path

from ...processing.texts import date_text, number, tr, words_of
from .pair_choice import PairChoice


def counts_text(choice: PairChoice) -> str:
    """How many pairs are used, and from when to when."""
    if choice.scan is None:
        return tr("No pairs were read yet.")
    used = choice.used
    counts = number(len(used)), number(len(choice.pairs))
    if not used:
        return tr("None of {} pairs used").format(counts[1])
    first, last = min(pair.first_date for pair in used), max(pair.second_date for pair in used)
    return tr("{} of {} pairs used, {} to {}").format(*counts, date_text(first), date_text(last))


def trouble_text(choice: PairChoice) -> str:
    """What is wrong with the folder or the choice, in a sentence or two; "" if nothing."""
    from ...core.interferograms import connected_dates, nothing_left

    if choice.problem or not choice.pairs:
        return choice.problem
    if not choice.used:
        return words_of(nothing_left(choice.pairs, choice.limits()))
    groups = len(connected_dates(choice.used))
    if groups > 1:
        text = tr("The used pairs fall into {} groups that no pair connects; motion between them is not seen.")
        return text.format(number(groups))
    return ""


def folder_text(choice: PairChoice, folder: str) -> str:
    """What the folder holds, however it is used."""
    scan = choice.scan
    if scan is None:
        return Path(folder).name
    from ...core.interferograms import PRODUCTS

    text = tr("{} pairs of {} dates, {}").format(
        number(len(scan.pairs)), number(scan.dates), PRODUCTS[scan.product].title
    )
    files = sum(pair.files for pair in scan.pairs)
    if files > len(scan.pairs):
        text += tr("; {} files, as pairs consist of several side by side").format(number(files))
    known = sum(pair.perpendicular_baseline is not None for pair in scan.pairs)
    if not known:
        text += tr("; perpendicular baselines are not known")
    return text
