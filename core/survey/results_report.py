"""The report of a survey: one HTML file that needs nothing else, and its figures as a table (CSV)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from ..areas import Area
from ..files import write_text
from ..progress import QUIET, Progress
from ..reports import Bar, bullet_list, grouped_bars, table, write_page
from ..types import PathLike
from .copies import own_photo_file
from .photos import thumbnail
from .results import Group, Share, SurveyResult, meaning_of
from .results_map import survey_map
from .sites import CONFIRMED, FIELD_SIGNS, PHOTOS, RESULTS, Site

_CSV_HEAD = ("section", "class", "figure", "value", "low", "high", "unit")
_STYLE = """
td:last-child { white-space: nowrap; } p.note { color: #555; font-size: 14px; } td { vertical-align: top; }
p.headline { font-size: 1.25em; margin: .3em 0; } p.headline b { font-size: 1.35em; }
.photos { display: flex; flex-wrap: wrap; gap: 14px; } figure { margin: 0; width: 300px; }
figure img { width: 100%; border-radius: 4px; display: block; } figcaption { font-size: 13px; color: #444; }
@media print { h2 { break-after: avoid; } figure, table, svg { break-inside: avoid; } }
"""


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
) -> None:
    """Write the report; sites are in ``crs``, photos' paths begin at ``photo_folder``.

    The file appears under its name only when complete. Raises OutputError when it can't be written.
    """
    title = "Field survey of active deformation areas"
    body = [f"<h1>{title}</h1>", *_headline(result), f"<p>{escape(meaning_of(result))}</p>"]
    body += ["<h2>Map</h2>", survey_map([*result.sites, *result.added], crs, areas, areas_crs, dem)]
    progress.report(0.3)
    for heading, groups in (("By stratum", result.by_stratum), ("By orbit", result.by_orbit)):
        if len(groups) > 1:
            body += [f"<h2>{heading}</h2>", _group_table(groups, result.overall), _bars(groups)]
    body += ["<h2>Signs at confirmed sites</h2>", _signs(result)]
    body += ["<h2>Notes</h2>", bullet_list(result.notes)]
    body += _photos(result, photo_folder, progress.part(0.3, 0.9))
    body += ["<h2>Sites</h2>", _site_table([*result.sites, *result.added])]
    if settings:
        body += ["<h2>Inputs</h2>", table(("Input", "Value"), list(settings.items()))]
    write_page(path, title, body, _STYLE)


def share_text(share: Share) -> str:
    """A share as "92.9 % (83.0–97.2 %)"; a dash of nothing."""
    if not math.isfinite(share.value):
        return "–"
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.1f}–{100 * high:.1f} %)"


def _headline(result: SurveyResult) -> list[str]:
    overall = result.overall
    parts = [
        f'<p class="headline"><b>{overall.confirmed} of {overall.visited}</b> visited areas were confirmed: precision '
        f"<b>{escape(share_text(overall.share))}</b></p>"
    ]
    if result.weighted is not None:
        parts.append(
            f'<p class="headline">Weighted by the sizes of the strata: <b>{escape(share_text(result.weighted))}</b></p>'
        )
    if result.known is not None:
        parts.append(
            f'<p class="headline">{result.known.part:.0f} of {result.known.whole:.0f} landslides that were known are '
            f"in the map: recall <b>{escape(share_text(result.known))}</b></p>"
        )
    parts.append('<p class="note">In brackets: 95 % confidence intervals (Wilson).</p>')
    return parts


def _group_table(groups: Sequence[Group], overall: Group) -> str:
    rows = [["Class", "Areas", "Confirmed", "Visited", "Not accessible", "No result", "Precision"]]
    rows += [
        [group.name, "" if group.size is None else str(group.size), str(group.confirmed),
         str(group.visited), str(group.not_accessible), str(group.not_visited), share_text(group.share)]
        for group in (*groups, overall)
    ]  # fmt: skip
    if all(group.size is None for group in groups):
        rows = [[row[0], *row[2:]] for row in rows]
    return table(rows[0], rows[1:], range(1, len(rows[0])))


def _bars(groups: Sequence[Group]) -> str:
    bars = []
    for group in groups:
        low, high = group.share.interval
        note = f"% ({group.confirmed} of {group.visited})"
        bars.append(Bar(100 * group.share.value, 100 * low, 100 * high, note))
    labels = [f"{group.name}\n{group.confirmed} of {group.visited}" for group in groups]
    return grouped_bars(labels, [("confirmed, with its 95 % interval", bars)], "Confirmed (%)")


def _signs(result: SurveyResult) -> str:
    confirmed = result.overall.confirmed
    rows = [
        [FIELD_SIGNS[name], str(count), f"{100 * count / confirmed:.0f} %" if confirmed else "–"]
        for name, count in result.signs.items()
    ]
    return table(("Sign", "Sites", "Share of confirmed"), rows, (1, 2))


def _photos(result: SurveyResult, folder: Path | None, progress: Progress) -> list[str]:
    """The photos, small, inside the page; those that are missing or unreadable are told."""
    figures, lost = [], []
    sites = [*result.sites, *result.added]
    for number, site in enumerate(sites):
        progress.report(number / len(sites))
        for name in PHOTOS:
            path = str(site.attributes.get(name) or "")
            if not path:
                continue
            file = own_photo_file(folder, path)
            picture = None if file is None else thumbnail(file)
            if picture is None:
                lost.append(f"{site.attributes.get('name')}: {path} ({'missing' if file is None else 'unreadable'})")
            else:
                caption = escape(_caption(site))
                figures.append(
                    f'<figure><img src="{picture}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
                )
    if not figures and not lost:
        return []
    parts = ["<h2>Photos</h2>", f'<div class="photos">{"".join(figures)}</div>']
    return parts + (["<p>Photos that are not shown:</p>", bullet_list(lost)] if lost else [])


def _caption(site: Site) -> str:
    result = RESULTS.get(str(site.attributes.get("result")), "Not visited").lower()
    remarks = str(site.attributes.get("remarks") or "")
    short = remarks if len(remarks) <= 140 else f"{remarks[:139]}…"
    return f"{site.attributes.get('name')}, {result}" + (f": {short}" if short else "")


def _site_table(sites: Sequence[Site]) -> str:
    rows, classes = [], []
    for site in sites:
        own = site.attributes
        result = str(own.get("result") or "")
        seen = ", ".join(title.lower() for name, title in FIELD_SIGNS.items() if own.get(name))
        rows.append(
            [str(own.get("name") or ""), RESULTS.get(result, "–"), seen, str(own.get("remarks") or ""),
             str(own.get("surveyor") or ""), str(own.get("visited_on") or "")]
        )  # fmt: skip
        classes.append("" if result in RESULTS else "dropped")
    return table(("Site", "Result", "Signs", "Remarks", "Surveyor", "Visited on"), rows, (), classes)


def write_survey_csv(path: PathLike, result: SurveyResult) -> None:
    """Write all figures, one a row; OutputError when it can't be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_HEAD)
    writer.writerows(_rows("all", result.overall))
    for name, share, whole in (
        ("weighted precision", result.weighted, "effective number of sites"),
        ("recall", result.known, "known landslides"),
    ):
        if share is not None:
            writer.writerow(("all", "", name, *_numbers(share), "%"))
            writer.writerow(("all", "", whole, f"{share.whole:.6g}", "", "", ""))
    for section, groups in (("stratum", result.by_stratum), ("orbit", result.by_orbit)):
        for group in groups:
            writer.writerows(_rows(section, group))
    for name, count in result.signs.items():
        writer.writerow(("sign", name, CONFIRMED, count, "", "", ""))
    write_text(path, text.getvalue())


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
