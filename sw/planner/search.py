"""The integer search: for each stage a variant, of least area for an interval and a budget.

For an interval of T cycles every stage has the options of at most T cycles. For those a table is
made of the least area for each number of block RAMs (see subbit.sw.planner.frontier), once for each
of a few prices of a flip-flop and, where multipliers are short, of a multiplier. It does not
depend on any budget.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from subbit.hw.contract.cost import RESOURCES, Cost
from subbit.hw.contract.unit import Lanes
from subbit.sw.ir.network import Network
from subbit.sw.lower.graph import groups
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.costs import Costs, Option, total
from subbit.sw.planner.fifos import Fitted
from subbit.sw.planner.frontier import Frontier, Wait
from subbit.sw.planner.joins import Join, Joins
from subbit.sw.planner.table import Prices, Table

__all__ = ["Choice", "Search", "excess", "lacking"]

# Options down to T / SPREAD are looked at, and LEAST of them at least. Bits one by one may cost
# more counters than they save: with 1.8 and 12, plans for few frames a second took up to 9 % more
# LUT4s than with all options, with these at most 0.4 % (small networks, digits, MNIST and CNV).
SPREAD, LEAST = 4, 24
NEARLY = 0.9  # of its cycles that a stage's bound must be for the option to count among those
FLIP_FLOP_PRICES = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 3.0)
MULTIPLIER_PRICES = (0.0, 15.0, 40.0, 100.0, 1e6)  # in LUT4s, while there are too few
MUCH = 500_000  # cycles from which on plans of less area are hardly any smaller
MANY_BLOCKS = 2048  # block RAMs, to tell how many too many are needed
CORRECTIONS = 100  # of options that turn out to be slower than they seemed
NEAR, FAR = 1.002, 1.005  # between two intervals that are told apart


Key = tuple[int, Prices, int]  # of a frontier: an interval, and the most block RAMs


def lacking(cost: Cost, budget: Cost) -> dict[str, int]:
    """What the cost has more of than the budget, by how much."""
    over = {kind: getattr(cost, kind) - getattr(budget, kind) for kind in RESOURCES}
    return {name: more for name, more in over.items() if more > 0}


def excess(cost: Cost, budget: Cost) -> float:
    """The largest excess over the budget of any kind of cell, as a share of the budget."""
    over = lacking(cost, budget)
    return max((more / max(1, getattr(budget, name)) for name, more in over.items()), default=0.0)


@dataclass(frozen=True)
class Choice:
    """An option for every stage, in the order of the plan; ``cost`` includes width changes,
    and what the host link takes for the first and the last stage's beats.

    ``cycles``: of the slowest stage, or more where a window waits for a width change.
    """

    options: tuple[Option, ...]
    cost: Cost
    cycles: int

    @property
    def slowest(self) -> int:
        """Cycles of the slowest stage."""
        return max(option.cycles for option in self.options)


class Search:
    """The search for one network and part; remembers every option that it looked at, and the FIFOs
    of plans that were ``fitted``, by their interval and stages. ``wires``: whether it looks at
    layers whose weights are wires.
    """

    def __init__(self, network: Network, costs: Costs, *, wires: bool = False) -> None:
        self.costs, self.wires = costs, wires
        self.most = costs.block_rams  # of the device
        self.seeds = [cls.default(network, layers, 1) for cls, layers in groups(network)]
        self.variants = [self.sorted_variants(network, seed) for seed in self.seeds]
        self.joins = Joins(network, self.seeds, costs)
        self.fitted: dict[tuple[int, tuple[Stage, ...]], Fitted] = {}
        self._tables: dict[tuple[int, int], Table] = {}
        self._seen: dict[tuple[int, int], Option | None] = {}
        self._waits: dict[tuple[Join, Lanes], list[Wait]] = {}
        self._frontiers: dict[Key, Frontier | None] = {}
        self._choices: dict[tuple[Key, int], Choice] = {}

    def sorted_variants(self, network: Network, seed: Stage) -> list[tuple[int, Stage]]:
        """Each variant with its bound of cycles, ascending."""
        variants = [s for s in seed.wide_variants(network) if self.wires or not s.is_wires]
        rows = [(stage.least_cycles(network), stage) for stage in variants]
        return sorted(rows, key=lambda row: row[0])

    @property
    def slowest(self) -> int:
        """The longest interval that is looked at: twice what the slowest variant takes, or less in
        networks whose slowest variants are of no use.
        """
        most = max(rows[-1][0] for rows in self.variants)
        return 2 * most if most < MUCH else max(most // 8, MUCH, self.fastest)

    @property
    def fastest(self) -> int:
        """The shortest interval of any choice."""
        return max(rows[0][0] for rows in self.variants)

    def intervals(self) -> list[int]:
        """The intervals worth telling apart, ascending: those that a stage may take, others between
        that are not far apart, since stages may take longer than their bounds, and the longest.
        """
        bounds = {bound for rows in self.variants for bound, _ in rows} | {self.slowest}
        between = self.fastest
        while between < self.slowest:
            bounds.add(between)
            between = max(between + 1, int(FAR * between))
        found: list[int] = []
        for bound in sorted(bounds):
            if self.fastest <= bound <= self.slowest and (not found or bound >= NEAR * found[-1]):
                found.append(bound)
        return found

    def table(self, position: int, cycles: int) -> Table:
        """The options of a stage of about ``cycles`` down to much fewer, the slowest first."""
        rows = self.variants[position]
        end = bisect_right(rows, cycles, key=lambda row: row[0])
        if (position, end) not in self._tables:
            slowest = rows[end - 1][0] if end else 0
            options: list[Option] = []
            found = 0
            for row in reversed(range(end)):
                if found >= LEAST and rows[row][0] < slowest / SPREAD:
                    break
                if option := self.option(position, row):
                    found += rows[row][0] >= NEARLY * option.cycles
                    options.append(option)
            ends = position in (self.joins.port[0], self.joins.last)
            links = [self.joins.link(position, option) for option in options] if ends else []
            self._tables[position, end] = Table(options, links)
        return self._tables[position, end]

    def option(self, position: int, row: int) -> Option | None:
        """A variant as an option; None where its settings do not fit."""
        if (position, row) not in self._seen:
            self._seen[position, row] = self.costs.option(self.variants[position][row][1])
        return self._seen[position, row]

    def candidates(self, cycles: int, budget: Cost) -> Iterator[Choice]:
        """The choices for an interval and no more block RAMs than the budget has, each once: those
        of most block RAMs and fewest LUT4s first, and while some lack multipliers or flip-flops,
        others of fewer.
        """
        seen: set[tuple[Stage, ...]] = set()
        for multiplier in MULTIPLIER_PRICES:
            short: set[str] = set()
            for flip_flop in FLIP_FLOP_PRICES:
                prices, lack = (flip_flop, multiplier), set()
                for choice in self.cheapest(cycles, prices, budget.block_rams):
                    stages = tuple(option.stage for option in choice.options)
                    if stages not in seen:
                        seen.add(stages)
                        yield choice
                    lack |= set(lacking(choice.cost, budget))
                short |= lack
                if "flip_flops" not in lack:
                    break
            if "multipliers" not in short:
                return

    def solve(self, cycles: int, budget: Cost) -> Choice | None:
        """The least area for an interval within a budget, or what exceeds it least; None where no
        stage is as fast.
        """
        found: list[Choice] = []
        for choice in self.candidates(cycles, budget):
            if not lacking(choice.cost, budget):
                return choice
            found.append(choice)
        found += self.cheapest(cycles, (0.0, 0.0), MANY_BLOCKS)  # of more than there are
        return min(found, key=lambda choice: excess(choice.cost, budget), default=None)

    def cheapest(self, cycles: int, prices: Prices, blocks: int) -> Iterator[Choice]:
        """The choices at those prices of a flip-flop and a multiplier, of at most so many block
        RAMs, those of most first.

        Options are taken at their bounds, and corrected where they are chosen and turn out to take
        longer, or to wait.
        """
        most = self.most if blocks <= self.most else MANY_BLOCKS
        key, corrections = (cycles, prices, most), 0
        while corrections < CORRECTIONS:
            frontier = self._frontiers.get(key) or self.frontier(*key)
            self._frontiers[key] = frontier
            if frontier is None:
                return
            left = [number for number in frontier.blocks if number <= blocks]
            if not left:
                return
            if (key, left[0]) not in self._choices:
                rows = frontier.rows(left[0])
                choice, right = self.corrected(frontier.tables, rows, cycles)
                if not right:
                    del self._frontiers[key]
                    corrections += 1
                    continue
                self._choices[key, left[0]] = choice
            yield self._choices[key, left[0]]
            blocks = left[0] - 1

    def frontier(self, cycles: int, prices: Prices, most: int) -> Frontier | None:
        """The least area for each number of block RAMs up to ``most``; None where a stage is not as
        fast.
        """
        tables = [self.table(position, cycles) for position in range(len(self.seeds))]
        if not all(len(table.options) and (table.cycles <= cycles).any() for table in tables):
            return None
        return Frontier(self.joins, tables, cycles, prices, most, self._waits)

    def corrected(
        self, tables: Sequence[Table], rows: Sequence[int], cycles: int
    ) -> tuple[Choice, bool]:
        """The choice of those rows with exact cycles, and whether all keep the interval; those that
        do not are remembered.
        """
        options, right = [], True
        for table, row in zip(tables, rows, strict=True):
            option = self.costs.exact(table.options[row])
            table.cycles[row] = option.cycles
            right &= option.cycles <= cycles
            options.append(option)
        waits = [self.joins.waiting(edge, options, cycles) for edge in self.joins.edges]
        for edge, wait in zip(self.joins.edges, waits, strict=True):
            if wait > cycles:
                right = False
                o, i = edge.lanes(options)
                taker = options[edge.taker]
                known = self._waits.setdefault((edge, o), [])
                known.append(Wait(i, taker.cycles, taker.silent_share, wait))
        cost = total(option.cost for option in options) + self.joins.of(options)
        most = max([option.cycles for option in options] + waits)
        return Choice(tuple(options), cost, most), right

    def of(self, stages: Sequence[Stage]) -> Choice | None:
        """These stages as a choice, FIFOs aside; None where their settings do not fit."""
        rows = zip(stages, self.seeds, strict=True)
        options = [self.costs.option(replace(stage, fifo=seed.fifo)) for stage, seed in rows]
        found = [option for option in options if option]
        if len(found) < len(options):
            return None
        cost = total(option.cost for option in found) + self.joins.of(found)
        return Choice(tuple(found), cost, max(option.cycles for option in found))
