"""Shape and latency of the XNOR-popcount that all engines share."""

from dataclasses import dataclass

__all__ = ["GROUP", "PopcountXnor", "ceil_log2", "tree_stages"]

GROUP = 7  # positions that one cell of full adders counts into three bits


def ceil_log2(number: int) -> int:
    """The least k with 2**k >= number."""
    return (number - 1).bit_length()


def tree_stages(terms: int) -> int:
    """Register stages of an adder tree over ``terms`` numbers with two adders between registers."""
    return -(-ceil_log2(terms) // 2)


@dataclass(frozen=True)
class PopcountXnor:
    """``rows`` times ``count[r] = sum over l, b of 2**b * (xnor(x[l, b], w[r, l]) & mask[l])``.

    ``simd`` positions l of ``bits`` bits b; with ``masked`` each position carries a mask bit above
    its value, and ``blanks``, the number of positions with mask 0, comes out beside the counts.
    This is the portable form; a form for one vendor has the same ports and its own ``latency``.
    """

    rows: int
    simd: int
    bits: int
    masked: bool

    @property
    def top(self) -> int:
        """The greatest count."""
        return self.simd * ((1 << self.bits) - 1)

    @property
    def width(self) -> int:
        """Bits of a count."""
        return self.top.bit_length()

    @property
    def latency(self) -> int:
        """Cycles from positions to counts; a new set every cycle."""
        ones = popcount_stages(self.simd)
        if self.bits == 1:
            return ones
        return max(1, tree_stages(self.simd), ones if self.masked else 0)


def popcount_stages(positions: int) -> int:
    """Register stages of a count of single bits: groups of three, of seven, then adders."""
    if positions <= 3:
        return 1
    return 2 + tree_stages(-(-positions // GROUP))
