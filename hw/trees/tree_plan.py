"""Plans of compressor trees: how many chains run at each weight of each level, and what that costs.

Level by level, each weight's bits are counted by chains that come from the weight below or start
here. A chain adds two units at every weight, and takes one bit as carry-in where it starts. A unit
is, in the order of preference,

- the AND of two bits whose XOR a chain added at the weight below,
- a *pair*: the XNOR of an input and a weight bit,
- a *single* bit, or, if more bits wait than there is room for, the XOR of two (a *double*).

``compressors[level][weight]`` groups of three single bits are replaced by their XOR, a lookup
table; their majority joins a single bit in a chain at the weight above.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Heights", "Tally", "Task", "TreePlan", "hosts", "tally", "tally_level", "uncounted"]

Table = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Heights:
    """Bits to count: ``pairs[w]`` XNORs and ``singles[w]`` plain bits of weight 2**w.

    The count must be below ``2**len(pairs)``.
    """

    pairs: tuple[int, ...]
    singles: tuple[int, ...]

    @classmethod
    def of(cls, pairs: Sequence[int], singles: Sequence[int] = (), least: int = 1) -> "Heights":
        """Heights for these bits, with as many weights as the greatest count needs, or more."""
        top = sum(bits << w for heights in (pairs, singles) for w, bits in enumerate(heights))
        width = max(top.bit_length(), len(pairs), len(singles), least)
        return cls(padded(pairs, width), padded(singles, width))

    @property
    def width(self) -> int:
        """Bits of the count."""
        return len(self.pairs)

    @property
    def bits(self) -> int:
        """Bits to count."""
        return sum(self.pairs) + sum(self.singles)


def padded(heights: Sequence[int], width: int) -> tuple[int, ...]:
    """The heights with zeros at the end."""
    return (*heights, *(0,) * (width - len(heights)))


@dataclass(frozen=True)
class Task:
    """What a plan is for: the bits to count, ``heights``, and the carry chains that there are.

    ``limit``: places of one carry chain, which the wanted frequency bounds. ``plain``: for a fabric
    whose chains add nothing but single bits, and where they may have any number of places; else
    there are doubles and compressors, and places come in twos. ``total``: the count is added to a
    running sum of as many bits, which join in the last level.
    """

    heights: Heights
    limit: int
    plain: bool = False
    total: bool = False


@dataclass(frozen=True)
class TreePlan:
    """A plan for a ``task``: ``chains[level][weight]`` chains and ``compressors[level][weight]``
    groups of three bits.
    """

    task: Task
    chains: Table
    compressors: Table

    @property
    def levels(self) -> int:
        """Levels of chains, one after the other."""
        return len(self.chains)


@dataclass(frozen=True)
class Tally:
    """What a plan takes, with registers after every level: ``lut4`` and ``flip_flops``.

    ``left``: bits more than one that remain of some weight; 0 for a plan that counts all bits.
    """

    lut4: int
    flip_flops: int
    left: int


def hosts(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Which chains, by number, share a carry chain of ``limit`` places.

    The longest one goes into the emptiest, and so on; then those of a length are dealt out again,
    neighbours together.
    """
    count = -(-sum(lengths) // max(1, limit - 1))
    loads = [0] * count
    shares: list[list[int]] = [[] for _ in range(count)]
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        emptiest = loads.index(min(loads))
        loads[emptiest] += lengths[at]
        shares[emptiest].append(at)
    alike: dict[int, list[int]] = {}
    for at, length in enumerate(lengths):
        alike.setdefault(length, []).append(at)
    turns = {length: iter(places) for length, places in alike.items()}
    return [[next(turns[lengths[at]]) for at in share] for share in shares]


def tally(plan: TreePlan) -> Tally:
    """Count what the plan takes, without building it; the rules are those of ``assemble``."""
    pairs, singles = list(plan.task.heights.pairs), list(plan.task.heights.singles)
    lut4 = flip_flops = left = 0
    for level in range(plan.levels):
        last = level == plan.levels - 1
        luts, lost, _, pairs, singles = tally_level(
            plan.task, plan.chains[level], plan.compressors[level], pairs, singles, last
        )
        lut4 += luts
        left += lost
        flip_flops += sum(singles) + 2 * sum(pairs)
    return Tally(lut4 + sum(pairs), flip_flops, left + uncounted(pairs, singles))


def uncounted(pairs: Sequence[int], singles: Sequence[int]) -> int:
    """Bits more than one of each weight. One pair that is left costs a lookup table."""
    return sum(max(0, p + s - 1) for p, s in zip(pairs, singles, strict=True))


def tally_level(
    task: Task,
    chains: Sequence[int],
    compressors: Sequence[int],
    pairs: Sequence[int],
    singles: Sequence[int],
    last: bool,
) -> tuple[int, int, int, list[int], list[int]]:
    """LUT4s of a level, units that found no room in it, and registers with no LUT4 before them.

    Then the pairs and singles after it.

    Written for speed: the search for a plan calls it some ten thousand times.
    """
    plain = task.plain
    summed = int(
        last and task.total
    )  # a bit of the running sum at each weight; it cannot be doubled
    singles = [bits + summed for bits in singles] if summed else singles
    top = len(chains) - 1
    after_pairs, after = [0] * (top + 1), [0] * (top + 1)
    running: list[int] = []
    lengths: list[int] = []
    luts = lost = unpacked = ands = majorities = 0
    for w, count in enumerate(chains):
        starts = count - len(running)
        if starts < 0:
            after[w] -= starts
            lengths += running[count:]
            del running[count:]
            starts = 0
        running = [length + 1 for length in running] + [2] * starts
        p, s = pairs[w], singles[w]
        if not (count or p or s):
            continue
        above = chains[w + 1] if w < top else 0
        groups = 0 if last or plain else min(compressors[w], s // 3, above)
        s -= 3 * groups
        lost += max(0, majorities - count)
        s -= min(majorities, count, s)
        places = max(0, count - majorities)
        room = 2 * places
        pair_places = (
            places if last else room
        )  # places for ANDs and pairs, which then must not meet
        lost += max(0, ands - pair_places)
        pair_places -= min(ands, pair_places)
        taken = min(p, pair_places, room - ands)
        p, room = p - taken, room - ands - taken
        taken = min(starts, p)
        p, starts = p - taken, starts - taken
        whole = 0 if starts >= s else summed
        s -= min(starts, s)
        taken = min(s, room)
        s -= taken
        doubles = max(0, min(s, taken - whole, places, above if last else 2 * (above - groups)))
        doubles = 0 if plain else doubles
        after[w] += count + s - doubles + groups
        after_pairs[w] = p
        unpacked += s - doubles + 2 * p
        luts, ands, majorities = luts + groups, doubles, groups
    endless = len(lengths)
    luts, spare = slices(task, lengths + running, endless, luts)
    for w, p in enumerate(after_pairs):
        converted = min(spare, p)
        after_pairs[w] -= converted
        after[w] += converted
        spare -= converted
    return luts, lost, unpacked, after_pairs, after


def slices(task: Task, lengths: list[int], endless: int, luts: int) -> tuple[int, int]:
    """LUT4s of the chains and of ``luts`` lookup tables, and the halves of slices left over.

    The chains from number ``endless`` on have no last carry to give.
    """
    total = spare = 0
    for share in hosts(lengths, task.limit):
        load = sum(lengths[at] for at in share) + any(at < endless for at in share)
        odd = 0 if task.plain else load % 2
        spare += odd
        total += load + odd
    return total + max(0, luts - spare), max(0, spare - luts)
