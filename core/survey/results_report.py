"""The report of a survey: one HTML file that needs nothing else, and its figures as a table (CSV)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..areas import Area
from ..errors import InputError
from ..progress import QUIET, Progress
from ..reports import Bar, Drawing, Words, grouped_bars, words, write_csv, write_page
from ..texts import Translate
from ..types import PathLike
from .copies import own_photo_file
from .photos import is_picture, thumbnail
from .results import Group, Share, SurveyResult, meaning_of
from .results_map import survey_map
from .sites import CONFIRMED, FIELD_SIGNS, NOT_VISITED, PHOTOS, RESULTS, Site

_CSV_HEAD = ("section", "class", "figure", "value", "low", "high", "unit")


def write_survey_report(
    path: PathLike,
    result: SurveyResult,
    crs: str,
    areas: Sequence[Area] = (),
    areas_crs: str = "",
    dem: PathLike | None = None,
    photo_folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
    progress: Progress = QUIET,
    translate: Translate = str,
) -> None:
    """Write the report; sites are in ``crs``, photos' paths begin at ``photo_folder``.

    Sites without a point (NaN) are counted and not drawn. The file appears under its name only when complete. Raises
    OutputError when it can't be written, and InputError where no site has a point.
    """
    tr = words(translate)
    sites = [*result.sites, *result.added]
    placed = [site for site in sites if math.isfinite(site.x)]
    if not placed:
        raise InputError("None of the sites has a point, so there is no map to report. Leave the report out.")
    drawing = survey_map(placed, crs, areas, areas_crs, dem, tr)
    progress.report(0.3)
    photos, lost = _photos(sites, photo_folder, tr, progress.part(0.3, 0.9))
    write_page(
        path,
        "survey/results_report.html",
        translate,
        overall=result.overall,
        precision=share_text(result.overall.share),
        weighted="" if result.weighted is None else share_text(result.weighted),
        known=result.known,
        recall="" if result.known is None else share_text(result.known),
        meaning=meaning_of(result),
        map=drawing,
        by_stratum=_by_group(result.by_stratum, result.overall, tr),
        by_orbit=_by_group(result.by_orbit, result.overall, tr),
        signs=_signs(result),
        notes=(*result.warnings, *result.notes),
        photos=photos,
        lost_photos=lost,
        sites=[_row(site, tr) for site in sites],
        row_classes=["" if site.attributes.get("result") in RESULTS else "dropped" for site in sites],
        settings=settings,
    )


def share_text(share: Share) -> str:
    """A share as "92.9 % (83.0–97.2 %)"; a dash of nothing."""
    if not math.isfinite(share.value):
        return "–"
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.1f}–{100 * high:.1f} %)"


def _by_group(groups: Sequence[Group], overall: Group, tr: Words) -> dict[str, Any]:
    """A table and bars of the groups beside all; nothing of a single one."""
    if len(groups) < 2:
        return {}
    head: list[Any] = [tr("Class"), tr("Areas"), tr("Confirmed"), tr("Visited"), tr("Not accessible")]
    head += [tr("No result"), tr("Precision")]
    rows: list[list[Any]] = [
        [group.name, "" if group.size is None else group.size, group.confirmed, group.visited,
         group.not_accessible, group.not_visited, share_text(group.share)]
        for group in (*groups, overall)
    ]  # fmt: skip
    if all(group.size is None for group in groups):
        head, *rows = ([row[0], *row[2:]] for row in (head, *rows))
    return {"head": head, "rows": rows, "bars": _bars(groups, tr)}


def _bars(groups: Sequence[Group], tr: Words) -> Drawing:
    bars, labels = [], []
    for group in groups:
        low, high = group.share.interval
        count = tr("{part} of {whole}", part=group.confirmed, whole=group.visited)
        bars.append(Bar(100 * group.share.value, 100 * low, 100 * high, f"% ({count})"))
        labels.append(f"{tr(group.name)}\n{count}")
    return grouped_bars(labels, [(tr("confirmed, with its 95 % interval"), bars)], tr("Confirmed (%)"))


def _signs(result: SurveyResult) -> list[tuple[Any, ...]]:
    confirmed = result.overall.confirmed
    return [
        (FIELD_SIGNS[name], count, f"{100 * count / confirmed:.0f} %" if confirmed else "–")
        for name, count in result.signs.items()
    ]


def _photos(
    sites: Sequence[Site], folder: Path | None, tr: Words, progress: Progress
) -> tuple[list[dict[str, str]], list[str]]:
    """The photos, small, to stand inside the page, and those that are missing or unreadable."""
    photos, lost = [], []
    for number, site in enumerate(sites):
        progress.report(number / len(sites))
        for name in PHOTOS:
            path = str(site.attributes.get(name) or "")
            if not path:
                continue
            file = own_photo_file(folder, path)
            picture = thumbnail(file) if file is not None and is_picture(file) else None
            if picture is None:
                reason = tr("missing") if file is None else tr("unreadable")
                lost.append(f"{site.attributes.get('name')}: {path} ({reason})")
            else:
                photos.append({"picture": picture, "caption": _caption(site, tr)})
    return photos, lost


def _caption(site: Site, tr: Words) -> str:
    result = tr(RESULTS.get(str(site.attributes.get("result")), NOT_VISITED)).lower()
    remarks = str(site.attributes.get("remarks") or "")
    short = remarks if len(remarks) <= 140 else f"{remarks[:139]}…"
    return f"{site.attributes.get('name')}, {result}" + (f": {short}" if short else "")


def _row(site: Site, tr: Words) -> list[str]:
    """What the table tells of a site."""
    own = site.attributes
    seen = ", ".join(tr(title).lower() for name, title in FIELD_SIGNS.items() if own.get(name))
    result = RESULTS.get(str(own.get("result") or ""), "–")
    name, remarks, surveyor, day = (
        str(own.get(field) or "") for field in ("name", "remarks", "surveyor", "visited_on")
    )
    return [name, result, seen, remarks, surveyor, day]


def write_survey_csv(path: PathLike, result: SurveyResult) -> None:
    """Write all figures, one a row; OutputError when it can't be written."""
    rows: list[tuple[object, ...]] = [_CSV_HEAD, *_rows("all", result.overall)]
    for name, share, whole in (
        ("weighted precision", result.weighted, "effective number of sites"),
        ("recall", result.known, "known landslides"),
    ):
        if share is not None:
            rows.append(("all", "", name, *_numbers(share), "%"))
            rows.append(("all", "", whole, f"{share.whole:.6g}", "", "", ""))
    for section, groups in (("stratum", result.by_stratum), ("orbit", result.by_orbit)):
        for group in groups:
            rows += _rows(section, group)
    for name, count in result.signs.items():
        rows.append(("sign", name, CONFIRMED, count, "", "", ""))
    write_csv(path, rows)


def _rows(section: str, group: Group) -> list[tuple[object, ...]]:
    name = "" if section == "all" else group.name
    counts = (
        ("confirmed", group.confirmed), ("visited", group.visited), ("not accessible", group.not_accessible),
        ("no result", group.not_visited),
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [(section, name, figure, count, "", "", "") for figure, count in counts]
    return [*rows, (section, name, "precision", *_numbers(group.share), "%")]


def _numbers(share: Share) -> tuple[str, str, str]:
    """Value and interval in percent, empty where unknown."""
    low, high = share.interval
    value, low_text, high_text = (f"{100 * x:.4g}" if math.isfinite(x) else "" for x in (share.value, low, high))
    return value, low_text, high_text
