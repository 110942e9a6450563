"""The untrained modules of the recipes."""

from torch import nn

from subbit.sw.ir import Padding
from subbit.sw.nn import layers
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.codings import Coding
from subbit.sw.nn.encoders import Encoder, PlainEncoder, TiledEncoder
from subbit.sw.nn.joins import GlobalAvgPool, Residual
from subbit.sw.nn.quantised import PlanesEncoder, QuantEncoder
from subbit.sw.nn.recipes import Recipe

__all__ = ["build_model"]

HEAD_BITS = 4
SKIP_SHIFT = 4


def build_model(recipe: Recipe, seed: int) -> nn.Sequential:
    """The untrained module of a recipe."""
    if recipe.body == "mlp":
        return flat_model(recipe)
    if recipe.body == "signal":
        return signal_model(recipe, seed)
    return residual_model(recipe) if recipe.residual else plain_model(recipe, seed)


def flat_model(recipe: Recipe) -> nn.Sequential:
    """Two hidden layers of ``hidden`` outputs and the logits, all linear."""
    first = layers.CodedLinear(inner_encoder(recipe, recipe.coding(0), recipe.inner_shapes[0], 0))
    ends = [*norm(recipe, recipe.hidden), *classifier(recipe, recipe.hidden)]
    return nn.Sequential(layers.Flatten(), first, *ends)


def signal_model(recipe: Recipe, seed: int) -> nn.Sequential:
    """Convolutions of one column with stride 2, each of which halves the series
    ``[length][1][channels]``, padded with 0.
    """
    blocks, inputs = list[nn.Module](), recipe.input_channels
    for position, outputs in enumerate(recipe.channels):
        shape = (outputs, inputs, *recipe.kernel)
        encoder = plain_encoder(recipe, shape)
        if position:
            encoder = inner_encoder(recipe, recipe.coding(position - 1), shape, seed)
        bits = recipe.activation_bits
        convolution = layers.CodedConv2d(
            encoder, stride=(2, 1), padding=Padding.ZERO, input_bits=bits
        )
        blocks += [convolution, *norm(recipe, outputs)]
        inputs = outputs
    return nn.Sequential(*blocks, layers.Flatten(), *classifier(recipe, recipe.features))


def plain_model(recipe: Recipe, seed: int) -> nn.Sequential:
    """Convolutions and poolings, one behind the other."""
    stem = convolution(recipe, recipe.input_channels, recipe.channels[0], Padding.ZERO)
    blocks: list[nn.Module] = [stem, *block_end(recipe, recipe.channels[0])]
    for position, inputs in enumerate(recipe.channels[:-1]):
        outputs = recipe.channels[position + 1]
        coding = recipe.coding(position)
        encoder = inner_encoder(recipe, coding, (outputs, inputs, 3, 3), seed + position)
        bits = recipe.activation_bits
        blocks += [
            layers.CodedConv2d(encoder, padding=recipe.padding, input_bits=bits),
            *block_end(recipe, outputs),
        ]
    return nn.Sequential(*blocks, layers.Flatten(), *classifier(recipe, recipe.features))


def residual_model(recipe: Recipe) -> nn.Sequential:
    """A first convolution and two residual blocks of two convolutions, then the global average.

    The first block's short path is the codes that it reads, times ``2**SKIP_SHIFT``, about the
    size of its dot products. The second halves the map; its short path is a 1x1 convolution.
    """
    first, second = recipe.channels
    same = nn.Sequential(summand(recipe, first, first), *norm(recipe, first))
    same.append(summand(recipe, first, first))
    down = nn.Sequential(summand(recipe, first, second, stride=2), *norm(recipe, second))
    down.append(summand(recipe, second, second))
    short = summand(recipe, first, second, kernel=1, stride=2)
    return nn.Sequential(
        convolution(recipe, recipe.input_channels, first, Padding.ZERO),
        *norm(recipe, first),
        Residual(same, shift=SKIP_SHIFT),
        *norm(recipe, first),
        Residual(down, short),
        *norm(recipe, second),
        GlobalAvgPool(),
        layers.BatchNorm(second),
        layers.QuantActivation(HEAD_BITS),
        layers.Flatten(),
        *classifier(recipe, second, HEAD_BITS),
    )


