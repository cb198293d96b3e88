"""The one door to HTML reports: each is one file, readable without anything else, made from a template.

The template of a report is the .html file beside its code. jinja2 escapes every value in it, except for Drawings. In a
template ``{{ tr("{count} pairs were stacked.", count=used) }}`` is a sentence in the user's language.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..files import write_text
from ..packages import missing_package
from ..texts import Message, Translate, as_message, in_words
from ..types import PathLike

if TYPE_CHECKING:
    from jinja2 import Environment

Words = Callable[..., str]
"""Called with a template and its values: the sentence in the user's language."""

_CORE = Path(__file__).resolve().parent.parent


def words(translate: Translate = str) -> Words:
    """What puts the texts of drawings into words, as ``tr`` does in templates."""

    def tr(text: str, /, **values: Any) -> str:
        return as_message(text, values).in_words(translate)

    return tr


def write_page(path: PathLike, template: str, translate: Translate = str, **values: Any) -> None:
    """Write the page of a template, a path below core with ``/``, filled with ``values``.

    The file appears under its name only when complete. Raises OutputError when it can't be written, DependencyError
    without jinja2.
    """
    write_text(path, _environment(translate).get_template(template).render(values))


def _environment(translate: Translate) -> Environment:
    """Templates in which everything is escaped and a value that nobody gives is an error."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup, escape
    except ImportError as error:
        raise missing_package("jinja2", Message("A report"), error) from error

    def tr(text: str, /, **values: Any) -> Markup:
        shown = {name: in_words(value, translate) for name, value in values.items()}
        template = escape(translate(text))
        try:
            return template.format(**shown) if shown else template
        except (LookupError, ValueError, AttributeError):
            return escape(text).format(**shown)

    environment = Environment(
        loader=FileSystemLoader(_CORE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, finalize=lambda value: in_words(value, translate),
    )  # fmt: skip
    environment.globals["tr"] = tr
    return environment
