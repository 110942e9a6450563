"""Searching for a good plan of a compressor tree: simulated annealing from a rough guess."""

import math
import random
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, zip_longest

from subbit.hw.trees.known import PLANS
from subbit.hw.trees.tree_plan import Heights, Task, TreePlan, tally, tally_level, uncounted
from subbit.sw.errors import PlanError

__all__ = [
    "anneal",
    "distance",
    "find_plan",
    "is_known",
    "known_plans",
    "price",
    "scaled",
    "search",
    "written",
]

FLIP_FLOP = 0.03  # of a LUT4; registers mostly fit beside the lookup tables that drive them
UNPACKED_REGISTERS = (
    0.7  # of a LUT4, for one on a plain fabric, where it takes the place of a lookup table
)
LEFT = 6.0  # LUT4s that a bit left uncounted costs the search
RATIOS, MOST_LEVELS = (2.2, 2.5, 2.8, 3.1, 3.4, 3.8), 16  # of first guesses
HOT, WARM, COLD = 3.0, 0.8, 0.12  # LUT4s that a change may lose: at the start, or later, and last
SEARCH, POLISH = 4000, 1500  # changes tried
DOUBLE = 0.2  # what twice the bits add to the distance of two tasks
NEAR = 0.7  # distance up to which one's plan is a start for the other

Table = tuple[tuple[int, ...], ...]


@dataclass
class Change:
    """What a number ``at`` of a ``row`` of a plan's table was before a change: ``old``."""

    row: list[int]
    at: int
    old: int


class State:
    """A plan in the making, with the bits that are left and the costs after each of its levels, so
    that a change of a level counts the levels behind it anew and no others.
    """

    def __init__(self, plan: TreePlan) -> None:
        self.task, heights = plan.task, plan.task.heights
        self.chains, self.compressors = [*map(list, plan.chains)], [*map(list, plan.compressors)]
        self.levels, self.width = plan.levels, heights.width
        self.after = [(list(heights.pairs), list(heights.singles), 0.0)]
        self.cost, self.left = math.inf, 0
        self.count(0)

    @property
    def plan(self) -> TreePlan:
        """The plan as it is."""
        return TreePlan(
            self.task, tuple(map(tuple, self.chains)), tuple(map(tuple, self.compressors))
        )

    def count(self, level: int) -> None:
        """Count the levels from ``level`` on anew."""
        del self.after[level + 1 :]
        pairs, singles, cost = self.after[level]
        for at in range(level, self.levels):
            luts, lost, unpacked, pairs, singles = tally_level(
                self.task,
                self.chains[at],
                self.compressors[at],
                pairs,
                singles,
                at == self.levels - 1,
            )
            cost += luts + LEFT * lost + FLIP_FLOP * (sum(singles) + 2 * sum(pairs))
            cost += UNPACKED_REGISTERS * unpacked if self.task.plain else 0.0
            self.after.append((pairs, singles, cost))
        self.left = uncounted(pairs, singles)
        self.cost = cost + sum(pairs) + LEFT * self.left

    def change(self, chance: random.Random) -> tuple[int, list[Change]]:
        """Change the tables a little; returns the first level changed, and how to undo it."""
        level, w = chance.randrange(self.levels), chance.randrange(self.width)
        step, kind = chance.choice((-1, 1)), chance.random()
        chains, compressors, undo = self.chains[level], self.compressors[level], list[Change]()
        if kind < 0.3:
            shift(chains, w, step, undo)
        elif kind < 0.5:
            for at in range(w, chance.randrange(w, self.width) + 1):
                shift(chains, at, step, undo)
        elif kind < 0.62:
            shift(chains, w, step, undo)
            shift(self.chains[min(self.levels - 1, level + 1)], w, -step, undo)
        elif kind < 0.72:
            shift(chains, w, step, undo)
            shift(compressors, w, -step, undo)
        elif kind < 0.8:
            shift(chains, w, step, undo)
            shift(chains, min(self.width - 1, w + 1), -step, undo)
        else:
            more = compressors[w] < self.after[level][1][w] // 3
            shift(compressors, w, step if more else -1, undo)
        return level, undo


def shift(row: list[int], at: int, step: int, undo: list[Change]) -> None:
    """Add ``step`` to a number of a table unless that makes it negative."""
    if row[at] + step >= 0:
        undo.append(Change(row, at, row[at]))
        row[at] += step


def guess(task: Task, ratio: float) -> TreePlan | None:
    """A plan with a chain for so many bits at each level until few are left, if that counts."""
    rows: list[tuple[int, ...]] = []
    pairs, singles = list(task.heights.pairs), list(task.heights.singles)
    none = (0,) * task.heights.width
    while len(rows) < MOST_LEVELS:
        bits = [p + s for p, s in zip(pairs, singles, strict=True)]
        last = tuple(accumulate((int(b + task.total > 1) for b in bits), max))
        plan = TreePlan(task, (*rows, last), (none,) * (len(rows) + 1))
        if not tally(plan).left:
            return plan
        rows.append(tuple(math.ceil((b - 1) / ratio) if b > 1 else 0 for b in bits))
        _, _, _, pairs, singles = tally_level(task, rows[-1], none, pairs, singles, False)
    return None


