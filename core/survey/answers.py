"""What surveyors answered, whatever way it was written: stored values, labels of the form, in any of its languages.

An answer that can't be understood is never lost and never silent: a result stays as it was written and counts as none,
another answer goes to the remarks, and both are told with their sites.
"""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..fields import Field, converted, folded
from ..texts import Message
from .sites import CONFIRMED, FORM_FIELDS, NOT_ACCESSIBLE, NOT_CONFIRMED, NOT_VISITED, RESULTS, SITE_FIELDS, Site

_MOST_PROJECT_BYTES = 50_000_000
_MOST_NAMED = 10
# By which QGIS' value map stores "nothing chosen" where a format has no NULL.
_NOTHING = ("", "-", "–", "—", "null", "none", "n/a", "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}")
_WORDS: Mapping[str, tuple[str, ...]] = {
    CONFIRMED: (
        CONFIRMED, RESULTS[CONFIRMED], "bestätigt", "bestaetigt", "confirmé", "confirmée", "confirmado", "confirmada",
        "confermato", "confermata", "bevestigd", "bekräftad", "potwierdzone", "potwierdzony", "подтверждено",
        "подтвержден", "подтверждён", "onaylandı", "doğrulandı", "dikonfirmasi", "terkonfirmasi", "đã xác nhận",
        "确认", "已确认", "已证实", "確認", "已確認", "確認済", "確認済み", "확인", "확인됨",
    ),
    NOT_CONFIRMED: (
        NOT_CONFIRMED, RESULTS[NOT_CONFIRMED], "nicht bestätigt", "nicht bestaetigt", "non confirmé", "non confirmée",
        "pas confirmé", "no confirmado", "no confirmada", "non confermato", "non confermata", "não confirmado",
        "não confirmada", "niet bevestigd", "inte bekräftad", "niepotwierdzone", "niepotwierdzony", "nie potwierdzono",
        "не подтверждено", "не подтвержден", "не подтверждён", "onaylanmadı", "doğrulanmadı", "tidak dikonfirmasi",
        "tidak terkonfirmasi", "không xác nhận", "未确认", "未证实", "未確認", "未證實", "미확인", "확인되지 않음",
    ),
    NOT_ACCESSIBLE: (
        NOT_ACCESSIBLE, RESULTS[NOT_ACCESSIBLE], "inaccessible", "nicht zugänglich", "nicht zugaenglich",
        "unzugänglich", "nicht erreichbar", "non accessible", "pas accessible", "no accesible", "inaccesible",
        "non accessibile", "inaccessibile", "não acessível", "inacessível", "niet toegankelijk", "onbereikbaar",
        "inte tillgänglig", "niedostępne", "niedostępny", "недоступно", "недоступен", "ulaşılamadı", "erişilemez",
        "tidak dapat diakses", "không tiếp cận được", "无法到达", "不可到达", "无法进入", "無法到達", "到達不能",
        "アクセス不可", "접근 불가",
    ),
    "": (
        NOT_VISITED, "unvisited", "to visit", "nicht besucht", "non visité", "non visitée", "pas visité",
        "no visitado", "no visitada", "non visitato", "não visitado", "niet bezocht", "inte besökt", "nieodwiedzone",
        "не посещено", "ziyaret edilmedi", "belum dikunjungi", "未访问", "未到访", "未訪問", "미방문",
    ),
}  # fmt: skip
_KNOWN_WORDS = {folded(word): result for result, words in _WORDS.items() for word in words}


def result_of(value: Any, labels: Mapping[str, str] | None = None) -> tuple[str | None, bool]:
    """One of RESULTS, None for none, and whether the value could be understood.

    It counts as a stored value or as a label, in any case, with any spaces and signs. ``labels``: results by further
    labels, as form_labels() gives them.
    """
    text = "" if value is None else str(value).strip()
    if text.casefold() in {nothing.casefold() for nothing in _NOTHING}:
        return None, True
    low = folded(text)
    result = (labels or {}).get(low, _KNOWN_WORDS.get(low))
    return result or None, result is not None


