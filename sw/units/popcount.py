"""Shape and latency of the XNOR-popcount that all engines share."""

from dataclasses import dataclass

from subbit.sw.units.cost import Cost

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
    ``constant``: ``w`` never changes. This is the portable form; a form for one vendor has the same
    ports, and a latency and cost of its own.
    """

    rows: int
    simd: int
    bits: int
    masked: bool = False
    constant: bool = False

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

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        ones = ones_cost(self.simd, 2 + self.masked)
        if self.bits > 1:
            ones = codes_cost(self.simd, self.bits)
        blanks = ones_cost(self.simd, 1) if self.masked else Cost()
        return sum([ones] * self.rows, blanks)


def popcount_stages(positions: int) -> int:
    """Register stages of a count of single bits: groups of three, of seven, then adders."""
    if positions <= 3:
        return 1
    return 2 + tree_stages(-(-positions // GROUP))


def adder_luts(bits: int) -> int:
    """Lookup tables of an adder with a result of that width: logic when narrow, else a chain."""
    return bits + 1 if bits <= 4 else 2 * -(-bits // 2)


def tree_cost(tops: list[int]) -> Cost:
    """Adders and registers for the sum of numbers of those greatest values."""
    total, level = Cost(), 0
    while len(tops) > 1:
        sums = [a + b for a, b in zip(tops[::2], tops[1::2], strict=False)]
        total += Cost(lut4=sum(adder_luts(top.bit_length()) for top in sums))
        tops = sums + tops[2 * len(sums) :]
        level += 1
        if level % 2 == 0 or len(tops) == 1:
            total += Cost(flip_flops=sum(top.bit_length() for top in tops))
    return total


def ones_cost(positions: int, inputs: int) -> Cost:
    """A count of single bits, each a function of ``inputs`` signals."""
    groups, rest = divmod(positions, GROUP)
    each = {1: 8, 2: 12, 3: 15}[inputs]
    cells = Cost(each * groups + -(-each * rest // GROUP), 8 * groups + rest + 1)
    return cells + tree_cost([GROUP] * groups + [rest] * bool(rest))


def codes_cost(positions: int, bits: int) -> Cost:
    """A sum of codes, each xnor'ed with its weight."""
    tree = tree_cost([(1 << bits) - 1] * positions)
    return Cost(lut4=positions * bits) + tree
