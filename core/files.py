"""Files and folders that appear under their name whole or not at all.

What is made lies beside its target under a name that nobody else uses, and takes its place at the end. Whatever ends
the making early (an error, a full disk, the user) leaves the target as it was and nothing beside it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Union

from .errors import InputError, OutputError
from .leftovers import leftovers, own_name

if TYPE_CHECKING:
    from .types import PathLike

# What GDAL and SQLite keep beside a file; it would belie other content.
_SIDECARS = (".aux.xml", ".ovr", ".msk", "-journal", "-wal", "-shm")
# What else belongs to a file of several parts, by its suffix.
_PARTS = {
    ".shp": (".shx", ".dbf", ".prj", ".qpj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind"),
    ".csv": (".csvt",),
    ".gml": (".gfs", ".xsd"),
}
# A work folder whose contents are complete and on their way to their places.
_READY = ".ready"
_RESULTS = "results"
_WORK = re.compile(rf"\.{_RESULTS}-ada[0-9a-f]{{16}}(\.\w+)?[/\\]")

# What is free on a disk that a program found full: blocks are kept for the system, and freed by what it gave up.
_NO_ROOM = 64 * 1024

Failures = Union[type[Exception], tuple[type[Exception], ...]]


def unwritable(path: PathLike, error: Exception | str) -> OutputError:
    """The error that says that ``path`` can't be written, and why as far as the system tells."""
    if is_full(Path(path), error):
        return OutputError(
            "The disk is full: {path} can't be written. Free space on it, or choose a folder on another disk.",
            path=path,
        )
    # Libraries say what they were about, such as a scanline, and not what is the matter.
    reason = error.strerror if isinstance(error, OSError) else error if isinstance(error, str) else None
    if reason:
        return OutputError(
            "{path} can't be written ({reason}). Check that the folder exists and that you may write there; or it is "
            "open in QGIS or another program: remove that layer or choose another file name.",
            path=path,
            reason=reason,
        )
    return OutputError(
        "{path} can't be written. Check that the folder exists, that you may write there and that the disk is not "
        "full; or it is open in QGIS or another program: remove that layer or choose another file name.",
        path=path,
    )


def is_full(path: Path, error: Exception | str) -> bool:
    """Whether the disk of ``path`` has no room, which of the libraries only the system's own errors tell."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    with contextlib.suppress(OSError):
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        return shutil.disk_usage(folder).free < _NO_ROOM
    return False


@contextlib.contextmanager
def told_as_unwritable(path: PathLike, failures: Failures = OSError) -> Iterator[None]:
    """OutputError, naming ``path``, for the failures of a block that does nothing but write."""
    try:
        yield
    except failures as error:
        raise unwritable(path, error) from None


class NewFile:
    """A file in the making: it lies at ``temporary``, beside its target, until ``keep`` gives it the target's name."""

    def __init__(self, path: PathLike) -> None:
        self.target = Path(path)
        # Of the same kind, as programs look at the suffix; a long name stays within what file systems bear.
        self.temporary = self.target.with_name(f"{own_name(self.target.stem)}{self.target.suffix}")

    def check_replaceable(self) -> None:
        """OutputError where the target can't be replaced, found out before the work, not after it."""
        if self.target.is_dir():
            raise OutputError("{target} is a folder. Choose another file name.", target=self.target)
        if self.target.exists():
            with told_as_unwritable(self.target):
                # Windows refuses to rename a file that is open elsewhere, even to its own name.
                self.target.rename(self.target)

    def keep(self) -> None:
        """Give the file its name, in place of what has it; OSError when the system refuses."""
        for sidecar in _SIDECARS:
            old, new = _beside(self.target, sidecar), _beside(self.temporary, sidecar)
            if os.path.lexists(new):
                new.replace(old)
            elif os.path.lexists(old):
                old.unlink()
        self.temporary.replace(self.target)

    def discard(self) -> None:
        """Remove what was written so far; nothing to do once the file is kept."""
        for sidecar in ("", *_SIDECARS):
            with contextlib.suppress(OSError):
                _beside(self.temporary, sidecar).unlink()


def _beside(path: Path, sidecar: str) -> Path:
    return path.with_name(path.name + sidecar)


@contextlib.contextmanager
def whole_file(path: PathLike, failures: Failures = OSError) -> Iterator[Path]:
    """A file beside ``path`` to be written in the block, at whose good end it replaces ``path``.

    Raises OutputError for the ``failures`` of the block, and when the file can't take its place.
    """
    file = NewFile(path)
    try:
        with told_as_unwritable(path, failures):
            yield file.temporary
            file.keep()
    finally:
        file.discard()


def write_text(path: PathLike, content: str) -> None:
    """Write a text file in UTF-8; OutputError when it can't be written."""
    with whole_file(path) as file:
        file.write_text(content, encoding="utf-8")