def anneal(start: TreePlan, steps: int, seed: int, hot: float = HOT) -> TreePlan:
    """The best plan found on the way from ``start``; the same for the same arguments."""
    chance, state = random.Random(seed), State(start)
    best, found = state.cost if not state.left else math.inf, start
    for step in range(steps):
        heat = hot * (COLD / hot) ** (step / steps)
        before, after = state.cost, state.after.copy()
        level, undo = state.change(chance)
        if not undo:
            continue
        state.count(level)
        if state.cost > before and chance.random() >= math.exp((before - state.cost) / heat):
            for change in reversed(undo):
                change.row[change.at] = change.old
            state.after, state.cost = after, before
        elif state.cost < best and not state.left:
            best, found = state.cost, state.plan
    return found


def price(plan: TreePlan) -> float:
    """The price that the search minimises."""
    return State(plan).cost


def scaled(plan: TreePlan, task: Task) -> TreePlan:
    """A plan as a start for another task, with chains in proportion to the bits to count.

    Weights above the plan's own do as its last one; for each doubling of the bits there is one more
    level at the end.
    """
    width, ratio = task.heights.width, task.heights.bits / plan.task.heights.bits
    more = width - plan.task.heights.width

    def fitted(row: Sequence[int], by: float) -> tuple[int, ...]:
        numbers = [round(number * by) for number in row]
        return (*numbers, *numbers[-1:] * more)[:width]

    chains = [fitted(row, ratio) for row in plan.chains[:-1]]
    chains += [fitted(plan.chains[-2], 1)] * round(math.log2(max(1.0, ratio))) * (plan.levels > 1)
    chains.append(fitted(plan.chains[-1], 1))
    compressors = [fitted((*row[:-1], 0), ratio) for row in plan.compressors[: len(chains)]]
    compressors += [(0,) * width] * (len(chains) - len(compressors))
    return TreePlan(task, tuple(chains), tuple(compressors))


def distance(plan: TreePlan, task: Task) -> float:
    """How different the tasks are: 0 for the same bits, infinity where a plan of one cannot start
    the other.
    """
    if (plan.task.plain, plan.task.total) != (task.plain, task.total):
        return math.inf
    mine, other = plan.task.heights, task.heights
    ratio = other.bits / mine.bits
    heights = ((mine.pairs, other.pairs), (mine.singles, other.singles))
    difference = sum(
        abs(ratio * a - b) for two in heights for a, b in zip_longest(*two, fillvalue=0)
    )
    return difference / other.bits + DOUBLE * abs(math.log2(ratio)) + (mine.width > other.width)


def search(task: Task, steps: int, seeds: int) -> TreePlan:
    """A plan from nothing. Raises PlanError if none is found."""
    starts = [plan for ratio in RATIOS if (plan := guess(task, ratio))]
    starts = sorted(starts, key=price)[:2]
    found = [anneal(start, steps, seed) for start in starts for seed in range(seeds)]
    if not found:
        raise PlanError(f"no compressor tree found for {task.heights}")
    return min(found, key=price)


@lru_cache(maxsize=1)
def known_plans() -> tuple[TreePlan, ...]:
    """Plans that long searches found."""
    return tuple(map(read_plan, PLANS.split("\n\n")))


@lru_cache(maxsize=1)
def known_tasks() -> frozenset[Task]:
    """What there are known plans for, whatever the limit."""
    return frozenset(replace(plan.task, limit=0) for plan in known_plans())


def is_known(task: Task) -> bool:
    """Whether ``find_plan`` need not search for the task."""
    return replace(task, limit=0) in known_tasks()


def read_plan(text: str) -> TreePlan:
    """A plan as the module of known plans has it."""
    kind, limit, *parts = (part.split("/") for part in " ".join(text.split()).split(";"))
    rows = [[tuple(map(int, row.split())) for row in part] for part in parts]
    heights = Heights(rows[0][0], rows[0][1])
    task = Task(heights, int(limit[0]), "plain" in kind[0], "total" in kind[0])
    chains, compressors = (
        tuple((*row, *(0,) * (heights.width - len(row))) for row in table) for table in rows[1:]
    )
    return TreePlan(task, chains, compressors)


def written(plan: TreePlan) -> str:
    """The plan for the module of known plans."""
    task = plan.task
    kind = "plain " * task.plain + "total " * task.total or "any"
    tables = [[task.heights.pairs, task.heights.singles], map(short, plan.chains)]
    tables.append(map(short, plan.compressors))
    rows = [" / ".join(" ".join(map(str, row)) for row in table) for table in tables]
    return textwrap.fill(f"{kind.strip()} ; {task.limit} ; {' ; '.join(rows)}", 100)


def short(row: tuple[int, ...]) -> tuple[int, ...]:
    """A row without the zeros at its end."""
    used = [at for at, number in enumerate(row) if number]
    return row[: used[-1] + 1] if used else ()


@lru_cache(maxsize=256)
def find_plan(task: Task) -> TreePlan:
    """A plan for the task, always the same one, within a second or so for a few hundred bits.

    A known plan as it is, or a short search from one for a similar task, else from nothing. Raises
    PlanError if none is found.
    """
    near = sorted(known_plans(), key=lambda plan: (distance(plan, task), plan.task != task))
    if near and replace(near[0].task, limit=task.limit) == task:
        return replace(near[0], task=task)  # other limits change little but where chains are cut
    starts = [scaled(plan, task) for plan in near[:2] if distance(plan, task) <= NEAR]
    found = [anneal(start, POLISH, 0, hot) for start in starts for hot in (HOT, WARM)]
    counting = [plan for plan in found if not tally(plan).left]
    return min(counting, key=price) if counting else search(task, SEARCH, 1)
