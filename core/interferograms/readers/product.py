"""What every product reader answers; one subclass a product family."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ...raster import Band
from ...texts import Message
from ..model import Acquisition
from .bands import band_of, declared_nodata_only
from .dates import Pair, pair_in
from .files import Folder, nearest


class ProductReader:
    """Recognises the interferograms of one product by name and reads what belongs to them.

    ``title`` and ``looks_for`` are for messages; ``interferogram_name`` and ``coherence_name`` find the files. The
    defaults suit a raster that GDAL opens, with both dates in its name and zero as no data.
    """

    title: ClassVar[str]
    looks_for: ClassVar[str]
    interferogram_name: ClassVar[re.Pattern[str]]
    coherence_name: ClassVar[re.Pattern[str]]

    def is_interferogram(self, path: Path) -> bool:
        """True when this file is an unwrapped interferogram of the product."""
        return bool(self.interferogram_name.search(path.name))

    def check_files(self, files: Sequence[Path], folder: Folder) -> None:
        """InputError where the interferograms found in a folder can't all be of one stack."""

    def incomplete(self, files: Sequence[Path], folder: Folder) -> tuple[str, ...]:
        """A note for each pair of which other layers are there but no interferogram, where the product tells."""
        return ()

    def dates(self, path: Path) -> Pair | None:
        """The two dates in the order of the product's name; None when it has none."""
        return pair_in(path.name)

    def phase(self, path: Path, folder: Folder) -> Band:
        """The unwrapped phase in radians, positive away from the satellite for the dates in the product's order."""
        return band_of(path)

    def _without_interferogram(self, expected: Mapping[Path, str], files: Sequence[Path]) -> tuple[str, ...]:
        """The notes for coherence files whose interferogram, by its expected name, isn't among the files."""
        names = {path.name for path in files}
        return tuple(
            Message("Left out: {path} is there without its {name}: the product isn't complete.", path=path, name=name)
            for path, name in expected.items()
            if name not in names
        )

    def find_coherence(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The coherence file of the pair that lies nearest to its interferogram, or None."""
        found = [item for pair in (dates, dates[::-1]) for item in self.coherence_files(folder).get(pair, ())]
        return nearest(found, path)

    def coherence_files(self, folder: Folder) -> Mapping[Pair, list[Path]]:
        """All coherence files of the folder by the dates in their names."""
        return folder.of_pairs(self.coherence_name)

    def coherence(self, path: Path, folder: Folder) -> Band:
        """The coherence of a file that ``find_coherence`` gave, as it is stored."""
        return declared_nodata_only(band_of(path))

    def find_components(self, path: Path, dates: Pair, folder: Folder) -> Path | None:
        """The file with the connected components of the interferogram, or None."""
        return None

    def components(self, path: Path, folder: Folder) -> Band:
        """The components of a file that ``find_components`` gave, numbered from 1; no data outside of any."""
        return band_of(path)

    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """Baseline (for the dates in the product's order), wavelength and angles from the product's metadata."""
        return Acquisition()
