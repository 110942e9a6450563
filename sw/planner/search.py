"""The integer search: for each stage a variant, of least area for an interval and a budget.

For an interval T every stage has the options of at most T cycles, of which those count that no
other beats in LUT4s, flip-flops and block RAMs at once. A price for a block RAM in LUT4s, and one
for a flip-flop, part the problem: each stage takes its cheapest option at those prices. The least
price of a block RAM is sought at which the sum keeps within the budget (a Lagrange multiplier); at
price 0 that is the least area. The highest rate is the least T for which that succeeds.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm

from subbit.hw.contract.cost import RESOURCES, Cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.ir.network import INPUT, Network
from subbit.sw.lower.graph import edges, groups
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.costs import Costs, Option, feed_cost, total

__all__ = ["Choice", "Search", "lacking"]

STALLED = 1e7  # price of a window that cannot keep the interval for what is in front of it
WIDER = 4  # intervals that are tried between what stages take and what they wait
# Options down to T / SPREAD are looked at, and LEAST of them at least. Bits one by one may cost
# more counters than they save: with 1.8 and 12, plans for few frames a second took up to 9 % more
# LUT4s than with all options, with these at most 0.4 % (small networks, digits, MNIST and CNV).
SPREAD, LEAST = 4, 24
FLIP_FLOP_PRICES = (0.0, 0.3, 1.0, 3.0)
BLOCK_PRICES = (0.0, 10.0, 30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 3000.0)
WORK = 16  # LUT4s that a cycle less in the slowest variants takes, about, to begin with
MUCH = 500_000  # cycles from which on plans of less area are hardly any smaller
REFINED = 4  # bisections between two prices


def lacking(cost: Cost, budget: Cost) -> dict[str, int]:
    """What the cost has more of than the budget, by how much."""
    over = {kind: getattr(cost, kind) - getattr(budget, kind) for kind in RESOURCES}
    return {name: more for name, more in over.items() if more > 0}


@dataclass(frozen=True)
class Choice:
    """An option for every stage, in the order of the plan; ``cost`` includes width changes, and
    what the host link takes to fill the first stage's beats.

    ``cycles``: of the slowest stage, or more where stages wait for each other.
    """

    options: tuple[Option, ...]
    cost: Cost
    cycles: int

    @property
    def slowest(self) -> int:
        """Cycles of the slowest stage."""
        return max(option.cycles for option in self.options)


@dataclass(frozen=True)
class Join:
    """A stream from one stage to an input of another, by their positions."""

    giver: int
    taker: int
    port: int

    def lanes(self, chosen: Sequence[Option]) -> tuple[Lanes, Lanes]:
        """The payload given, and that taken."""
        return chosen[self.giver].o, chosen[self.taker].inputs[self.port]


class Search:
    """The search for one network; remembers every option that it looked at."""

    def __init__(self, network: Network, costs: Costs) -> None:
        self.costs = costs
        self.seeds = [cls.default(network, layers, 1) for cls, layers in groups(network)]
        self.variants = [self.sorted_variants(network, seed) for seed in self.seeds]
        self.edges = joins_of(network, self.seeds)
        self.port = input_port(network, self.seeds)
        self.at = [
            [edge for edge in self.edges if position in (edge.giver, edge.taker)]
            for position in range(len(self.seeds))
        ]
        self._joins: dict[tuple[Lanes, Lanes], Cost] = {}
        self._feeds: dict[int, Cost] = {}
        self._options: dict[tuple[int, int], list[Option]] = {}

    @staticmethod
    def sorted_variants(network: Network, seed: Stage) -> list[tuple[int, Stage]]:
        """Each variant with its bound of cycles, ascending."""
        rows = [(stage.least_cycles(network), stage) for stage in seed.variants(network)]
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

    def options(self, position: int, cycles: int, wide: bool = False) -> list[Option]:
        """The options of a stage of at most ``cycles`` that no other option beats in every kind of
        cell; with ``wide``, those too that are faster, or give wider beats, than cheaper ones.
        """
        rows = self.variants[position]
        end = bisect_right(rows, cycles, key=lambda row: row[0])
        slowest = rows[end - 1][0] if end else 0
        if (position, slowest) not in self._options:
            self._options[position, slowest] = list(self.looked_at(rows[:end]))
        fast = [o for o in self._options[position, slowest] if o.cycles <= cycles]
        while True:
            found = undominated(fast, wide)
            exact = [self.costs.exact(option) for option in found]
            slower = {o.stage for o in exact if o.cycles > cycles}
            if not slower:
                return exact
            fast = [o for o in fast if o.stage not in slower]

    def looked_at(self, rows: Sequence[tuple[int, Stage]]) -> Iterator[Option]:
        """Options from the slowest on, until they are much faster than asked."""
        found = 0
        floor = rows[-1][0] / SPREAD if rows else 0
        for bound, stage in reversed(rows):
            if found >= LEAST and bound < floor:
                return
            if option := self.costs.option(stage):
                found += bound >= option.cycles * 0.9
                yield option

    def solve(self, cycles: int, budget: Cost, wide: bool = False) -> Choice | None:
        """The least area for an interval; over the budget where nothing is within; None where no
        stage is as fast. ``wide``: looks at more options, so that windows need not wait.
        """
        options = [self.options(position, cycles, wide) for position in range(len(self.seeds))]
        if not all(options):
            return None
        best: Choice | None = None
        for flip_flop in FLIP_FLOP_PRICES:
            lines = self.priced(options, flip_flop, budget, cycles)
            for choice in lines:
                if not lacking(choice.cost, budget):
                    return choice
                if best is None or excess(choice.cost, budget) < excess(best.cost, budget):
                    best = choice
            if best and "flip_flops" not in lacking(best.cost, budget):
                break
        return best

    def priced(
        self, options: Sequence[Sequence[Option]], flip_flop: float, budget: Cost, cycles: int
    ) -> Iterator[Choice]:
        """Choices at rising prices of a block RAM, until their number is kept; then at prices
        between the last two, and last the least one that keeps it.
        """
        low = 0.0
        for high in BLOCK_PRICES:
            choice = self.joined(options, flip_flop, high, cycles)
            if choice.cost.block_rams <= budget.block_rams:
                break
            yield choice
            low = high
        for _ in range(REFINED if low else 0):
            middle = (low + high) / 2
            trial = self.joined(options, flip_flop, middle, cycles)
            if trial.cost.block_rams <= budget.block_rams:
                choice, high = trial, middle
            else:
                low = middle
        yield choice

    def joined(
        self, options: Sequence[Sequence[Option]], flip_flop: float, block: float, cycles: int
    ) -> Choice:
        """The cheapest options at those prices, width changes between the stages included."""

        def price(cost: Cost) -> float:
            ties = 0.02 * cost.flip_flops + 1e-3 * cost.block_rams
            return cost.lut4 + flip_flop * cost.flip_flops + block * cost.block_rams + ties

        def price_at(option: Option, position: int) -> float:
            beside = [*chosen[:position], option, *chosen[position + 1 :]]
            joins = [price(self.join(edge, beside)) for edge in self.at[position]]
            stalled = sum(waiting(edge, beside) > cycles for edge in self.at[position])
            feed = price(self.feed(beside)) if position == self.port[0] else 0.0
            return price(option.cost) + option.wires + sum(joins) + feed + STALLED * stalled

        chosen = [min(row, key=lambda o: (price(o.cost) + o.wires, o.cycles)) for row in options]
        for _ in range(2):
            for position, row in enumerate(options):
                if len(row) > 1:
                    prices = [price_at(option, position) for option in row]
                    chosen[position] = row[prices.index(min(prices))]
        joins = total(self.join(edge, chosen) for edge in self.edges)
        waits = [waiting(edge, chosen) for edge in self.edges]
        cost = total(option.cost for option in chosen) + joins + self.feed(chosen)
        return Choice(tuple(chosen), cost, max([option.cycles for option in chosen] + waits))

    def join(self, edge: "Join", chosen: Sequence[Option]) -> Cost:
        """Width changes from one stage to another."""
        o, i = edge.lanes(chosen)
        if (o, i) not in self._joins:
            self._joins[o, i] = join_cost(o, i, self.costs)
        return self._joins[o, i]

    def feed(self, chosen: Sequence[Option]) -> Cost:
        """What the host link takes to fill the beats of the stage that reads the frames."""
        position, port = self.port
        lanes = chosen[position].inputs[port].lanes
        if lanes not in self._feeds:
            self._feeds[lanes] = feed_cost(self.costs.network, self.costs.fabric, lanes)
        return self._feeds[lanes]

    def of(self, stages: Sequence[Stage]) -> Choice | None:
        """These stages as a choice, FIFOs aside; None where their settings do not fit."""
        options = [self.costs.option(stage) for stage in stages]
        found = [[option] for option in options if option]
        return self.joined(found, 0.0, 0.0, 0) if len(found) == len(options) else None

    def best(self, budget: Cost) -> Choice | None:
        """The choice of the highest rate within the budget, or None.

        Between an interval that is too short and one that is not, the next one tried is as much
        shorter or longer as the budget is over or under it, since most area goes with the rate.
        """
        low, high, found = self.fastest - 1, self.slowest + 1, None
        work = sum(rows[-1][0] for rows in self.variants)
        cycles = min(max(WORK * work // max(1, budget.lut4), low + 1), high - 1)
        while low + 1 < high:
            choice = self.solve(cycles, budget)
            if choice and not lacking(choice.cost, budget):
                high = min(cycles, choice.slowest)
                found = choice if not found or choice.cycles < found.cycles else found
            else:
                low = cycles
                if high > self.slowest and not self.fits(self.slowest, budget):
                    return None
            guess = round(cycles * used(choice.cost, budget)) if choice else 0
            margin = (high / max(low, 1)) ** 0.1
            inner = low * margin < guess < high / margin
            cycles = guess if inner else round((max(low, 1) * high) ** 0.5)
            cycles = min(max(cycles, low + 1), high - 1)
        return self.wider(found, budget) if found else None

    def fits(self, cycles: int, budget: Cost) -> bool:
        """Whether there is a choice for the interval within the budget."""
        choice = self.solve(cycles, budget)
        return choice is not None and not lacking(choice.cost, budget)

    def wider(self, choice: Choice, budget: Cost) -> Choice:
        """A choice for about the same interval of which fewer windows wait, if there is one."""
        if choice.cycles <= choice.slowest:
            return choice
        for step in range(WIDER):
            cycles = round(choice.slowest * (choice.cycles / choice.slowest) ** (step / WIDER))
            trial = self.solve(cycles, budget, wide=True)
            if trial and trial.cycles < choice.cycles and not lacking(trial.cost, budget):
                return trial
        return choice


def used(cost: Cost, budget: Cost) -> float:
    """The share of the budget that is used, of the kind that is shortest."""
    return float(max(getattr(cost, kind) / max(1, getattr(budget, kind)) for kind in RESOURCES))


def excess(cost: Cost, budget: Cost) -> float:
    """The largest excess over the budget of any kind of cell, as a share of the budget."""
    over = lacking(cost, budget)
    return max((more / max(1, getattr(budget, name)) for name, more in over.items()), default=0.0)


def undominated(options: Sequence[Option], wide: bool) -> list[Option]:
    """The options that no other one equals or beats in every respect."""
    found: list[Option] = []
    rows = [
        (
            (
                o.cost.lut4,
                o.cost.block_rams,
                o.cost.flip_flops,
                o.wires,
                *((o.beats, o.cycles) * wide),
            ),
            o,
        )
        for o in options
    ]
    kept: list[tuple[float, ...]] = []
    for row, option in sorted(rows, key=lambda pair: pair[0]):
        if not any(all(a <= b for a, b in zip(k, row, strict=True)) for k in kept):
            kept.append(row)
            found.append(option)
    return found


def join_cost(o: Lanes, i: Lanes, costs: Costs) -> Cost:
    """Width changes from one payload to another."""
    whole = lcm(o.lanes, i.lanes)
    cost = Cost()
    if whole > o.lanes:
        cost += costs.lines.of(
            UpsizeUnit(element=o, ratio=whole // o.lanes, beats=whole // o.lanes)
        )
    if whole > i.lanes:
        cost += costs.lines.of(
            DownsizeUnit(element=Lanes(whole, o.bits, o.signed), ratio=whole // i.lanes, beats=1)
        )
    return cost


def waiting(edge: Join, chosen: Sequence[Option]) -> int:
    """About the cycles of a window behind a width change: the rows that give no output come no
    faster than through that, and its own work is done in the others. 0 where there is none.
    """
    o, i = edge.lanes(chosen)
    if i.lanes <= o.lanes:
        return 0
    giver, taker = chosen[edge.giver], chosen[edge.taker]
    return taker.cycles + int(taker.silent_share * giver.beats)


def joins_of(network: Network, stages: Sequence[Stage]) -> list[Join]:
    """The streams between stages."""
    at = {stage.layers[-1]: position for position, stage in enumerate(stages)}
    streams = edges(network, [stage.layers for stage in stages])
    return [
        Join(at[edge.tensor], taker, port)
        for taker, stage in enumerate(stages)
        for port, edge in enumerate(streams[stage.layers[0]])
        if edge.tensor in at
    ]


def input_port(network: Network, stages: Sequence[Stage]) -> tuple[int, int]:
    """The first stage that reads the network's input, by position, and by which of its inputs."""
    streams = edges(network, [stage.layers for stage in stages])
    ports = (
        (position, port)
        for position, stage in enumerate(stages)
        for port, edge in enumerate(streams[stage.layers[0]])
        if edge.tensor == INPUT
    )
    return next(ports, (0, 0))
