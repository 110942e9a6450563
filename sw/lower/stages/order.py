"""Outputs of pixels side by side, put in the order of the tensor: one pixel after the other."""

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.lower.stages.stage import divisors

__all__ = ["order_units"]


def order_units(
    o: Lanes, pixels: int, passes: int, groups: int, cycles: int, block_words: int = 0
) -> list[tuple[str, Unit]]:
    """What follows an engine that gives ``o``, the next outputs of ``pixels`` pixels, in each of
    ``passes`` beats, ``groups`` times a frame, each group in ``cycles`` cycles.

    As many beats are joined as let the outputs of a group leave in that time, if any number does.
    ``block_words``: words from which they wait in block RAM; 0 leaves that to their size.
    """
    if pixels == 1:
        return []
    if passes == 1:
        return [("split", DownsizeUnit(element=o, ratio=pixels, beats=groups))]
    fitting = [n for n in divisors(passes) if passes // n * pixels <= cycles]
    joined = fitting[0] if fitting else passes
    units: list[tuple[str, Unit]] = []
    if joined > 1:
        units.append(("join", UpsizeUnit(element=o, ratio=joined, beats=groups * passes)))
    words, pe = passes // joined, o.lanes // pixels
    wide, pixel = (Lanes(lanes * joined, o.bits, o.signed) for lanes in (o.lanes, pe))
    memory = "block" if block_words and words >= block_words else "auto"
    units.append(
        (
            "gather",
            ReplayUnit(element=wide, words=words, folds=pixels, vectors=groups, memory=memory),
        )
    )
    return [
        *units,
        ("deal", DealUnit(pixel=pixel, passes=words, groups=groups, pixels=pixels, pe=pe)),
    ]
