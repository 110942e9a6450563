"""Outputs of pixels side by side, put in the order of the tensor: one pixel after the other."""

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.lower.stages.stage import divisors

__all__ = ["order_units"]


def order_units(
    o: Lanes,
    pixels: int,
    passes: int,
    groups: int,
    cycles: int,
    block_words: int = 0,
    output_pixels: int = 1,
) -> list[tuple[str, Unit]]:
    """What follows an engine that gives ``o``, the next outputs of ``pixels`` pixels, in each of
    ``passes`` beats, ``groups`` times a frame, each group in ``cycles`` cycles.

    ``output_pixels``: whole pixels of a beat that leaves, a divisor of ``pixels``. 1 leaves parts
    of one pixel, too: as many beats are joined as let the outputs of a group leave in that time, if
    any number does; they wait in a memory. More are put together in registers, from all beats of
    their group. Where one beat holds all outputs of its pixels, it is in the tensor's order, and
    leaves whole or is split.

    ``block_words``: words from which they wait in block RAM; 0 leaves that to their size.
    """
    if pixels == 1:
        return []
    if passes == 1 or output_pixels > 1:
        return [
            *gathered(o, pixels, passes, groups),
            *split(Lanes(o.lanes * passes, o.bits, o.signed), pixels // output_pixels, groups),
        ]
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


def gathered(o: Lanes, runs: int, beats: int, groups: int) -> list[tuple[str, Unit]]:
    """``beats`` beats of ``o`` as one, run by run; nothing where one beat has them all."""
    if beats == 1:
        return []
    return [("gather", UpsizeUnit(element=o, ratio=beats, beats=groups * beats, runs=runs))]


def split(o: Lanes, parts: int, beats: int) -> list[tuple[str, Unit]]:
    """Each beat of ``o`` in so many parts; nothing where it leaves whole."""
    return [("split", DownsizeUnit(element=o, ratio=parts, beats=beats))] if parts > 1 else []
