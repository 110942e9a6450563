"""The recipes: which network is trained on which data set, and how."""

from dataclasses import dataclass, replace
from itertools import pairwise

from subbit.sw.errors import DataError
from subbit.sw.ir import Encoding, Padding, TensorType
from subbit.sw.nn.activations import Range
from subbit.sw.nn.augment import Augmentation
from subbit.sw.nn.codings import PLAIN, Coding

__all__ = ["GENERIC", "RECIPES", "Recipe", "find_recipe"]

# Values of a series that a convolution along it sees.
SIGNAL_KERNEL = 5


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
    A recipe without ``dataset`` is for data of any of its ``families``, see generic; its ``body``
    is ``cnn``, ``mlp`` (no convolutions) or ``signal`` (convolutions with stride 2 along series).
    With ``settled``, BatchNorm is measured anew after each epoch, see settle.
    ``height``, ``width`` and ``input_channels`` of a sample; ``bits`` and ``shift`` are the
    preprocessing. ``lr`` is
    Adam's first learning rate, which falls to 0 in half a cosine; that of codeword patterns, which
    move in every 25th step only, is ``pattern_rate`` times as high, and 0 after the share
    ``pattern_share`` of the run: a codeword's bit changes hundreds of kernels, and the weights and
    BatchNorm statistics need time to follow. ``codings`` say what the weights of each inner layer
    are, in order, in place of the one ``encoding``; ``sharing`` times the SharingPenalty is added
    to the loss. ``pool_first`` pools before the BatchNorm, whose
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
    input_channels: int = 1
    body: str = "cnn"
    families: tuple[str, ...] = ()
    settled: bool = False
    codings: tuple[Coding, ...] = ()
    sharing: float = 0.0

    @property
    def input_type(self) -> TensorType:
        """The type of the network's input."""
        shape = (self.height, self.width, self.input_channels)
        return TensorType.codes(*shape, self.bits, Encoding.UNSIGNED)

    @property
    def kernel(self) -> tuple[int, int]:
        """Rows and columns of the kernels."""
        return (SIGNAL_KERNEL, 1) if self.body == "signal" else (3, 3)

    @property
    def features(self) -> int:
        """Inputs of the linear layers, in a perceptron of those behind the first."""
        if self.body == "mlp":
            return self.hidden
        halvings = len(self.channels)
        if self.body == "signal":
            return -(-self.height >> halvings) * self.channels[-1]
        return (self.height >> halvings) * (self.width >> halvings) * self.channels[-1]

    @property
    def inner_shapes(self) -> list[tuple[int, ...]]:
        """The weights of the inner layers: convolutions but for the first, and hidden layers."""
        if self.residual:
            return []
        if self.body == "mlp":
            return [(self.hidden, self.input_type.elements), (self.hidden, self.hidden)]
        pairs, kernel = pairwise(self.channels), self.kernel
        shapes: list[tuple[int, ...]] = [(after, before, *kernel) for before, after in pairs]
        return [*shapes, (self.hidden, self.features)] if self.hidden else shapes

    def coding(self, place: int) -> Coding:
        """What the weights of an inner layer are."""
        if self.codings:
            return self.codings[place]
        size = {"codebook": self.tau, "tiled": self.repeats}.get(self.encoding, 0)
        linear = len(self.inner_shapes[place]) == 2
        return PLAIN if linear and self.encoding != "tiled" else Coding(self.encoding, size)

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


# For the user's own data: sizes, classes and epochs are those that fit, see generic.
ANY = replace(
    MNIST,
    name="cnn-plain",
    dataset="",
    height=1,
    width=1,
    epochs=0,
    batch=32,
    families=("pictures", "audio"),
    settled=True,
)
MLP = replace(
    ANY,
    name="mlp-plain",
    body="mlp",
    hidden=64,
    augmentation=Augmentation(),
    families=("table", "series", "pictures", "audio"),
)
SIGNAL = replace(
    ANY,
    name="signal-plain",
    body="signal",
    channels=(16, 32, 32, 64),
    augmentation=Augmentation(),
    families=("series",),
)
GENERIC = {
    recipe.name: recipe
    for recipe in (
        ANY,
        replace(ANY, name="cnn-codebook", encoding="codebook", pattern_share=0.7, pool_first=True),
        replace(ANY, name="cnn-tiled", encoding="tiled", hidden=64),
        replace(ANY, name="cnn-a2w2", activation_bits=2, weight_bits=2),
        MLP,
        replace(MLP, name="mlp-tiled", encoding="tiled"),
        replace(MLP, name="mlp-a2w2", activation_bits=2, weight_bits=2),
        SIGNAL,
        replace(SIGNAL, name="signal-tiled", encoding="tiled", hidden=64),
        replace(SIGNAL, name="signal-a2w2", activation_bits=2, weight_bits=2),
    )
}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; raises DataError, listing the names, if there is none."""
    if name not in RECIPES and name not in GENERIC:
        raise DataError(f"unknown recipe {name!r}; known are {', '.join([*RECIPES, *GENERIC])}")
    return RECIPES.get(name) or GENERIC[name]
