"""What the layers of subbit.sw.nn are in a Network."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from subbit.sw import ir
from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.codes import to_codes
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, Refusal
from subbit.sw.importers.exact.pools import summed
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.value import ElementStep, Value, exact, fill
from subbit.sw.importers.torch.operands import runner
from subbit.sw.ir import BinaryWeights, Encoding, Layer, PlanesWeights, TensorType, Weights
from subbit.sw.nn import joins, layers
from subbit.sw.nn.activations import Activation
from subbit.sw.nn.encoders import TiledEncoder

__all__ = ["FACTOR", "activation", "coded", "our_sum", "scale", "stream_order"]

Ints = NDArray[np.int64]
# The kind of the step that is a dot product's real factor.
FACTOR = "factor"


def scale(builder: NetworkBuilder, op: Op, module: layers.Scale, value: Value) -> Value:
    """Our Scale: one positive factor."""
    with torch.no_grad():
        factor = Fraction(float(module(torch.ones(1, dtype=torch.float64))[0]))
    count = value.kind.channels
    return value.then(
        ElementStep(op.name, runner(value, module), fill(count, factor), fill(count, 0))
    )


def coded(builder: NetworkBuilder, op: Op, module: layers.DotLayer, value: Value) -> Value:
    """Our convolutions and linear layers, in whatever encoding their weights have."""
    linear = isinstance(module, layers.CodedLinear)
    value = codes_for(builder, op, builder.flattened(op, value) if linear else value)
    if not linear and not value.is_map:
        raise op.refuse("its input is a rearranged map", "leave maps as they are")
    if not ((value.scale == 1).all() and (value.offset == 0).all()):
        raise op.refuse(
            "its input are not integer codes",
            "put our activations before it, and span=(0, 2**bits - 1) for codes",
        )
    check_padding(module, value.kind)
    try:
        layer = dot_layer(module, value.index.reshape(-1) if linear else None)
        name = builder.put(kind_of(module), layer, value.name, origin=[op.name])
    except NetworkError as error:
        raise op.refuse(str(error), "change the layer") from None
    note_tile(builder, module, name)
    kind = builder.kind(name)
    ones, zeros = fill(kind.channels, 1), fill(kind.channels, 0)
    made = builder.made(name, ones, zeros, vector=linear)
    if not module.integers:
        with torch.no_grad():
            factors = module.encoder()[1].detach()
        slope = exact(factors.double().numpy())
        run = runner(made, lambda x: module.apply_factors(x, factors))
        builder.mark(op, replace(made, scale=slope))
        return made.then(ElementStep(op.name, run, slope, fill(kind.channels, 0), kind=FACTOR))
    builder.mark(op, made)
    return made


def codes_for(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """The codes that a dot product reads; raises Refusal where there is no activation before it."""
    try:
        return builder.codes(op, value)
    except Refusal:
        raise op.refuse(
            "its input is not quantised: there is no activation between it and the layer before",
            "put SignActivation or QuantActivation there",
        ) from None


def kind_of(module: layers.DotLayer) -> str:
    """The name of a layer, up to its number."""
    if isinstance(module, layers.DepthwiseConv2d):
        return "dw"
    return "conv" if isinstance(module, layers.CodedConv2d) else "fc"


def dot_layer(module: layers.DotLayer, index: Ints | None) -> Layer:
    """The layer that computes the module's dot products; of a linear one ``index`` says which
    element of the network's vector each input is.
    """
    weights = module.encoder.weights()
    if isinstance(module, layers.CodedConv2d):
        geometry = (module.stride, module.padding, module.pads, module.dilation)
        if isinstance(module, layers.DepthwiseConv2d):
            return ir.DepthwiseConv2d(weights, *geometry)
        return ir.Conv2d(weights, *geometry, module.groups)
    if index is not None and len(index) == weights.shape[1]:
        weights = reordered(weights, np.argsort(index))
    return ir.Linear(weights)


def reordered(weights: Weights, order: Ints) -> Weights:
    """Weights ``(out, in)`` with their columns in another order; raises NetworkError for a tile,
    whose order is its own.
    """
    if np.array_equal(order, np.arange(len(order))):
        return weights
    if isinstance(weights, PlanesWeights):
        planes = tuple(reordered(plane, order) for plane in weights.planes)
        return PlanesWeights(planes, weights.scales)
    if isinstance(weights, BinaryWeights):
        return BinaryWeights(np.ascontiguousarray(weights.bits[:, order]))
    raise NetworkError(
        f"{weights.encoding} weights have the order of the stream (row, column, channel), and "
        "torch's Flatten has another: flatten with subbit's Flatten"
    )


def check_padding(module: layers.DotLayer, x: TensorType) -> None:
    """Raise NetworkError unless a padding with -1 or +1 is that of the codes ``x``."""
    if not isinstance(module, layers.CodedConv2d) or not module.pad_value:
        return
    if x.is_code and x.bits != module.input_bits:
        raise NetworkError(
            f"a convolution pads codes of {x.bits} bits as if they had {module.input_bits}; "
            f"build it with input_bits={x.bits}"
        )


def note_tile(builder: NetworkBuilder, module: layers.DotLayer, name: str) -> None:
    """Note by how much the integer scales of a tile whose rows cross repeats are off."""
    encoder = module.encoder
    if isinstance(encoder, TiledEncoder) and not encoder.rows_shared:
        errors = builder.notes.setdefault("tile_scale_error", {})
        errors[name] = round(encoder.scale_error(), 6)


def activation(builder: NetworkBuilder, op: Op, module: Activation, value: Value) -> Value:
    """Our activations of 1 to 8 bits."""
    count, top = value.kind.channels, (1 << module.bits) - 1
    unsigned = module.encoding is Encoding.UNSIGNED
    least, gap = (0, 1) if unsigned else (-top, 2)
    run = runner(value, module)
    quantiser = Quantiser(run, fill(count, least), fill(count, gap), 1 << module.bits)
    return to_codes(builder, op, value, quantiser)


def our_sum(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """Our average poolings, which are sums."""
    value = builder.settled(op, value)
    if not ((value.scale == 1).all() and (value.offset == 0).all()):
        raise op.refuse(
            "it sums integers, and before it is a real factor, a BatchNorm or a mean",
            "build the layer before it with integers=True, or put an activation between",
        )
    if isinstance(module, joins.GlobalAvgPool):
        return summed(builder, op, value, ir.GlobalAvgPool(), "avgpool", 1)
    layer = ir.AvgPool2d(module.kernel, module.stride, module.pads)
    return summed(builder, op, value, layer, "avgpool", 1)


def stream_order(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """Our Flatten: row, column, channel."""
    value.check_margins()
    index = value.index.transpose(1, 2, 0) if value.index.ndim == 3 else value.index
    return replace(value, index=index.reshape(-1))
