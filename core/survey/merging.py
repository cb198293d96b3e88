"""Copies of a survey that were edited in the field, back into one: by key, with every conflict told.

The rule. An answer that only one side gives is taken, and a sign that one side saw counts as seen: nothing empty
replaces what is given. Where answers differ, that of the latest visit is taken; where the days don't tell (the same
day, or none), it stays as it was in the master, open if it was open there. Photos of all sides are kept. Sites that are
gone from a copy are told and stay, with the names that the master has.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..fields import Field
from ..gdal_errors import gdal_raises
from ..progress import QUIET, Progress
from ..raster import DEGREES, Transformation, placed_reference
from ..texts import Message
from .copies import Copy, own_photo_file, photo_file, table_with_added
from .photos import is_picture
from .sites import FORM_FIELDS, PHOTOS, SITE_FIELDS, Site, called, key_of, located

MASTER, ADDED = "master", "added in the field"
"""Who answers, and the stratum of sites that nobody drew."""
_PLANNED = {field.name for field in SITE_FIELDS}
_SAME_PLACE = 1.0
_METRES_PER_DEGREE = 111_320


@dataclass(frozen=True)
class Conflict:
    """One field of one site that was answered differently: (who, answer), and whose answer was taken, "" if none."""

    site: str
    field: str
    answers: tuple[tuple[str, str], ...]
    taken: str


@dataclass(frozen=True)
class Merged:
    """The merged sites, their fields, and what happened.

    New photos stand in the sites as the full paths of their files; ``photos`` lists those. ``deleted`` and ``missing``
    are (copy, site) and (copy, photo) pairs, ``notes`` and ``warnings`` (copy, text); ``changed`` and ``added`` are
    names of sites.
    """

    sites: tuple[Site, ...]
    table: tuple[Field, ...]
    conflicts: tuple[Conflict, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    deleted: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]
    photos: tuple[Path, ...]
    notes: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...] = ()


class _Record:
    """What is collected while one survey is merged."""

    def __init__(self, crs: str) -> None:
        reference = placed_reference(crs, Message("The master"))
        self.tolerance = _SAME_PLACE / (_METRES_PER_DEGREE if reference.IsGeographic() else 1)
        self.from_degrees = Transformation(DEGREES, crs)
        self.conflicts: list[Conflict] = []
        self.deleted: list[tuple[str, str]] = []
        self.missing: list[tuple[str, str]] = []
        self.photos: dict[Path, None] = {}
        self.notes: list[tuple[str, str]] = []
        self.warnings: list[tuple[str, str]] = []


@dataclass(frozen=True)
class _Answers:
    """One side's version of one site."""

    who: str
    site: Site
    folder: Path | None

    @property
    def day(self) -> date:
        """Of the visit; the earliest possible where it isn't known."""
        day = self.site.attributes.get("visited_on")
        return day if isinstance(day, date) else date.min


@gdal_raises()
def merge_copies(
    master: Sequence[Site],
    master_table: Sequence[Field],
    crs: str,
    copies: Sequence[Copy],
    master_folder: Path | None = None,
    progress: Progress = QUIET,
) -> Merged:
    """Merge copies, whose sites are in the master's ``crs`` too, into the master's sites.

    ``master_folder`` is where the paths of the master's photos begin. Raises InputError for a master without keys or
    with one twice, and for a copy of another survey.
    """
    _check_keys(master)
    record = _Record(crs)
    copies = _with_distinct_names(copies)
    known = {str(site.attributes["uid"]) for site in master}
    for copy in copies:
        _check_belongs(copy, known, record)
    table = table_with_added(master_table, copies)
    names = [field.name for field in table]
    by_key = [_keyed(copy, known, record) for copy in copies]
    for copy in copies:
        record.notes += [(copy.name, note) for note in copy.notes]
        record.warnings += [(copy.name, warning) for warning in copy.warnings]
    sites, changed = [], []
    for number, site in enumerate(master):
        if number % 32 == 0:
            progress.report(number / len(master))
        base = _Answers(MASTER, site, master_folder)
        sides = []
        for copy, keyed in zip(copies, by_key):
            other = keyed.pop(site.attributes["uid"], None)
            if other is None:
                record.deleted.append((copy.name, str(site.attributes.get("name"))))
            else:
                sides.append(_Answers(copy.name, other, copy.folder))
        merged = _merge_site(base, sides, names, record)
        changed += [str(site.attributes.get("name"))] if _differs(merged, site) else []
        sites.append(merged)
    added = _added(copies, by_key, sites, names, record)
    return Merged(
        located((_typed(site, table) for site in (*sites, *added)), crs),
        table,
        tuple(record.conflicts),
        tuple(changed),
        tuple(str(site.attributes["name"]) for site in added),
        tuple(record.deleted),
        tuple(record.missing),
        tuple(record.photos),
        tuple(record.notes),
        tuple(record.warnings),
    )


