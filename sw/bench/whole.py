"""Whole networks with sub-bit weights against plain ones of as many LUT4s, and what bounds them.

A row's plan and the plain network's come from the same planner, for the same board and reserve. The
larger of the two is planned again within the LUT4s of the smaller one, until both take as many.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from subbit import boards
from subbit.boards import Board
from subbit.hw.contract.cost import Cost
from subbit.sw.compress.shrink import shrink
from subbit.sw.errors import SubbitError, quote
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.importers.arrays.described import build_described
from subbit.sw.ir.file import load_network
from subbit.sw.ir.network import Network
from subbit.sw.models.cnv import CONVOLUTIONS, LINEARS, build_cnv, describe_cnv
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import Goal, Planned, budget_of
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.search import Search, lacking

__all__ = ["NETWORKS", "WholeResult", "WholeRow", "bench_whole"]

EXAMPLES = Path("examples")
FOLDER = Path("build") / "bench" / "whole"
PLAIN, CODEBOOK, TILED = "plain", "codebook", "tiled"
TAU, REPEATS = 5, 8  # of CNV with sub-bit weights, as the papers have them
# Of CNV's layers with sub-bit weights all are tiled but the first one, which reads pixels.
LEAST_TILED = 4096
CHANNELS = (3, 64, 64, 128, 128, 256, 256, 512, 512, 10)  # of CNV: its input, then each layer
EQUAL, TRIES = 0.03, 6  # of LUT4s: how far apart the two plans may be, and attempts to get there
WORDS = {
    "lut4": "LUT4",
    "flip_flops": "flip-flops",
    "block_rams": "block RAMs",
    "multipliers": "multipliers",
}
SEED = 1


@dataclass(frozen=True)
class WholeRow:
    """A network with one encoding of its weights, on the board.

    ``lut4``, ``flip_flops``, ``block_rams`` (link and clocks included), ``clock_mhz``,
    ``interval_cycles``, ``fps``: of its plan in the comparison, as expected. ``most_fps``,
    ``most_lut4``: of the fastest plan that fits, made in ``plan_s`` seconds of processor time.
    ``plain_lut4``, ``plain_fps``: of the plain network, and ``ratio`` of the two rates; ``equal``:
    whether the two are within EQUAL of each other's LUT4s, without which the ratio is that of the
    nearest plans. ``bound_by``: the stage that bounds the rate, and why it is no faster; ``short``:
    what its next faster plan has more of than the budget. ``parts``: of each stage ``layers``,
    ``cycles`` and cells. ``routed``: what the bitstream takes and reaches, where one was built.
    """

    network: str
    encoding: str
    lut4: int
    flip_flops: int
    block_rams: int
    clock_mhz: float
    interval_cycles: int
    fps: float
    most_fps: float
    most_lut4: int
    plan_s: float
    plain_lut4: int
    plain_fps: float
    ratio: float
    equal: bool
    bound_by: str
    short: dict[str, int]
    parts: list[dict[str, Any]]
    routed: dict[str, Any] | None = None


@dataclass(frozen=True)
class WholeResult:
    """The rows of ``subbit bench whole``, on ``board`` with the share ``reserve`` left free."""

    board: str
    reserve: float
    rows: tuple[WholeRow, ...]


def bench_whole(
    networks: Sequence[str] = (),
    *,
    board: Board | None = None,
    reserve: float = 0.1,
    cnv: Path | None = None,
    route: bool = False,
    seed: int = 1,
    progress: Progress = SILENT,
) -> WholeResult:
    """Plan each of ``networks``, by default all of NETWORKS, plain, with codebooks and with tiles.

    Digits and MNIST are those in examples/. CNV has random weights in CNV's shapes, or those in the
    archive ``cnv``, and gets sub-bit ones as ``subbit compress`` would, untrained: plans depend on
    shapes. ``route``: build all bitstreams too, with ``seed``, below FOLDER. Raises SubbitError for
    a network that there is not, and FitError where one fits the board in no plan.
    """
    unknown = [name for name in networks if name not in NETWORKS]
    if unknown:
        raise SubbitError(f"no network {quote(unknown[0])}; there are {', '.join(NETWORKS)}")
    board, goal = board or boards.board("ulx3s-85f"), Goal(reserve=reserve, wires=True)
    rows: list[WholeRow] = []
    for name in networks or NETWORKS:
        made = NETWORKS[name](cnv)
        lines = {encoding: Line(network, board, goal) for encoding, network in made.items()}
        for encoding, line in lines.items():
            progress.phase(f"{name}, {encoding}")
            row = compared(name, encoding, line, lines[PLAIN])
            rows.append(replace(row[0], routed=built(*row, seed, progress)) if route else row[0])
    return WholeResult(board.name, reserve, tuple(rows))


class Line:
    """A network's plans on a board, by how many LUT4s its accelerator may take."""

    def __init__(self, network: Network, board: Board, goal: Goal) -> None:
        self.network, self.board, self.goal = network, board, goal
        began = time.process_time()
        self.search = Search(network, Costs.on(network, board.device), wires=goal.wires)
        self.most = self.within(None)
        self.plan_s = round(time.process_time() - began, 2)

    def within(self, lut4: int | None) -> Planned:
        """The fastest plan whose accelerator takes at most so many LUT4s."""
        goal = replace(self.goal, lut4=lut4)
        return least_plan(self.network, self.board, goal, self.search)

    def bound(self, result: Planned) -> tuple[str, dict[str, int]]:
        """What bounds the rate of a plan, in words, and what the next one has too much of."""
        slowest = result.slowest
        goal = replace(self.goal, lut4=None if result is self.most else result.cost.lut4)
        budget = budget_of(self.network, self.board, goal)
        faster = self.search.solve(slowest.cycles - 1, budget)
        over = lacking(faster.cost, budget) if faster else {}
        return f"{slowest.stage.layers[0]}: {reason(result, faster is None, over)}", over