def form_labels(maps: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Results by the folded labels and values of a form, given as (label, value) pairs."""
    found: dict[str, str] = {}
    for label, value in maps:
        for text in (value, label):
            result, is_understood = result_of(text)
            if is_understood:
                found.update({folded(other): result or "" for other in (label, value) if folded(other)})
                break
    return found


def labels_beside(folder: Path) -> dict[str, str]:
    """The labels of the form in the project of a package's folder; none where there is none that can be read."""
    found: dict[str, str] = {}
    for path in sorted([*folder.glob("*.qgz"), *folder.glob("*.qgs")]):
        with contextlib.suppress(OSError, ElementTree.ParseError, zipfile.BadZipFile, KeyError, ValueError):
            found.update(form_labels(_value_maps(_project_text(path))))
    return found


def _project_text(path: Path) -> bytes:
    if path.suffix == ".qgs":
        if path.stat().st_size > _MOST_PROJECT_BYTES:
            raise ValueError(path)
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(next((name for name in archive.namelist() if name.endswith(".qgs")), ""))
        if entry.file_size > _MOST_PROJECT_BYTES:
            raise ValueError(path)
        return archive.read(entry)


def _value_maps(text: bytes) -> list[tuple[str, str]]:
    """The (label, value) pairs of all value maps for a field named result, in a project or a style."""
    if b"<!ENTITY" in text:
        raise ValueError("entities")
    pairs: list[tuple[str, str]] = []
    for field in ElementTree.fromstring(text).iter("field"):
        if field.get("name") == "result":
            for widget in field.iter("editWidget"):
                if widget.get("type") == "ValueMap":
                    options = (option for option in widget.iter("Option") if option.get("value") is not None)
                    pairs += [(str(option.get("name")), str(option.get("value"))) for option in options]
    return pairs


def style_labels(styles: Iterable[str]) -> dict[str, str]:
    """The labels of the form in styles that a GeoPackage keeps (QML)."""
    found: dict[str, str] = {}
    for style in styles:
        with contextlib.suppress(ElementTree.ParseError, ValueError):
            found.update(form_labels(_value_maps(style.encode("utf-8"))))
    return found


class AnswerReader:
    """Reads the attributes of sites, one site after the other, and remembers what it could not understand."""

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        self._labels = labels or {}
        self._known = {field.name: field for field in (*SITE_FIELDS, *FORM_FIELDS)}
        self._answers = {field.name for field in FORM_FIELDS}
        self._unread: dict[str, list[tuple[str, str]]] = {}

    def read(self, values: Mapping[str, Any], fields: Mapping[str, Field] | None = None) -> dict[str, Any]:
        """The attributes of a site as the types of their fields; ``fields`` describes those that the form doesn't."""
        own: dict[str, Any] = {}
        name = str(values.get("name") or values.get("id") or values.get("uid") or "?")
        kept: list[str] = []
        for key, value in values.items():
            field = self._known.get(key) or (fields or {}).get(key)
            if field is None:
                own[key] = value
                continue
            if key == "result":
                own[key], is_understood = result_of(value, self._labels)
                if not is_understood:
                    own[key] = str(value).strip()
            else:
                own[key], is_understood = converted(value, field)
                if not is_understood and key in self._answers:
                    kept.append(f"{key}: {_shown(value)}")
            if not is_understood and (key != "id" or values.get("name")):
                self._unread.setdefault(key, []).append((_shown(value), name))
        if own.get("id") is None and not own.get("name") and values.get("id"):
            # Sites that are numbered by letters are called so.
            own["name"] = _shown(values["id"])
        if kept:
            remarks = str(own.get("remarks") or "")
            new = [text for text in kept if f"[{text}]" not in remarks]
            own["remarks"] = " ".join([*([remarks] if remarks else []), *(f"[{text}]" for text in new)])
        return own

    def warnings(self) -> list[Message]:
        """What could not be understood and what became of it, a sentence for each field; results are left to count."""
        told = []
        for key, entries in self._unread.items():
            values = ", ".join(f"“{value}” ({site})" for value, site in _first(entries))
            if key == "result":
                continue
            if key in self._answers:
                told.append(
                    Message(
                        "Some values of the field {name} can't be understood; they are kept in the remarks: {values}.",
                        name=key,
                        values=values,
                    )
                )
            else:
                told.append(
                    Message(
                        "Some values of the field {name} can't be understood and are left out: {values}.",
                        name=key,
                        values=values,
                    )
                )
        return told


def has_unknown_result(site: Site) -> bool:
    """Whether a result was written that says nothing known."""
    return site.attributes.get("result") not in (None, *RESULTS)


def unknown_results(sites: Sequence[tuple[str, Any]]) -> Message | None:
    """What is told of (site, result) pairs whose results say nothing known; None where there are none."""
    by_value: dict[str, list[str]] = {}
    for name, value in sites:
        by_value.setdefault(str(value), []).append(name)
    if not by_value:
        return None
    said = "; ".join(f"“{_shown(value)}”: {', '.join(_first(names))}" for value, names in sorted(by_value.items()))
    return Message(
        "Results that are none of the form's are counted as not visited: {said}. Correct them to confirmed, "
        "not_confirmed or not_accessible if they are answers.",
        said=said,
    )


def _first(entries: Sequence[Any]) -> list[Any]:
    return [*entries[:_MOST_NAMED], *(["…"] if len(entries) > _MOST_NAMED and isinstance(entries[0], str) else [])]


def _shown(value: Any) -> str:
    """A value in a sentence, on one line and of a bearable length."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, default=str)).split())
    return text if len(text) <= 60 else f"{text[:59]}…"