def _check_keys(master: Sequence[Site]) -> None:
    """InputError where a site of the master can't be told by its key."""
    if not master:
        raise InputError("The master has no sites. Give the layer that the packages were made of.")
    if not all(site.attributes.get("uid") for site in master):
        raise InputError(
            "The master has sites without a uid, by which copies are merged. Give the layer of the package itself."
        )
    twice = [uid for uid, count in Counter(site.attributes["uid"] for site in master).items() if count > 1]
    if twice:
        raise InputError(
            "The sites {names} of the master have the same uid, by which copies are merged. Delete the copy, or give "
            "it another uid.",
            names=", ".join(called(site) for site in master if site.attributes["uid"] == twice[0]),
        )


def _is_drawn(site: Site) -> bool:
    return site.attributes.get("stratum") not in (None, "", ADDED)


def _check_belongs(copy: Copy, known: set[str], record: _Record) -> None:
    """InputError for a copy of another survey; one that nobody filled in, or with drawn sites of its own, is told."""
    others = [site for site in copy.sites if site.attributes.get("uid") not in known]
    drawn = [site for site in others if _is_drawn(site)]
    if drawn and len(others) == len(copy.sites):
        raise InputError(
            "{copy} belongs to another survey: none of its sites is one of the master's. Choose the packages that were "
            "made of this master.",
            copy=copy.name,
        )
    if drawn:
        record.warnings.append(
            (
                copy.name,
                Message(
                    "Sites that were drawn are not in the master: {names}. They are taken with their stratum; check "
                    "that the master is the layer that the package was made of.",
                    names=", ".join(str(site.attributes.get("name")) for site in drawn[:20]),
                ),
            )
        )
    if copy.sites and not any(_has_answer(site) for site in copy.sites):
        record.warnings.append(
            (
                copy.name,
                Message("It holds no answers at all. Check that it is the package that came back from the field."),
            )
        )


def _has_answer(site: Site) -> bool:
    return any(not _is_empty(site.attributes.get(field.name)) for field in FORM_FIELDS)


def _typed(site: Site, table: Sequence[Field]) -> Site:
    """The site with texts where copies had different types."""
    texts = {field.name for field in table if field.type == "str"}
    own = {
        name: str(value) if name in texts and value is not None else value for name, value in site.attributes.items()
    }
    return Site(site.x, site.y, own)


def _with_distinct_names(copies: Sequence[Copy]) -> list[Copy]:
    """Two surveyors may bring back folders of the same name."""
    names: dict[str, int] = {}
    result = []
    for copy in copies:
        names[copy.name] = names.get(copy.name, 0) + 1
        number = names[copy.name]
        result.append(copy if number == 1 else replace(copy, name=f"{copy.name} ({number})"))
    return result


def _keyed(copy: Copy, known: set[str], record: _Record) -> dict[str, Site]:
    """The copy's sites by key; those without one, and copies of a site, get one of their own."""
    result: dict[str, Site] = {}
    for site in copy.sites:
        own = site.attributes
        key = own.get("uid")
        if not key or key in result:
            fresh = key_of(site.x, site.y, f"{own.get('name')} {own.get('visited_on')} {own.get('remarks')}")
            if key:
                said = Message("of a site of the master") if key in known else Message("of another site")
                record.notes.append(
                    (
                        copy.name,
                        Message(
                            "The site {get} has the uid {said}; it is taken as new.", get=own.get("name"), said=said
                        ),
                    )
                )
            key = fresh if fresh not in result else key_of(site.x, site.y, f"{fresh} {len(result)}")
        result[key] = site
    return result