def write_file(path: PathLike, content: bytes) -> None:
    """Write a file; OutputError when it can't be written."""
    with whole_file(path) as file:
        file.write_bytes(content)


@contextlib.contextmanager
def whole_folder(path: PathLike, replace: bool = False, failures: Failures = OSError) -> Iterator[Path]:
    """A folder beside ``path`` to be filled in the block, at whose good end it becomes ``path``.

    An absent or empty folder is taken; with ``replace`` any other, too, and all that was in it is gone. For folders
    that belong to us as a whole; see ``added_together`` for others. Raises OutputError as ``whole_file`` does.
    """
    target = Path(path).absolute()
    tidy(target.parent, target.name)
    name = own_name(target.name)
    made, old = target.with_name(f"{name}.part"), target.with_name(f"{name}.old")
    try:
        with told_as_unwritable(target, failures):
            made.mkdir()
            yield made
            if target.exists():
                target.rename(old) if replace else target.rmdir()
            try:
                made.rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
    finally:
        for folder in (made, *([old] if target.exists() else ())):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def added_together(folder: PathLike, replaced: Sequence[Path] = (), failures: Failures = OSError) -> Iterator[Path]:
    """A folder to work in whose contents move into ``folder`` at the good end of the block, all or none.

    They take the place of what is in ``replaced`` (paths in ``folder``) or has their names; all else in the folder
    stays, unlike with ``whole_folder``. Missing folders are made. Raises OutputError as ``whole_file`` does.
    """
    target = Path(folder)
    missing = [path for path in (target, *target.parents) if not path.exists()]
    work = target / own_name("part")
    try:
        with told_as_unwritable(target, failures):
            tidy(target, target.name)
            work.mkdir(parents=True)
            yield work
            with _moved_in(work, target, replaced):
                pass
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


Taking = Callable[[Path, Path], AbstractContextManager[None]]
"""How a file that was made becomes part of its target, at the good end of a block, where it doesn't replace it."""


class Results:
    """The files of one run: all take their places at the good end of a block, or none does.

    What is to be ``path`` is written at ``place(path)``, in a folder beside it that nobody else uses, under its own
    name, and read there until the end; whatever else is written there (parts, styles) goes with it.
    """

    def __init__(self) -> None:
        self.finished: list[Path] = []
        """What an earlier run could not bring to its place any more, and what was brought there now."""
        self.if_dropped = contextlib.ExitStack()
        """What else is to be undone unless the files take their places."""
        self._works: dict[Path, Path] = {}
        self._names: list[str] = []
        self._asides: list[Path] = []
        self._removed: list[Path] = []
        self._takings: dict[Path, Taking] = {}

    @property
    def is_any(self) -> bool:
        """Whether the run has such files at all."""
        return bool(self._works)

    def place(self, path: PathLike, taking: Taking | None = None) -> Path:
        """Where to write what is to be ``path``; with ``taking`` it becomes part of what is there.

        OutputError where ``path`` is a folder, is open elsewhere, or where nothing can be written beside it.
        """
        file = NewFile(path)
        file.check_replaceable()
        folder = file.target.parent
        if folder not in self._works:
            with told_as_unwritable(path):
                self.finished += tidy(folder, file.target.name)
                work = folder / own_name(_RESULTS)
                work.mkdir()
            self._works[folder] = work
            self._names.append(work.name)
        place = self._works[folder] / file.target.name
        if taking is not None:
            self._takings[place] = taking
        return place

    def remove(self, path: Path) -> None:
        """A file beside one of those of the run, which goes when they take their places."""
        self._removed.append(path)

    def named(self, text: str) -> str:
        """A text with the places where the files of this run will be instead of those where they are made."""
        for name in self._names:
            for separator in {"/", os.sep}:
                text = text.replace(f"{name}{separator}", "")
        return text

    def keep(self) -> None:
        """Give all files their names; OutputError, and all is as it was, where one can't take its place."""
        taken = {folder: self._set_aside(folder, work) for folder, work in self._works.items()}
        with contextlib.ExitStack() as done:
            for folder, work in list(self._works.items()):
                with told_as_unwritable(folder):
                    self._works[folder] = work.rename(work.with_name(f"{work.name}{_READY}"))
            for folder, work in self._works.items():
                removed = [path for path in self._removed if path.parent == folder and path.exists()]
                done.enter_context(_moved_in(work, folder, removed))
            for folder, sources in taken.items():
                for source, taking in sources.items():
                    done.enter_context(taking(source, folder / source.name))
        self.discard()

    def _set_aside(self, folder: Path, work: Path) -> dict[Path, Taking]:
        """Put what doesn't replace its target out of the way of what does.

        So is what belongs to it, such as a style, which would be one of all that the target holds.
        """
        takings = {path: taking for path, taking in self._takings.items() if path.parent == work and path.exists()}
        aside = work.with_name(f"{work.name}.taken")
        if takings:
            with told_as_unwritable(folder):
                aside.mkdir()
                self._asides.append(aside)
        for path in takings:
            for part in [part for part in work.iterdir() if part.stem == path.stem and part != path]:
                part.rename(aside / part.name)
        return {path.rename(aside / path.name): taking for path, taking in takings.items()}

    def discard(self) -> None:
        """Remove what was not kept."""
        for work in (*self._works.values(), *self._asides):
            shutil.rmtree(work, ignore_errors=True)

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.keep()
                self.if_dropped.pop_all()
        finally:
            self.discard()
            self.if_dropped.close()


