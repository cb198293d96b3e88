"""The elements of SVG drawings. Every text and attribute is escaped here and nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape


class Drawing(str):
    """A finished drawing, which templates take as it is; they escape any other text."""

    def __html__(self) -> str:
        return str(self)


def svg(width: float, height: float, parts: Sequence[str], label: str = "") -> Drawing:
    """A drawing of that size in its own units, as wide as the page; ``label`` is what screen readers say."""
    name = f' aria-label="{escape(label)}"' if label else ""
    return Drawing(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"{name} '
        'font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>"
    )


def element(tag: str, title: str = "", /, **attributes: str | float) -> str:
    """An element with its attributes, ``_`` for ``-`` in their names; ``title`` is shown when pointed at.

    Numbers are written with one decimal, integers without.
    """
    written = " ".join(f'{name.replace("_", "-")}="{_written(value)}"' for name, value in attributes.items())
    return f"<{tag} {written}><title>{escape(title)}</title></{tag}>" if title else f"<{tag} {written}/>"


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def svg_text(x: float, y: float, content: str, anchor: str = "middle", **attributes: str | float) -> str:
    """A text whose base line is at y."""
    start = element("text", x=x, y=y, text_anchor=anchor, fill="#444", **attributes)
    return f"{start[:-2]}>{escape(content)}</text>"


def svg_line(x1: float, y1: float, x2: float, y2: float, colour: str = "#e3e3e3", width: float = 1) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=f"{width:g}")


def svg_picture(x: float, y: float, width: float, height: float, png: bytes, **attributes: str | float) -> str:
    """A picture stretched over a rectangle."""
    data = base64.b64encode(png).decode("ascii")
    place = {"x": x, "y": y, "width": width, "height": height}
    return element("image", **place, preserveAspectRatio="none", href=f"data:image/png;base64,{data}", **attributes)