def _merge_site(base: _Answers, sides: Sequence[_Answers], names: Sequence[str], record: _Record) -> Site:
    own = dict(base.site.attributes)
    for name in names:
        if name in _PLANNED or name in PHOTOS:
            continue
        answers = [(side, side.site.attributes.get(name)) for side in sides if name in side.site.attributes]
        own[name] = _agreed(base, answers, name, record)
    own.update(_photos(base, sides, record))
    x, y = _position(base, sides, record)
    for side in sides:
        other = side.site.attributes.get("name")
        if other and other != own.get("name"):
            record.notes.append(
                (
                    side.who,
                    Message(
                        "The site {get} is called {other} there; it keeps its name.", get=own.get("name"), other=other
                    ),
                )
            )
    return Site(x, y, {name: own.get(name) for name in names})


def _agreed(base: _Answers, answers: Sequence[tuple[_Answers, Any]], name: str, record: _Record) -> Any:
    """The value of one field by the rule; differing answers are recorded."""
    before = base.site.attributes.get(name)
    given = [(side, value) for side, value in answers if not _is_empty(value)]
    changes = [value for _, value in given if not _same(value, before)]
    if not changes:
        return before
    if not _is_empty(before):
        # Who came later and found the same as the master has a say, too; an unedited copy of the master has none.
        said = [(side, value) for side, value in given if side.day > base.day or not _same(value, before)]
        given = [(base, before), *said]
    elif len(set(map(str, changes))) == 1:
        return changes[0]
    winner = _latest(base, given)
    told = tuple((side.who, str(value)) for side, value in given)
    record.conflicts.append(
        Conflict(str(base.site.attributes.get("name")), name, told, "" if winner is None else winner[0].who)
    )
    return before if winner is None else winner[1]


def _latest(base: _Answers, given: Sequence[tuple[_Answers, Any]]) -> tuple[_Answers, Any] | None:
    """The answer of the latest visit; None where several of the same day differ.

    The same person's copy is a later word than the master's of the same day.
    """
    day = max(side.day for side, _ in given)
    latest = [(side, value) for side, value in given if side.day == day]
    person = base.site.attributes.get("surveyor")
    if person and all(side is base or side.site.attributes.get("surveyor") == person for side, _ in latest):
        latest = [(side, value) for side, value in latest if side is not base] or latest
    return latest[0] if len({str(value) for _, value in latest}) == 1 else None


def _is_empty(value: Any) -> bool:
    """Whether nobody answered: a box that was never ticked and an unticked one say the same."""
    return value is None or value is False


def _same(value: Any, other: Any) -> bool:
    """Whether two values of a field say the same."""
    if _is_empty(value) and _is_empty(other):
        return True
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=1e-9)
    return bool(value == other)


def _photos(base: _Answers, sides: Sequence[_Answers], record: _Record) -> dict[str, str | None]:
    """The photos of all sides in the fields for them; those that no field is left for are kept as files and told."""
    found: dict[str, list[tuple[str, Path | None]]] = {}
    earlier = {base.site.attributes.get(name) for name in PHOTOS}
    for side in (base, *sides):
        for name in PHOTOS:
            path = str(side.site.attributes.get(name) or "")
            # A package that was made of the master has the paths of its photos, but not the photos.
            is_only_named = side is not base and path in earlier and photo_file(side.folder, path) is None
            if path and not is_only_named:
                _keep_photo(found.setdefault(Path(path.replace("\\", "/")).name, []), side, path, record)
    # Photos that are there come before missing ones.
    photos = sorted((photo for same_name in found.values() for photo in same_name), key=lambda photo: photo[1] is None)
    for _, file in photos[len(PHOTOS) :]:
        if file is not None:
            site = str(base.site.attributes.get("name"))
            record.notes.append(
                (site, Message("The photo {name} finds no free field; its file is kept.", name=file.name))
            )
    return dict(zip(PHOTOS, [*(path for path, _ in photos), None, None, None]))


def _keep_photo(same_name: list[tuple[str, Path | None]], side: _Answers, path: str, record: _Record) -> None:
    """Add a photo to those of its name, unless it is one of them; one that is missing keeps its path."""
    file = (own_photo_file if side.who == MASTER else photo_file)(side.folder, path)
    if file is not None and not is_picture(file):
        record.warnings.append(
            (side.who, Message("{path} is given as a photo and is no picture; it stays where it is.", path=path))
        )
        file = None
    elif file is None:
        record.missing.append((side.who, path))
    if file is None:
        if not same_name:
            same_name.append((path, None))
        return
    if any(other is not None and _equal(other, file) for _, other in same_name):
        return
    same_name[:] = [entry for entry in same_name if entry[1] is not None]
    same_name.append((str(file), file))
    record.photos[file] = None


