"""``python -m subbit.hw.trees.tune``: long searches for the plans kept in known.py."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from subbit.hw.trees.counter import Popcount, task_of
from subbit.hw.trees.search import (
    anneal,
    distance,
    known_plans,
    price,
    scaled,
    search,
    written,
)
from subbit.hw.trees.tree_plan import Task, TreePlan, tally
from subbit.sw.atomic import write_atomic
from subbit.sw.errors import PlanError

__all__ = ["ENGINES", "main"]

FILE = Path(__file__).parent / "known.py"
HEAD = '''"""Plans that ``python -m subbit.hw.trees.tune`` found: kind; places of a carry chain;
pairs / singles by weight; chains of each level by weight; groups of three likewise.
"""

__all__ = ["PLANS"]
'''
USUAL_FABRIC = "ecp5"  # of a name without @
SIMILAR, MOST = 0.7, 3  # distance of plans to start from, and how many
NAME = re.compile(r"(m?)(\d+)(?:x(\d+))?(?:\*([\d.]+))?(?:\+(\d+))?(?:@(\w+))?")
SIMDS = (9, 16, 18, 27, 32, 36, 48, 64, 72, 96, 108, 128, 144, 192, 216, 256, 288, 576)
CODES = (9, 16, 18, 27, 32, 36, 64, 72)
ENGINES = (
    *(str(simd) for simd in (*SIMDS, 1152)),
    *(f"{simd}@ice40" for simd in SIMDS),
    *(f"m{simd}" for simd in SIMDS[:13]),
    *(f"{simd}x{bits}" for bits in (2, 3, 4) for simd in CODES),
    *(f"{simd}x8" for simd in CODES[:6]),
    *(f"{simd}x2*1.2" for simd in CODES),
    *(f"{simd}x4*1.2.4.8" for simd in CODES[:6]),
)


def improved(task: Task, known: Iterable[TreePlan], steps: int, seeds: int) -> TreePlan:
    """The best of new searches, and of searches from the plans known, with a level less too."""
    near = sorted(known, key=lambda plan: distance(plan, task))[:MOST]
    starts = [scaled(plan, task) for plan in near if distance(plan, task) <= SIMILAR]
    found = [search(task, steps, 1)]
    for start in [*starts, *found]:
        found.append(start)
        for seed in range(seeds):
            found.append(anneal(start, steps, seed, 1.5))
            found.append(anneal(shorter(start, seed), steps, seed))
    return min((plan for plan in found if not tally(plan).left), key=price)


def shorter(plan: TreePlan, seed: int) -> TreePlan:
    """The plan without one of its levels, or as it is."""
    if plan.levels < 3:
        return plan
    at = 1 + seed % (plan.levels - 2)
    chains, compressors = (rows[:at] + rows[at + 1 :] for rows in (plan.chains, plan.compressors))
    return TreePlan(plan.task, chains, compressors)


def task_named(name: str, limit: int) -> Task:
    """The task of a row of an engine.

    128: positions; 36x4: with codes of 4 bits; 36x2*1.2: weights of bit planes that count 1 and 2;
    m36: masked; 36+12: added to a running sum of 12 bits; 36@ice40: for that fabric. Raises
    PlanError for another name.
    """
    found = NAME.fullmatch(name)
    if not found:
        raise PlanError(f"{name!r} names no count; 128, 36x4, 36x2*1.2, m36, 36+12, 36@ice40 do")
    masked, simd, bits, scales, total, fabric = found.groups()
    planes = tuple(map(int, scales.split("."))) if scales else (1,)
    return task_of(
        Popcount(
            simd=int(simd),
            bits=int(bits or 1),
            masked=bool(masked),
            total=int(total or 0),
            fabric=fabric or USUAL_FABRIC,
            limit=limit,
            scales=planes,
        )
    )


def main(arguments: list[str]) -> None:
    """Arguments: limit, steps, seeds, then names of tasks, or none for those of engines."""
    limit, steps, seeds = (int(argument) for argument in arguments[:3])
    plans = {plan.task: plan for plan in known_plans()}
    for name in arguments[3:] or ENGINES:  # each starts from the plans before it
        task = task_named(name, limit)
        plan = improved(task, plans.values(), steps, seeds)
        plans[task] = min((plan, plans.get(task, plan)), key=price)
        sys.stdout.write(f"{name}: {tally(plans[task])}\n")
        sys.stdout.flush()
        texts = sorted(written(plan) for plan in plans.values())
        write_atomic(FILE, HEAD + '\nPLANS = """\\\n' + "\n\n".join(texts) + '\n"""\n')


if __name__ == "__main__":
    main(sys.argv[1:])
