"""Which layers of a recipe to tile, or to give a codebook, so that a board reaches a rate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from subbit.boards import Board
from subbit.sw.errors import FitError
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import Network
from subbit.sw.nn.codings import Coding, codings_of
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import Recipe
from subbit.sw.planner.goal import RESERVE, Goal, NothingFits, Planned
from subbit.sw.planner.most import least_plan

__all__ = ["Candidate", "candidates_of", "plan_of", "recipe_for"]

PASSES, IMAGES = 20, 16  # of random images
MARGIN = 0.05  # of the device, beyond the usual share, that stays free for what training changes


@dataclass(frozen=True)
class Candidate:
    """A recipe that was looked at, with ``weight_bits`` that its network stores, and the frames a
    second that its plan reaches; 0 where no plan of the wanted rate fits.
    """

    recipe: Recipe
    weight_bits: int
    fps: float

    @property
    def text(self) -> str:
        """The codings of its inner layers, in words."""
        return ", ".join(map(str, self.recipe.codings)) or "no layer to compress"


def recipe_for(
    recipe: Recipe,
    board: Board,
    fps: float,
    looked_at: Callable[[Candidate], None] = lambda candidate: None,
) -> Recipe:
    """The recipe with the least compressed inner layers for which a plan of ``fps`` frames a second
    fits the board.

    Nothing is trained: each candidate of ``candidates_of`` is planned with random weights, layers
    of wires included, from the one that stores most bits to the one that stores fewest, until a
    plan fits, with MARGIN to spare. Raises FitError where none does; it says what the last one
    reaches.
    """
    network: Network | None = None
    for candidate in candidates_of(recipe):
        network = untrained(candidate)
        found = plan_of(network, board, fps, RESERVE + MARGIN)
        looked_at(Candidate(candidate, network.weight_bits, found.fps if found else 0.0))
        if found:
            return candidate
    assert network is not None
    most = plan_of(network, board, None)
    reached = f"reaches {most.fps:,.0f}" if most else "does not fit at all"
    raise FitError(
        f"no coding of {recipe.name} reaches {fps:,.0f} frames/s on {board.name}: the most "
        f"compressed one {reached}; take a larger board, a smaller recipe or a lower rate"
    )


def candidates_of(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe with all inner layers plain, then with one of them compressed further, again and
    again: the one with most work left, pixels times the bits that it stores. Each has the codings
    of ``codings_of``, in order.
    """
    shapes = recipe.inner_shapes
    ladders = [list(codings_of(shape, recipe.min_size)) for shape in shapes]
    pixels = [
        max(recipe.height >> (at + 1), 1) * max(recipe.width >> (at + 1), 1)
        if len(shape) > 2
        else 1
        for at, shape in enumerate(shapes)
    ]
    steps = [0] * len(shapes)

    def coding(at: int) -> Coding:
        return ladders[at][steps[at]]

    while True:
        yield replace(recipe, codings=tuple(map(coding, range(len(shapes)))))
        left = [at for at in range(len(shapes)) if steps[at] + 1 < len(ladders[at])]
        if not left:
            return
        steps[max(left, key=lambda at: pixels[at] * coding(at).bits(shapes[at]))] += 1


def untrained(recipe: Recipe) -> Network:
    """The network of a recipe with random weights; the same for the same recipe.

    Some random images settle the statistics of its BatchNorms: with thresholds that no sum reaches,
    layers of wires would be hardly any.
    """
    kind = recipe.input_type
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        model = build_model(recipe, 1)
        model.train()
        for _ in range(PASSES):
            model(torch.randint(kind.high + 1, (IMAGES, kind.channels, *kind.shape[:2])).float())
    return export(model, recipe.input_type, recipe.name)


def plan_of(
    network: Network, board: Board, fps: float | None, reserve: float = RESERVE
) -> Planned | None:
    """The plan of least area for the rate, or of the highest one without; None if none leaves the
    ``reserve`` free.
    """
    try:
        return least_plan(network, board, Goal(fps=fps, reserve=reserve, wires=True))
    except NothingFits:
        return None
