"""What to do when a Python package is missing or broken."""

from __future__ import annotations

from .errors import DependencyError
from .texts import Message


def missing_package(package: str, purpose: str, reason: ImportError) -> DependencyError:
    """The error that tells how to get a Python package into QGIS."""
    detail = (
        Message("is not installed")
        if isinstance(reason, ModuleNotFoundError)
        else Message("can't be loaded ({reason})", reason=reason)
    )
    return DependencyError(
        "{purpose} needs the Python package {package}, which {detail}. On Windows open the OSGeo4W shell and run "
        "“python -m pip install {package}”; on Linux and macOS run “python3 -m pip install --user {package}” with "
        "the Python that QGIS uses. Then restart QGIS.",
        purpose=purpose,
        package=package,
        detail=detail,
    )
