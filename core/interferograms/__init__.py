"""Interferograms of any processor as one stack, and the selection of its pairs."""

from .finding import find_stack
from .model import SENTINEL1_WAVELENGTH, Acquisition, Interferogram, Stack
from .product import ProductReader
from .products import AUTO, PRODUCTS
from .selection import (
    PairFacts,
    PairLimits,
    PairSelection,
    nothing_left,
    pair_facts,
    reasons_against,
    rules_against,
    select_pairs,
)

__all__ = [
    "AUTO",
    "PRODUCTS",
    "SENTINEL1_WAVELENGTH",
    "Acquisition",
    "Interferogram",
    "PairFacts",
    "PairLimits",
    "PairSelection",
    "ProductReader",
    "Stack",
    "find_stack",
    "nothing_left",
    "pair_facts",
    "reasons_against",
    "rules_against",
    "select_pairs",
]
