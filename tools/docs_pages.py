"""Adds the pages that stand in the repository's root to the documentation.

README.md is the first page. Each text stays in one place: a link to ``docs/guide.md`` there leads to ``guide.md`` here.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by MkDocs when it has gathered the files of docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=as_page((ROOT / source).read_text("utf-8"))))
    return files


def as_page(text: str) -> str:
    """A text of the root with its links as docs/ sees them, and lists that Python's Markdown understands."""
    for source, page in PAGES.items():
        text = text.replace(f"]({source}", f"]({page}")
    text = re.sub(r"\]\(docs/", "](", text)
    # What belongs to a numbered item is indented by three columns on forges, by four here.
    return re.sub(r"^ {3}(?! )", "    ", text, flags=re.MULTILINE)