def reason(result: Planned, fastest: bool, over: dict[str, int]) -> str:
    """Why the slowest stage of a plan is no faster."""
    waits = result.timing.interval_cycles - result.slowest.cycles
    if fastest:
        return "nothing is faster"
    if waits > 0:
        return f"stages wait {waits:,} cycles for each other"
    if over:
        return "for more, short of " + ", ".join(f"{n:,} {WORDS[kind]}" for kind, n in over.items())
    return "the next step fits without FIFOs only"


def compared(name: str, encoding: str, line: Line, plain: Line) -> tuple[WholeRow, Planned]:
    """The row of an encoding, and its plan in the comparison."""
    mine, other = at_equal_lut4(line, plain) if line is not plain else (line.most, line.most)
    bound_by, short = line.bound(mine)
    row = WholeRow(
        network=name,
        encoding=encoding,
        lut4=mine.design.lut4,
        flip_flops=mine.design.flip_flops,
        block_rams=mine.design.block_rams,
        clock_mhz=round(mine.clock_hz / 1e6, 3),
        interval_cycles=mine.timing.interval_cycles,
        fps=round(mine.fps, 1),
        most_fps=round(line.most.fps, 1),
        most_lut4=line.most.design.lut4,
        plan_s=line.plan_s,
        plain_lut4=other.design.lut4,
        plain_fps=round(other.fps, 1),
        ratio=round(mine.fps / other.fps, 3),
        equal=apart(mine, other) <= EQUAL,
        bound_by=bound_by,
        short=short,
        parts=parts(mine),
    )
    return row, mine


def apart(a: Planned, b: Planned) -> float:
    """By what share of the larger one's LUT4s two designs differ."""
    return abs(a.design.lut4 - b.design.lut4) / max(a.design.lut4, b.design.lut4)


def at_equal_lut4(line: Line, plain: Line) -> tuple[Planned, Planned]:
    """Plans of the two that take about as many LUT4s: those nearest to each other of a few."""
    pair = [line.most, plain.most]
    best = tuple(pair)
    for _ in range(TRIES):
        if apart(*best) <= EQUAL:
            break
        large = int(pair[1].design.lut4 > pair[0].design.lut4)
        most = allowance(pair[1 - large], pair[large])
        pair[large] = (line, plain)[large].within(most)
        best = min(best, tuple(pair), key=lambda found: apart(*found))
    return best[0], best[1]


def allowance(small: Planned, large: Planned) -> int:
    """The LUT4s of an accelerator whose design takes at most about as many as another one."""
    host = large.design.lut4 - large.cost.lut4 - large.ends.lut4
    return int((1 + EQUAL) * small.design.lut4) - host


def parts(result: Planned) -> list[dict[str, Any]]:
    """What each stage takes, and last what link and clocks do."""
    rows = [
        {"layers": list(row.stage.layers), "cycles": row.cycles} | cells(row.cost)
        for row in result.rows
    ]
    return [*rows, {"layers": ["link and clocks"], "cycles": 0} | cells(result.host)]


def cells(cost: Cost) -> dict[str, int]:
    """The cells of a part."""
    return dict(cost.counts)


def built(row: WholeRow, result: Planned, seed: int, progress: Progress) -> dict[str, Any]:
    """What the bitstream of a row's plan takes and reaches."""
    from subbit.sw.flow.bitstream import build_bitstream

    folder = FOLDER / f"{row.network}-{row.encoding}-{result.board.name}"
    what = result.network, result.plan, result.board
    found = asdict(build_bitstream(*what, folder, progress, seed=seed))
    names = ("lut4", "flip_flops", "block_rams", "clock_mhz", "fps", "seed")
    return {name: found[name] for name in names}


def examples(name: str) -> Callable[[Path | None], dict[str, Network]]:
    """The networks of that name in examples/, by encoding."""

    def made(_: Path | None) -> dict[str, Network]:
        names = (PLAIN, CODEBOOK, TILED)
        return {e: load_network(EXAMPLES / f"{name}-{e}.safetensors") for e in names}

    return made


def cnvs(path: Path | None) -> dict[str, Network]:
    """CNV by encoding: of the archive, or of random weights."""
    return encodings(build_cnv(path) if path else random_cnv())


def encodings(plain: Network) -> dict[str, Network]:
    """The network by encoding, made of a plain one as ``subbit compress`` does."""
    codebook, _ = shrink(plain, tau=TAU)
    tiled, _ = shrink(plain, repeats=REPEATS, min_size=LEAST_TILED)
    return {PLAIN: plain, CODEBOOK: codebook, TILED: tiled}


def random_cnv(channels: Sequence[int] = CHANNELS) -> Network:
    """A network of CNV's shapes with random weights and thresholds."""
    return build_described(dict(random_arrays(channels)), describe_cnv(channels[0]))


def random_arrays(channels: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Arrays as CNV's parameters are published."""
    rng = np.random.default_rng(SEED)
    for place, name in enumerate((*CONVOLUTIONS, *LINEARS)):
        shape = channels[place + 1], channels[place], *((3, 3) if name in CONVOLUTIONS else ())
        yield f"{name}.weight", rng.choice(np.array([-1, 1], np.int8), shape)
        size = int(np.prod(shape[1:]))
        low, high = (-500, 500) if place == 0 else (size * 2 // 5, size * 3 // 5)
        if name != LINEARS[-1]:
            yield f"{name}.threshold", rng.integers(low, high + 1, shape[0])


NETWORKS = {"digits": examples("digits"), "mnist": examples("mnist"), "cnv": cnvs}
