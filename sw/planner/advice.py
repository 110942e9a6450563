"""What to do when nothing fits: the smallest board, or the mildest sub-bit setting, with which it
would.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from subbit.boards import BOARDS, Board
from subbit.sw.errors import FitError, NetworkError
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.network import Network, Node
from subbit.sw.ir.random_weights import random_codebook, random_tiled
from subbit.sw.ir.weights import BinaryWeights, Weights
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import RESERVE, Goal, NothingFits, budget_of, host_cost
from subbit.sw.planner.most import Trials, feasible
from subbit.sw.planner.search import Search, lacking

__all__ = ["explained", "sub_bit_networks", "would_do"]

TAUS = (6, 5, 4)
TILES = (2, 4, 8)
TABLE_BITS = 7  # of a large table of weights that a LUT4 holds, choices included
LEAST_WEIGHTS = 4096  # smaller layers stay as they are
NO_RATE = "no rate fits it"
WORDS = {
    "lut4": "LUT4",
    "flip_flops": "flip-flops",
    "block_rams": "block RAMs",
    "multipliers": "multipliers",
}


def explained(board: Board, goal: Goal, error: NothingFits, search: Search) -> FitError:
    """The error for the user: what is short, by how much, and what would do."""
    network = search.costs.network
    wanted = f"{number(goal.fps)} frames/s of " if goal.fps is not None else ""
    parts = [
        f"{wanted}{network.name} does not fit {board.name}: {short(network, board, goal, error)}"
    ]
    if goal.fps is not None:
        most = most_frames(search, board, goal)
        parts.append(f"at most about {number(most)} frames/s do (--max)" if most else NO_RATE)
    return FitError("; ".join([*parts, *remedies(board, goal, search, error)]))


def number(value: float) -> str:
    """Frames a second as people write them."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def short(network: Network, board: Board, goal: Goal, error: NothingFits) -> str:
    """What is short, and by how much."""
    if error.needs is None:
        wanted = f"every {error.cycles:,} cycles" if error.cycles else "more than once a cycle"
        return (
            f"a frame {wanted} is asked for, and with every layer unfolded as far as it goes one "
            f"takes {error.fastest:,}"
        )
    has = budget_of(network, board, goal) + host_cost(network, board)
    bound = f"with {goal.reserve:.0%} of the device in reserve"
    if goal.lut4 is not None:
        bound += f" and at most {goal.lut4:,} LUT4"
    over = ", ".join(
        f"it needs {getattr(error.needs, name):,} {WORDS[name]} of {getattr(has, name):,} "
        f"({bound}), {more:,} too many"
        for name, more in lacking(error.needs, has).items()
    )
    return over or f"the best plan that was found takes {error.cycles:,} cycles a frame"


def most_frames(search: Search, board: Board, goal: Goal) -> float | None:
    """The highest rate that fits, in frames a second."""
    try:
        return Trials(search.costs.network, board, replace(goal, fps=None), search).fastest().fps
    except NothingFits:
        return None


def remedies(board: Board, goal: Goal, search: Search, error: NothingFits) -> Iterator[str]:
    """What would do."""
    if error.needs is None:
        yield "choose fewer frames/s"
        return
    if goal.reserve > RESERVE and feasible(search, board, usual := replace(goal, reserve=RESERVE)):
        yield f"with --reserve {usual.reserve:.0%} it would do"
    has = budget_of(search.costs.network, board, goal) + host_cost(search.costs.network, board)
    yield from would_do(board, goal, search, lacking(error.needs, has))


def would_do(
    board: Board, goal: Goal, search: Search, missing: Mapping[str, int] | None = None
) -> Iterator[str]:
    """The smallest other board that the network fits on, and the mildest sub-bit setting for this
    one. ``missing``: what is short at the slowest rate; sub-bit settings that save fewer bits are
    not tried.
    """
    network, here = search.costs.network, board.device
    larger = [
        other
        for other in sorted(BOARDS.values(), key=lambda other: other.device.lut4)
        if other.device.lut4 > here.lut4 or other.device.block_rams > here.block_rams
    ]
    searches = {(here.fabric, here.limits): search}
    for other in larger:
        kind = other.device.fabric, other.device.limits
        if kind not in searches:
            searches[kind] = Search(network, Costs.on(network, other.device), wires=goal.wires)
        if feasible(searches[kind], other, goal):
            yield f"the smallest board that would do is {other.name}"
            break
    else:
        yield "no known board would do"
    short_bits = 0 if goal.fps is not None else bits_of(board, missing or {})
    for name, smaller in sub_bit_networks(network):
        if network.weight_bits - smaller.weight_bits < short_bits:
            continue
        if feasible(Search(smaller, Costs.on(smaller, here), wires=goal.wires), board, goal):
            yield f"on {board.name} it would do with {name}"
            return


def bits_of(board: Board, cells: Mapping[str, int]) -> int:
    """The weights that so many block RAMs and LUT4s hold, about."""
    ram = max(width * depth for width, depth in board.family.block_ram_shapes)
    return ram * cells.get("block_rams", 0) + TABLE_BITS * cells.get("lut4", 0)


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
    if tau and len(old.shape) == 4 and old.shape[2:] == (3, 3):
        weights = random_codebook(rng, *old.shape[:2], tau)
    if repeats and old.shape[0] % repeats == 0:
        weights = random_tiled(rng, old.shape, repeats)
    return replace(node, layer=replace(layer, weights=weights)) if weights else node