def _equal(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def _position(base: _Answers, sides: Sequence[_Answers], record: _Record) -> tuple[float, float]:
    """Where the site lies: moved where one copy moved it (by more than a metre), as it was where several disagree.

    A copy that has it elsewhere, but where that copy's own coordinates say, did not move it: the master did since.
    """
    before = (base.site.x, base.site.y)
    moved = [
        side
        for side in sides
        if _lies_elsewhere(side.site, before, record)
        and _lies_elsewhere(side.site, _given_out(side.site, record), record)
    ]
    name = str(base.site.attributes.get("name"))
    if not moved:
        return before
    first = (moved[0].site.x, moved[0].site.y)
    if any(_lies_elsewhere(side.site, first, record) for side in moved):
        told = tuple((side.who, f"{side.site.x:.6g}, {side.site.y:.6g}") for side in moved)
        record.conflicts.append(Conflict(name, "position", told, ""))
        return before
    record.notes.append((moved[0].who, Message("The site {name} was moved.", name=name)))
    return first


def _lies_elsewhere(site: Site, place: tuple[float, float] | None, record: _Record) -> bool:
    """Whether a site is away from a place; True where that isn't known."""
    return place is None or math.hypot(site.x - place[0], site.y - place[1]) > record.tolerance


def _given_out(site: Site, record: _Record) -> tuple[float, float] | None:
    """Where a site lay when its package was made: its attributes keep that when the point is moved."""
    longitude, latitude = site.attributes.get("longitude"), site.attributes.get("latitude")
    if longitude is None or latitude is None:
        return None
    try:
        return record.from_degrees.point(longitude, latitude)
    except InputError:
        return None


def _added(
    copies: Sequence[Copy],
    by_key: Sequence[dict[str, Site]],
    sites: Sequence[Site],
    names: Sequence[str],
    record: _Record,
) -> list[Site]:
    """The sites that copies have and the master doesn't, numbered on; the same one in two copies is one."""
    keys = list(dict.fromkeys(key for keyed in by_key for key in keyed))
    taken = {site.attributes.get("name") for site in sites}
    last = max((int(site.attributes.get("id") or 0) for site in sites), default=0)
    result = []
    number = last
    for key in keys:
        sides = [_Answers(copy.name, keyed[key], copy.folder) for copy, keyed in zip(copies, by_key) if key in keyed]
        first = next((side.site for side in sides if math.isfinite(side.site.x)), None)
        if first is None:
            record.warnings.append((sides[0].who, _unplaced(sides[0].site)))
            continue
        number += 1
        name = str(first.attributes.get("name") or f"N{number}")
        if name in taken:
            name = f"{name} ({number})"
        taken.add(name)
        planned: dict[str, Any] = {"stratum": ADDED}
        if _is_drawn(first):
            planned = {field: first.attributes.get(field) for field in _PLANNED}
        planned = {**planned, "uid": key, "id": number, "name": name}
        merged = _merge_site(_Answers(MASTER, Site(first.x, first.y, planned), None), sides, names, record)
        result.append(merged)
    return result


def _unplaced(site: Site) -> Message:
    """What is told of a new site that lies nowhere, with all that was answered."""
    own = site.attributes
    answers = [f"{field.name}: {own[field.name]}" for field in FORM_FIELDS if not _is_empty(own.get(field.name))]
    return Message(
        "The new site {name} has no point, so it can't be kept. Give it one in the package and merge again. Its "
        "answers: {answers}.",
        name=own.get("name"),
        answers="; ".join(answers) or "–",
    )


def _differs(merged: Site, before: Site) -> bool:
    if (merged.x, merged.y) != (before.x, before.y):
        return True
    for name, now in merged.attributes.items():
        then = before.attributes.get(name)
        if name in PHOTOS:
            # The same photo, in another folder.
            now, then = Path(str(now or "")).name, Path(str(then or "")).name
        if name not in _PLANNED and not _same(now, then):
            return True
    return False


def with_photos(merged: Merged, paths: Mapping[Path, str]) -> Merged:
    """The same with photos as they are called where they were copied to."""
    called = {str(file): text for file, text in paths.items()}
    sites = []
    for site in merged.sites:
        own = dict(site.attributes)
        for name in PHOTOS:
            own[name] = called.get(str(own.get(name)), own.get(name))
        sites.append(Site(site.x, site.y, own))
    return replace(merged, sites=tuple(sites))
