"""The recipes: which network is trained on which data set, and how."""

from dataclasses import dataclass, replace

from subbit.sw.errors import DataError
from subbit.sw.ir import Encoding, Padding, TensorType
from subbit.sw.nn.activations import Range
from subbit.sw.nn.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "find_recipe"]


@dataclass(frozen=True)
class Recipe:
    """A small CNN and its training.

    Blocks of 3x3 convolution, BatchNorm, 2x2 max pooling and activation with ``channels`` outputs
    each, then a hidden linear layer of ``hidden`` outputs if not 0, then ``classes`` logits; or,
    with ``residual``, a first convolution and residual blocks, see models.residual_model.
    Activations have ``activation_bits`` and the range ``range``, weights have ``weight_bits``. The
    first convolution and the logits are plain; the others use ``encoding``: ``plain``,
    ``codebook`` (``tau``) or ``tiled`` (``repeats``, and plain below ``min_size`` weights), in
    every bit plane.
    ``height`` and ``width`` in pixels; ``bits`` and ``shift`` are the preprocessing. ``lr`` is
    Adam's first learning rate, which falls to 0 in half a cosine; that of codeword patterns, which
    move in every 25th step only, is ``pattern_rate`` times as high, and 0 after the share
    ``pattern_share`` of the run: a codeword's bit changes hundreds of kernels, and the weights and
    BatchNorm statistics need time to follow. ``pool_first`` pools before the BatchNorm, whose
    factors are then positive so that the exported network still pools bits behind the sign.
    """

    name: str
    dataset: str
    height: int
    width: int
    bits: int
    channels: tuple[int, ...]
    epochs: int
    batch: int
    lr: float
    augmentation: Augmentation
    activation_bits: int = 1
    weight_bits: int = 1
    range: Range = Range.HARD_TANH
    residual: bool = False
    encoding: str = "plain"
    tau: int = 4
    pattern_rate: float = 10.0
    pattern_share: float = 1.0
    pool_first: bool = False
    repeats: int = 4
    min_size: int = 1000
    hidden: int = 0
    padding: Padding = Padding.ZERO
    classes: int = 10
    shift: int = 0

    @property
    def input_type(self) -> TensorType:
        """The type of the network's input."""
        return TensorType.codes(self.height, self.width, 1, self.bits, Encoding.UNSIGNED)

    @property
    def preprocess(self) -> dict[str, int]:
        """What turns pixels into codes, as the network's metadata holds it."""
        return {"bits": self.bits, "shift": self.shift}


DIGITS = Recipe(
    name="digits-plain",
    dataset="digits",
    height=8,
    width=8,
    bits=4,
    channels=(32, 64),
    epochs=400,
    batch=64,
    lr=0.005,
    augmentation=Augmentation(shift=0.4, degrees=5, scale=0.05),
)
MNIST = Recipe(
    name="mnist-plain",
    dataset="mnist",
    height=28,
    width=28,
    bits=8,
    channels=(16, 32, 64),
    epochs=30,
    batch=100,
    lr=0.005,
    augmentation=Augmentation(shift=1.0, degrees=6, scale=0.06),
    padding=Padding.MINUS,
)
RECIPES = {
    recipe.name: recipe
    for recipe in (
        DIGITS,
        replace(DIGITS, name="digits-codebook", encoding="codebook", tau=4, pattern_share=0.7),
        replace(DIGITS, name="digits-tiled", encoding="tiled", hidden=64),
        replace(
            DIGITS,
            name="digits-residual",
            activation_bits=2,
            weight_bits=2,
            residual=True,
            channels=(16, 32),
            epochs=150,
        ),
        MNIST,
        replace(
            MNIST,
            name="mnist-codebook",
            encoding="codebook",
            tau=5,
            pattern_share=0.7,
            pool_first=True,
        ),
        replace(MNIST, name="mnist-tiled", encoding="tiled", hidden=64),
        replace(MNIST, name="mnist-a1w2", weight_bits=2, epochs=15),
        replace(MNIST, name="mnist-a2w2", activation_bits=2, weight_bits=2, epochs=15),
        replace(MNIST, name="mnist-a4w4", activation_bits=4, weight_bits=4, epochs=15),
        replace(
            MNIST,
            name="mnist-codebook-a2",
            encoding="codebook",
            activation_bits=2,
            tau=5,
            pattern_share=0.7,
            pool_first=True,
            epochs=15,
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; raises DataError, listing the names, if there is none."""
    if name not in RECIPES:
        raise DataError(f"unknown recipe {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name]
