"""Shape and latency of the XNOR-popcount that all engines share."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from subbit.hw.contract.blocks import adder_cost, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.families.carry import PORTABLE
from subbit.hw.families.netlist import AddPlace, CarryChain, CarryTap, Lut, Netlist
from subbit.hw.families.table import FAMILIES, family
from subbit.hw.trees.counter import Popcount, ones_netlist, popcount_netlist

__all__ = [
    "CLOCK_MHZ",
    "CODE_BITS",
    "FORMS",
    "GROUP",
    "PORTABLE",
    "PopcountShape",
    "ceil_log2",
    "ones_cost",
    "tree_stages",
]

GROUP = 7  # positions that one cell of full adders counts into three bits
FORMS = (PORTABLE, *(name for name in FAMILIES if family(name).has_carry_trees))
CODE_BITS = 4  # codes of so many bits are added as numbers, narrower ones counted bit by bit
CLOCK_MHZ = 150.0  # what trees of vendors' cells are planned for if nothing else is said


def ceil_log2(number: int) -> int:
    """The least k with 2**k >= number."""
    return (number - 1).bit_length()


def tree_stages(terms: int) -> int:
    """Register stages of an adder tree over ``terms`` numbers with two adders between registers."""
    return -(-ceil_log2(terms) // 2)


@dataclass(frozen=True, kw_only=True)
class PopcountShape:
    """XNOR-popcounts of a word with the weights of ``rows`` outputs r, all branches added up::

        count[r] = sum over l, b, k of scales[k] * 2**b * (xnor(x[l, b], w[k, r, l]) & mask[l])

    ``simd`` positions l of ``bits`` bits b, weights of ``len(scales)`` bit planes k, each of which
    counts a power of two, ``scales[k]``: the branches of the {-1,+1} decomposition (Sun et al.,
    arXiv 1905.13389, eq. 9). With ``masked`` each position carries a mask bit above its value, and
    ``padding``, the number of positions with mask 0, comes out beside the counts. ``constant``:
    ``w`` never changes.

    Portable logic counts the branches of one weight together and adds those sums shifted; codes of
    CODE_BITS bits or more it adds as numbers, plane by plane. ``form``: ``portable``, or the fabric
    whose cells the counters are made of. Latency and cost are then those of the vendor's compressor
    trees, planned for a clock of ``mhz``; a circuit for anything else (simulation, another part)
    has a portable form of the same latency. Latency: ``latency`` cycles. Interval: a word a cycle.
    """

    rows: int
    simd: int
    bits: int
    masked: bool = False
    constant: bool = False
    form: str = PORTABLE
    scales: tuple[int, ...] = (1,)
    mhz: float = CLOCK_MHZ

    @property
    def max_count(self) -> int:
        """The greatest count."""
        return self.simd * ((1 << self.bits) - 1) * sum(self.scales)

    @property
    def branches(self) -> dict[int, list[tuple[int, int]]]:
        """For each exponent e, ascending, the pairs of plane and bit that count ``2**e``."""
        found: dict[int, list[tuple[int, int]]] = {}
        for plane, scale in enumerate(self.scales):
            for bit in range(self.bits):
                found.setdefault(scale.bit_length() - 1 + bit, []).append((plane, bit))
        return dict(sorted(found.items()))

    @property
    def width(self) -> int:
        """Bits of a count."""
        return self.max_count.bit_length()

    @property
    def latency(self) -> int:
        """Cycles from positions to counts; a new set every cycle."""
        return max([self.portable_latency, *(tree.latency for tree in self.trees)])

    @property
    def portable_latency(self) -> int:
        """The least latency of the portable form."""
        padding = popcount_stages(self.simd) if self.masked else 0
        if self.bits >= CODE_BITS:
            planes = tree_stages(len(self.scales))
            return max(1, tree_stages(self.simd), padding - planes) + planes
        return max(self.branch_stages, padding) + tree_stages(len(self.branches))

    @property
    def branch_stages(self) -> int:
        """Register stages until the portable form has counted the branches of each weight."""
        return max(popcount_stages(self.simd * len(same)) for same in self.branches.values())

    @property
    def row(self) -> Popcount:
        """A row as the vendor's compressor tree counts it."""
        limit, depth = family(self.form).carry.speed(self.mhz)
        row = Popcount(
            simd=self.simd, bits=self.bits, masked=self.masked, fabric=self.form, scales=self.scales
        )
        return replace(row, limit=limit, depth=depth)

    @property
    def trees(self) -> tuple[Netlist, ...]:
        """The vendor's compressor trees: of a row, and of masked positions; none if portable."""
        if self.form == PORTABLE:
            return ()
        row = self.row
        if not self.masked:
            return (popcount_netlist(row),)
        padding = ones_netlist(self.simd, 0, row.fabric, row.limit, row.depth)
        return (popcount_netlist(row), padding)

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        planes = len(self.scales)
        padding = ones_cost(self.simd, 1) if self.masked else Cost()
        if self.form != PORTABLE:
            lanes = self.simd * (self.bits + self.masked)
            row, *rest = self.trees
            delays = registers(self.width * (self.latency - row.latency))
            shared = input_registers(row, lanes)
            padding = sum((tree_cells(tree, 0) for tree in rest), Cost())
            given = lanes + (self.simd * planes if self.constant else 0)
            return (tree_cells(row, given) + delays) * self.rows + shared + padding
        if self.bits >= CODE_BITS:
            one = codes_cost(self.simd, self.bits) * planes + shifted_cost(self.plane_terms)
        else:
            terms = [(e, self.simd * len(same)) for e, same in self.branches.items()]
            each = [ones_cost(count, 2 + self.masked) for _, count in terms]
            one = sum(each, shifted_cost(terms))
        return one * self.rows + padding

    @property
    def weight_registers(self) -> int:
        """Registers of the weights of all rows in vendors' compressor trees, until they are used:
        counters of several pixels with the same weights have them once.
        """
        if self.form == PORTABLE or self.constant:
            return 0
        lanes = self.simd * (self.bits + self.masked)
        row, *_ = self.trees
        given = range(lanes, lanes + self.simd * len(self.scales))
        return self.rows * sum(stages for net, stages in stages_of(row).items() if net in given)

    @property
    def plane_terms(self) -> list[tuple[int, int]]:
        """Exponent and greatest count of each plane, ascending."""
        max_count = self.simd * ((1 << self.bits) - 1)
        return [(scale.bit_length() - 1, max_count) for scale in sorted(self.scales)]


