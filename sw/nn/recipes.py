"""The recipes: which network is trained on which data set, and how."""

from dataclasses import dataclass, replace

from torch import nn

from subbit.sw.errors import DataError
from subbit.sw.ir import Encoding, Padding, TensorType
from subbit.sw.nn import layers as nn_layers
from subbit.sw.nn.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "build_model", "find_recipe"]


@dataclass(frozen=True)
class Recipe:
    """A small CNN and its training.

    Blocks of 3x3 convolution, BatchNorm, 2x2 max pooling and sign with ``channels`` outputs each,
    then a hidden linear layer of ``hidden`` outputs if not 0, then ``classes`` logits. The first
    convolution and the logits are plain binary; the others use ``encoding``: ``plain``,
    ``codebook`` (``tau``) or ``tiled`` (``repeats``, and plain below ``min_size`` weights).
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
    )
}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; raises DataError, listing the names, if there is none."""
    if name not in RECIPES:
        raise DataError(f"unknown recipe {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def build_model(recipe: Recipe, seed: int) -> nn.Sequential:
    """The untrained module of a recipe."""
    stem = nn_layers.BinaryConv2d(1, recipe.channels[0], padding=Padding.ZERO)
    blocks: list[nn.Module] = [stem, *activation(recipe.channels[0], recipe.pool_first)]
    for position, inputs in enumerate(recipe.channels[:-1]):
        outputs = recipe.channels[position + 1]
        blocks += [
            convolution(recipe, inputs, outputs, seed + position),
            *activation(outputs, recipe.pool_first),
        ]
    halvings = len(recipe.channels)
    features = (recipe.height >> halvings) * (recipe.width >> halvings) * recipe.channels[-1]
    return nn.Sequential(*blocks, nn_layers.Flatten(), *classifier(recipe, features))


def activation(channels: int, pool_first: bool) -> list[nn.Module]:
    """BatchNorm, pooling and sign; the pooling is before the sign, where a gradient sees which
    element was greatest, and before the BatchNorm if ``pool_first``.
    """
    pool, sign = nn_layers.MaxPool2d(), nn_layers.SignActivation()
    if pool_first:
        return [pool, nn_layers.BatchNorm(channels, positive=True), sign]
    return [nn_layers.BatchNorm(channels), pool, sign]


def convolution(recipe: Recipe, inputs: int, outputs: int, seed: int) -> nn.Module:
    """An inner convolution in the recipe's encoding."""
    if recipe.encoding == "codebook":
        return nn_layers.CodebookConv2d(
            inputs, outputs, tau=recipe.tau, seed=seed, padding=recipe.padding
        )
    if recipe.encoding == "tiled":
        return nn_layers.TiledConv2d(
            inputs,
            outputs,
            repeats=recipe.repeats,
            min_size=recipe.min_size,
            padding=recipe.padding,
        )
    return nn_layers.BinaryConv2d(inputs, outputs, padding=recipe.padding)


def classifier(recipe: Recipe, features: int) -> list[nn.Module]:
    """The linear layers."""
    parts: list[nn.Module] = []
    if recipe.hidden:
        hidden: nn.Module = nn_layers.BinaryLinear(features, recipe.hidden)
        if recipe.encoding == "tiled":
            hidden = nn_layers.TiledLinear(
                features, recipe.hidden, repeats=recipe.repeats, min_size=recipe.min_size
            )
        parts = [hidden, nn_layers.BatchNorm(recipe.hidden), nn_layers.SignActivation()]
        features = recipe.hidden
    last = nn_layers.BinaryLinear(features, recipe.classes, shared=True)
    return [*parts, last, nn_layers.Scale(0.1)]
