"""The elements of SVG drawings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def svg(width: float, height: float, parts: Sequence[str], label: str = "") -> str:
    """A drawing of that size in its own units, as wide as the page; ``label`` is what screen readers say."""
    name = f' aria-label="{escape(label)}"' if label else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"{name} '
        'font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>"
    )


def svg_text(x: float, y: float, content: str, anchor: str = "middle", extra: str = "") -> str:
    """A text whose base line is at y; ``extra`` are further attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#444"{extra}>{escape(content)}</text>'


def svg_line(x1: float, y1: float, x2: float, y2: float, colour: str = "#e3e3e3", width: float = 1) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'