def tree_cells(tree: Netlist, shared: int) -> Cost:
    """Cells of a compressor tree, but no registers for its first ``shared`` inputs."""
    own = {net: stages for net, stages in stages_of(tree).items() if net >= shared}
    behind = sum(stages > 0 and tree.level[net] >= 0 for net, stages in own.items())
    flip_flops = sum(own.values())
    return Cost(tree.lut4, flip_flops, more_lut4=flip_flops - behind)


def stages_of(tree: Netlist) -> dict[int, int]:
    """The registers of each net that is used, but of a running sum, which is an output."""
    last: dict[int, int] = {}
    for level, cell in sorted(tree.cells, key=lambda row: row[0]):
        last |= dict.fromkeys(nets_of(cell), level // tree.depth)
    last |= dict.fromkeys((net for unit in tree.outputs for net in unit.nets), tree.latency)
    own = {net: at for net, at in last.items() if net not in tree.sums}
    return {net: at - max(tree.level[net] // tree.depth, 0) for net, at in own.items()}


def input_registers(tree: Netlist, inputs: int) -> Cost:
    """Registers of the first ``inputs`` nets for the cycles in which they are used."""
    return registers(sum(stages for net, stages in stages_of(tree).items() if net < inputs))


def nets_of(cell: Lut | CarryChain) -> Iterator[int]:
    """The nets that a cell uses."""
    for place in cell.places if isinstance(cell, CarryChain) else (cell,):
        if isinstance(place, AddPlace):
            yield from place.u.nets + place.v.nets
        else:
            yield from (place.inject if isinstance(place, CarryTap) else place.unit).nets


def popcount_stages(positions: int) -> int:
    """Register stages of a count of single bits: groups of three, of seven, then adders."""
    if positions <= 3:
        return 1
    return 2 + tree_stages(-(-positions // GROUP))


def shifted_cost(terms: list[tuple[int, int]]) -> Cost:
    """Adders and registers for the sum of numbers ``(e, greatest)`` times ``2**e``, ascending."""
    total, level = Cost(), 0
    while len(terms) > 1:
        joined = []
        for (low, a), (high, b) in zip(terms[::2], terms[1::2], strict=False):
            upper = (a >> (high - low)) + b
            total += adder_cost(upper.bit_length()) if a >> (high - low) else Cost()
            joined.append((low, a + (b << (high - low))))
        terms = joined + terms[2 * len(joined) :]
        level += 1
        if level % 2 == 0 or len(terms) == 1:
            total += Cost(flip_flops=sum(max_count.bit_length() for _, max_count in terms))
    return total


def tree_cost(maxima: list[int]) -> Cost:
    """Adders and registers for the sum of numbers of those greatest values."""
    total, level = Cost(), 0
    while len(maxima) > 1:
        sums = [a + b for a, b in zip(maxima[::2], maxima[1::2], strict=False)]
        total += sum((adder_cost(max_count.bit_length()) for max_count in sums), Cost())
        maxima = sums + maxima[2 * len(sums) :]
        level += 1
        if level % 2 == 0 or len(maxima) == 1:
            total += Cost(flip_flops=sum(max_count.bit_length() for max_count in maxima))
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
