"""``python -m subbit.sw.compress.tune``: long searches for the plans kept in known.py."""

import sys
from pathlib import Path

from subbit.sw.compress.plan import Heights, Plan, Task, tally
from subbit.sw.compress.search import (
    adapted,
    anneal,
    distance,
    known_plans,
    price,
    search,
    written,
)

__all__ = ["main"]

FILE = Path(__file__).parent / "known.py"
HEAD = '''"""Plans that ``python -m subbit.sw.compress.tune`` found: kind; places of a carry chain;
pairs / singles by weight; chains of each level by weight; groups of three likewise.
"""

__all__ = ["PLANS"]
'''
SIMILAR = 0.4


def improved(task: Task, steps: int, seeds: int) -> Plan:
    """The best of new searches, and of searches from the plans known, with a level less too."""
    found = [search(task, steps, seeds)]
    bits = sum(task.heights.pairs) + sum(task.heights.singles)
    starts = [
        adapted(plan, task) for plan in known_plans() if distance(plan, task) <= SIMILAR * bits
    ]
    for start in [*starts, *found]:
        found.append(start)
        for seed in range(seeds):
            found.append(anneal(start, steps, seed, 1.5))
            found.append(anneal(shorter(start, seed), steps, seed))
    return min((plan for plan in found if not tally(plan).left), key=price)


def shorter(plan: Plan, seed: int) -> Plan:
    """The plan without one of its levels, or as it is."""
    if plan.levels < 3:
        return plan
    at = 1 + seed % (plan.levels - 2)
    chains, threes = (rows[:at] + rows[at + 1 :] for rows in (plan.chains, plan.threes))
    return Plan(plan.task, chains, threes)


def task_of(name: str, limit: int) -> Task:
    """The task of a name such as 128 (pairs), 36x4 (codes of 4 bits) or s43.43 (single bits).

    An ending +12 stands for a running sum of 12 bits.
    """
    name, _, total = name.partition("+")
    if name[0] == "s":
        heights = Heights.of([], [int(bits) for bits in name[1:].split(".")])
    else:
        count, _, bits = name.partition("x")
        heights = Heights.of([int(count)] * int(bits or 1))
    if total:
        heights = Heights.of(heights.pairs, heights.singles, int(total))
    return Task(heights, limit, total=bool(total))


def main(arguments: list[str]) -> None:
    """Arguments: limit, steps, seeds, then names of tasks, a p before those of plain fabrics."""
    limit, steps, seeds = (int(argument) for argument in arguments[:3])
    plans = {plan.task: plan for plan in known_plans()}
    for name in arguments[3:]:  # each starts from the plans of the last run
        task = task_of(name.lstrip("p"), limit)
        if name[0] == "p":
            task = Task(task.heights, limit, plain=True, total=task.total)
        plan = improved(task, steps, seeds)
        plans[task] = min((plan, plans.get(task, plan)), key=price)
        sys.stdout.write(f"{name}: {tally(plans[task])}\n")
        sys.stdout.flush()
        texts = sorted(written(plan) for plan in plans.values())
        FILE.write_text(HEAD + '\nPLANS = """\\\n' + "\n\n".join(texts) + '\n"""\n')


if __name__ == "__main__":
    main(sys.argv[1:])
