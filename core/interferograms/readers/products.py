"""The table of products, in the order in which files are recognised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...errors import InputError
from ...texts import Message, joined
from .aria import AriaReader
from .files import Folder
from .gamma import GammaReader
from .geotiff import GeotiffReader
from .gmtsar import GmtsarReader
from .hyp3 import HyP3Reader
from .isce2 import Isce2Reader
from .licsar import LicsarReader
from .licsbas import LicsbasReader
from .nisar import NisarReader
from .product import ProductReader
from .roipac import RoipacReader
from .snap import SnapReader

AUTO = "auto"
_PACKED = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")

# The general GeoTIFF stands after the products whose files are GeoTIFFs too.
PRODUCTS: Mapping[str, ProductReader] = {
    "hyp3": HyP3Reader(),
    "licsar": LicsarReader(),
    "licsbas": LicsbasReader(),
    "aria": AriaReader(),
    "nisar": NisarReader(),
    "isce2": Isce2Reader(),
    "snap": SnapReader(),
    "gmtsar": GmtsarReader(),
    "gamma": GammaReader(),
    "geotiff": GeotiffReader(),
    "roipac": RoipacReader(),
}


def product_of(path: Path) -> str | None:
    """The key of the first product that a file is an interferogram of, or None."""
    return next((key for key, reader in PRODUCTS.items() if reader.is_interferogram(path)), None)


def recognise(folder: Folder, product: str) -> tuple[str, tuple[Path, ...]]:
    """The product of a folder and its interferogram files.

    Raises InputError when nothing is found, when there are several products and none is chosen, when the chosen one
    isn't there, or when its files can't be one stack.
    """
    key, files = _recognised(folder, product)
    PRODUCTS[key].check_files(files, folder)
    return key, files


def _recognised(folder: Folder, product: str) -> tuple[str, tuple[Path, ...]]:
    if product == AUTO:
        found = _by_product(folder)
        if len(found) == 1:
            return next(iter(found.items()))
        if found:
            raise InputError(
                "{path} holds interferograms of several products: {listed}. Choose one of them, or "
                "the folder of one of them.",
                path=folder.path,
                listed=_listed(found),
            )
        raise InputError(_nothing_found(folder))
    reader = reader_of(product)
    others = _by_product(folder)
    files = others.get(product) or tuple(path for path in folder.files if reader.is_interferogram(path))
    if not files:
        instead = Message(" There are others: {listed}.", listed=_listed(others)) if others else ""
        raise InputError(
            "{path} holds no interferograms of the product {product} ({title}: {looks_for})."
            "{instead} Choose another product or folder.",
            path=folder.path,
            product=product,
            title=reader.title,
            looks_for=reader.looks_for,
            instead=instead,
        )
    return product, files


def reader_of(product: str) -> ProductReader:
    """The reader of a product; InputError for a name that isn't in the table."""
    try:
        return PRODUCTS[product]
    except KeyError:
        known = ", ".join((AUTO, *PRODUCTS))
        raise InputError("{product} isn't a product. Choose one of {known}.", product=product, known=known) from None


def _by_product(folder: Folder) -> dict[str, tuple[Path, ...]]:
    found: dict[str, list[Path]] = {}
    for path in folder.files:
        key = product_of(path)
        if key:
            found.setdefault(key, []).append(path)
    return {key: tuple(found[key]) for key in PRODUCTS if key in found}


def _listed(found: Mapping[str, tuple[Path, ...]]) -> Message:
    return joined(
        [
            Message("{count} of {product} ({title})", count=len(files), product=key, title=PRODUCTS[key].title)
            for key, files in found.items()
        ]
    )


def _nothing_found(folder: Folder) -> str:
    looked_for = "; ".join(f"{reader.title}: {reader.looks_for}" for reader in PRODUCTS.values())
    archives = sum(path.suffix.lower() in _PACKED for path in folder.files)
    hints = [Message(" It holds {archives} archives: unpack them first.", archives=archives)] if archives else []
    hints += [Message(" {note}", note=note) for note in folder.notes[:1]]
    return Message(
        "{path} and the folders below it hold no unwrapped interferograms.{hint} Choose another folder, or list files "
        "with other names in a CSV file of pairs. Looked for {looked_for}.",
        path=folder.path,
        hint=joined(hints, ""),
        looked_for=looked_for,
    )