def summand(
    recipe: Recipe, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1
) -> nn.Module:
    """A convolution whose dot products are added to others."""
    return layers.CodedConv2d(
        plain_encoder(recipe, (outputs, inputs, kernel, kernel)),
        stride=stride,
        padding=recipe.padding if kernel > 1 else Padding.NONE,
        input_bits=recipe.activation_bits,
        integers=True,
    )


def convolution(recipe: Recipe, inputs: int, outputs: int, padding: Padding) -> nn.Module:
    """The first convolution."""
    return layers.CodedConv2d(plain_encoder(recipe, (outputs, inputs, 3, 3)), padding=padding)


def activation(recipe: Recipe) -> nn.Module:
    """The recipe's activation; of one bit the sign with its own gradient."""
    if recipe.activation_bits == 1:
        return layers.SignActivation()
    return layers.QuantActivation(recipe.activation_bits, recipe.range)


def norm(recipe: Recipe, channels: int) -> list[nn.Module]:
    """BatchNorm and activation."""
    return [layers.BatchNorm(channels), activation(recipe)]


def block_end(recipe: Recipe, channels: int) -> list[nn.Module]:
    """BatchNorm, pooling and activation; the pooling is before the activation, where a gradient
    sees which element was greatest, and before the BatchNorm if ``pool_first``.
    """
    pool = layers.MaxPool2d()
    if recipe.pool_first:
        return [pool, layers.BatchNorm(channels, positive=True), activation(recipe)]
    return [layers.BatchNorm(channels), pool, activation(recipe)]


def plain_encoder(recipe: Recipe, shape: tuple[int, ...], *, shared: bool = False) -> Encoder:
    """Weights of the recipe's bits without codebook or tile."""
    if recipe.weight_bits == 1:
        return PlainEncoder(shape, shared=shared)
    return QuantEncoder(shape, bits=recipe.weight_bits)


def inner_encoder(recipe: Recipe, coding: Coding, shape: tuple[int, ...], seed: int) -> Encoder:
    """Weights of an inner layer."""
    if coding.encoding == "plain":
        return plain_encoder(recipe, shape)
    bits = recipe.weight_bits
    planes = [coded_plane(recipe, coding, shape, seed + 1000 * k) for k in range(bits)]
    return planes[0] if bits == 1 else PlanesEncoder(planes)


def coded_plane(recipe: Recipe, coding: Coding, shape: tuple[int, ...], seed: int) -> Encoder:
    """One bit plane as a codebook or a tile."""
    if coding.encoding == "codebook":
        return CodebookEncoder(shape, tau=coding.size, seed=seed)
    return TiledEncoder(shape, repeats=coding.size, min_size=recipe.min_size)


def classifier(recipe: Recipe, features: int, input_bits: int | None = None) -> list[nn.Module]:
    """The linear layers; they read codes of ``input_bits``, of the recipe's activations for
    None.
    """
    parts: list[nn.Module] = []
    bits = recipe.activation_bits if input_bits is None else input_bits
    if recipe.hidden:
        shape = (recipe.hidden, features)
        # Drawn in any case: the networks in examples/ come from these random numbers.
        encoder = plain_encoder(recipe, shape)
        coding = recipe.coding(-1)
        if coding.encoding != "plain":
            encoder = inner_encoder(recipe, coding, shape, 0)
        parts = [layers.CodedLinear(encoder), *norm(recipe, recipe.hidden)]
        features, bits = recipe.hidden, recipe.activation_bits
    last = layers.CodedLinear(plain_encoder(recipe, (recipe.classes, features), shared=True))
    return [*parts, last, layers.Scale(0.1, 1 / ((1 << bits) - 1))]
