"""What to do when nothing fits: the smallest board, or the mildest sub-bit setting, that would."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from subbit.boards import BOARDS, Board
from subbit.sw.errors import FitError, NetworkError
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.network import Network, Node
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, TiledWeights, Weights
from subbit.sw.planner.calibration import calibration
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import Goal, NothingFits, budget_of, feasible, host_cost
from subbit.sw.planner.search import Search, lacking

__all__ = ["explained", "sub_bit_networks"]

TAUS = (6, 5, 4)
TILES = (2, 4, 8)
LEAST_WEIGHTS = 4096  # smaller layers stay as they are
KERNEL = 3
WORDS = {"lut4": "LUT4", "flip_flops": "flip-flops", "block_rams": "block RAMs"}


def explained(network: Network, board: Board, goal: Goal, error: NothingFits) -> FitError:
    """The error for the user: what is short, by how much, and what would do."""
    search = Search(network, Costs(network, board.device.fabric))
    wanted = f"{goal.fps:,.0f} frames/s of " if goal.fps is not None else ""
    parts = [
        f"{wanted}{network.name} does not fit {board.name}: {short(network, board, goal, error)}"
    ]
    if goal.fps is not None and (most := most_frames(search, board, goal)):
        parts.append(f"at most {most:,.0f} frames/s do (--max)")
    parts.append("; ".join(remedies(network, board, goal, search, error)))
    return FitError("; ".join(part for part in parts if part))


def short(network: Network, board: Board, goal: Goal, error: NothingFits) -> str:
    """What is short, and by how much."""
    if error.needs is None:
        return (
            f"a frame every {error.cycles:,} cycles is asked for, and with every layer unfolded as "
            f"far as it goes one takes {error.fastest:,}"
        )
    has = budget_of(network, board, goal) + host_cost(network, board)
    over = lacking(error.needs, has)
    return (
        ", ".join(
            f"it needs {getattr(error.needs, name):,} {WORDS[name]} of {getattr(has, name):,} "
            f"(with {goal.reserve:.0%} of the device in reserve), {more:,} too many"
            for name, more in over.items()
        )
        or "what the layers need beside each other is too much for it"
    )


def most_frames(search: Search, board: Board, goal: Goal) -> float | None:
    """The most frames a second that fit, about."""
    best = search.best(budget_of(search.costs.network, board, goal))
    if best is None:
        return None
    used = best.cost.lut4 / board.device.lut4
    clock_hz = goal.clock_hz or calibration(board.device.fabric).clock_hz(board.device.fabric, used)
    return clock_hz / best.cycles


def remedies(
    network: Network, board: Board, goal: Goal, search: Search, error: NothingFits
) -> Iterator[str]:
    """What would do."""
    if error.needs is None:
        yield "choose fewer frames/s"
        return
    larger = sorted(BOARDS.values(), key=lambda b: b.device.lut4)
    alike = [b for b in larger if b is not board and b.device.fabric == board.device.fabric]
    found = next((b for b in alike if feasible(search, b, goal)), None)
    yield (
        f"the smallest board that would do is {found.name}" if found else "no known board would do"
    )
    for name, smaller in sub_bit_networks(network):
        if feasible(Search(smaller, Costs(smaller, board.device.fabric)), board, goal):
            yield f"on {board.name} it would do with {name}"
            return


def sub_bit_networks(network: Network) -> Iterator[tuple[str, Network]]:
    """Networks of the same shape with random sub-bit weights, those of most bits first, each with
    what was changed in words.
    """
    for tau in TAUS:
        yield from changed(network, f"a codebook of tau={tau} for its 3x3 convolutions", tau=tau)
    for repeats in TILES:
        yield from changed(network, f"weights tiled p={repeats}", repeats=repeats)


def changed(
    network: Network, name: str, tau: int = 0, repeats: int = 0
) -> Iterator[tuple[str, Network]]:
    """The network with other weights, if any layer takes them."""
    rng = np.random.default_rng(0)
    nodes = [changed_node(node, tau, repeats, rng) for node in network.nodes]
    if any(a is not b for a, b in zip(nodes, network.nodes, strict=True)):
        try:
            yield name, Network(network.name, network.input_type, tuple(nodes))
        except NetworkError:  # the weights' range no longer fits a layer behind
            return


def changed_node(node: Node, tau: int, repeats: int, rng: np.random.Generator) -> Node:
    """The node with other weights, or itself."""
    layer = node.layer
    if not isinstance(layer, Conv2d | Linear) or not isinstance(layer.weights, BinaryWeights):
        return node
    old = layer.weights
    if old.count < LEAST_WEIGHTS:
        return node
    weights: Weights | None = None
    if tau and len(old.shape) == 4 and old.shape[2] == KERNEL:
        kernels = rng.choice(1 << KERNEL**2, 1 << tau, replace=False)
        bits = kernels[:, None] >> np.arange(KERNEL**2) & 1
        indices = rng.integers(0, 1 << tau, old.shape[:2])
        weights = CodebookWeights(bits.reshape(-1, KERNEL, KERNEL).astype(np.uint8), indices)
    if repeats and old.shape[0] % repeats == 0:
        tile = rng.integers(0, 2, old.count // repeats, np.uint8)
        weights = TiledWeights(old.shape, tile, np.ones(repeats, np.int64))
    return replace(node, layer=replace(layer, weights=weights)) if weights else node
