"""Connected components: the parts of an interferogram within which its unwrapper vouches for whole cycles.

SNAPHU, which unwraps the products that have them, numbers the components from 1 and gives 0 to pixels that it assigns
to none: too noisy, or a patch too small beside the scene. Across components, and outside of any, the number of cycles
is a guess. A guess may be right: a slide on a small patch of good coherence is outside of all, so that it is left out
only where that is asked for. MintPy and ARIA-tools keep such pixels by default, too.
"""

from __future__ import annotations

from dataclasses import replace

from ..progress import QUIET, Progress
from ..raster import Band, BandOrMosaic, Mosaic, MosaicPart
from .model import Interferogram, Stack


def within_components(stack: Stack, progress: Progress = QUIET) -> Stack:
    """The stack with no data where a pixel belongs to no component of its pair; pairs that tell none stay as they are.

    How many pairs tell them, or that none does, goes to ``progress``.
    """
    known = sum(pair.components is not None for pair in stack.interferograms)
    if not known:
        progress.warning("No interferogram has connected components, so no pixel is left out by them.")
        return stack
    progress.info(
        "Pixels outside the connected components of {known} of {pairs} interferograms are no data there.",
        known=known,
        pairs=len(stack.interferograms),
    )
    return replace(stack, interferograms=tuple(_within(pair) for pair in stack.interferograms))


def note_components(stack: Stack, progress: Progress) -> None:
    """Tell that there are components, and that phases outside of them are used all the same."""
    known = sum(pair.components is not None for pair in stack.interferograms)
    if known:
        progress.info(
            "{known} of {pairs} interferograms have connected components. Phases outside of them are used, too; they "
            "can be left out.",
            known=known,
            pairs=len(stack.interferograms),
        )


def _within(pair: Interferogram) -> Interferogram:
    return pair if pair.components is None else replace(pair, phase=_masked(pair.phase, pair.components))


def _masked(phase: BandOrMosaic, components: BandOrMosaic) -> BandOrMosaic:
    if isinstance(phase, Band):
        return replace(phase, mask=components) if isinstance(components, Band) else phase
    known = {part.window: part.band for part in components.parts} if isinstance(components, Mosaic) else {}
    parts = tuple(
        MosaicPart(replace(part.band, mask=known.get(part.window)), part.window, part.shift) for part in phase.parts
    )
    return replace(phase, parts=parts)