def told_place(text: str) -> str:
    """A text with the places where results will be instead of those where they are made, in any run."""
    return _WORK.sub("", text)


def tidy(folder: Path, *targets: str) -> list[Path]:
    """Clear what killed runs left in a folder, of earlier versions what was to become one of ``targets``.

    A set of results that was complete is brought to its places, and a folder that was being replaced gets its name
    back. Returns what stands in its place now. What the system refuses stays as it is.
    """
    finished: list[Path] = []
    for left in leftovers(folder, *targets):
        with contextlib.suppress(OSError, OutputError):
            if left.end == _READY and left.path.is_dir():
                finished += _finish(left.path, folder)
            elif left.end == ".old" and not (folder / left.name).exists():
                # A name that was cut is lost, and this may be the only copy.
                if len(left.name) < 40:
                    left.path.rename(folder / left.name)
            elif left.path.is_dir() and not left.path.is_symlink():
                shutil.rmtree(left.path, ignore_errors=True)
            else:
                left.path.unlink()
    return finished


def check_sets(folder: Path) -> None:
    """InputError where a killed run left a part of its results on their way into a folder that something is read from.

    They are brought to their places first, but what was opened there until now may be of the run before.
    """
    waiting = [left.path for left in leftovers(folder) if left.end == _READY and left.path.is_dir()]
    names: list[str] = []
    for path in waiting:
        with contextlib.suppress(OSError, OutputError):
            names += [place.name for place in _finish(path, folder)]
    if any(path.exists() for path in waiting):
        raise InputError(
            "In {folder} stand results of two runs, because the last one was stopped while its own took their places. "
            "Run the tool that made them again.",
            folder=folder,
        )
    if names:
        raise InputError(
            "In {folder} stood results of two runs, because the last one was stopped while its own took their places. "
            "Now all are of the last one: {names}. Load them anew, and run this tool again.",
            folder=folder,
            names=", ".join(names),
        )


def _finish(ready: Path, folder: Path) -> list[Path]:
    """Bring what is left of a complete set to its places."""
    places = [folder / path.name for path in sorted(ready.iterdir()) if path.name != _ASIDE]
    with _moved_in(ready, folder):
        pass
    shutil.rmtree(ready, ignore_errors=True)
    return places


_ASIDE = ".replaced"


@contextlib.contextmanager
def _moved_in(work: Path, target: Path, replaced: Sequence[Path] = ()) -> Iterator[None]:
    """The contents of ``work`` moved into the target, what they replace put aside; on an error all is put back.

    A file that is replaced keeps its name until the new one takes it, where the file system knows hard links.
    """
    new, aside = sorted(path for path in work.iterdir() if path.name != _ASIDE), work / _ASIDE
    aside.mkdir(exist_ok=True)
    names = {path.name for path in new}
    belonging = {part for name in names for part in _belonging(target / name) if part.name not in names}
    old = sorted({*replaced, *belonging, *(path for path in target.iterdir() if path.name in names)})
    done: list[tuple[Path, Path]] = []

    def move(source: Path, place: Path) -> None:
        with told_as_unwritable(target / source.name):
            source.replace(place)
        done.append((source, place))

    try:
        for path in old:
            if path.name in names and path.is_file() and _linked(path, aside / path.name):
                done.append((path, aside / path.name))
            else:
                move(path, aside / path.name)
        for path in new:
            move(path, target / path.name)
        yield
    except BaseException:
        for source, place in reversed(done):
            with contextlib.suppress(OSError):
                place.replace(source)
        raise


def _linked(path: Path, place: Path) -> bool:
    if path.is_symlink():
        return False
    try:
        os.link(path, place)
    except OSError:
        return False
    return True


def _belonging(path: Path) -> Iterator[Path]:
    """What lies beside a file and would belie another one of its name."""
    parts = map(path.with_suffix, _PARTS.get(path.suffix.lower(), ()))
    return filter(os.path.lexists, (*(_beside(path, sidecar) for sidecar in _SIDECARS), *parts))
