"""Whether the adders of layers of wires give what their matrices do."""

import numpy as np

from subbit.hw.families.netlist import Bits
from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.sw.ir.arrays import Ints

__all__ = ["is_exact"]

CHECKED = 256  # vectors for which they are compared


def is_exact(unit: UnrolledUnit) -> bool:
    """Whether the netlist's codes are those of the layer's definition, for random vectors."""
    beats = np.random.default_rng(0).integers(0, 1 << unit.bits, (CHECKED, unit.i.lanes))
    nets = totals_of(unit, beats) if isinstance(unit, FoldedUnit) else bits_of(beats, unit.bits)
    found = np.array(unit.results.netlist.output_bits(nets)).T
    return bool((found == unit.reference(beats)).all())


def bits_of(beats: Ints, bits: int) -> Bits:
    """The lowest bits of each input, as nets ``(inputs * bits, n)``."""
    nets = beats.T[:, None, :] >> np.arange(bits)[:, None] & 1
    return nets.reshape(-1, len(beats)).astype(np.bool_)


def totals_of(unit: FoldedUnit, beats: Ints) -> Bits:
    """The bits of all totals, sum by sum, added up over the turns of the ``beats``."""
    kept, shape, bits = unit.accumulators.kept, (len(beats),), unit.turn_bits
    totals = np.zeros((len(kept), *shape), np.int64)
    for turn in range(unit.fold):
        values = unit.network.netlist.values(bits_of(beats >> turn * bits, bits))
        for total, one in zip(totals, kept, strict=True):
            for at, bit in enumerate(one.number.bits, turn * bits):
                total += bit.evaluate(values, shape).astype(np.int64) << at
    widths = [one.below + one.width for one in kept]
    planes = [
        total >> at & 1 for total, width in zip(totals, widths, strict=True) for at in range(width)
    ]
    return np.array(planes, np.bool_)
