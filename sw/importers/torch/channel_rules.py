"""What torch does with whole channels, rows and columns: concatenation, parts, upsampling."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from subbit.sw.importers.exact.moved_channels import chunks, resize
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.parted import by_parts
from subbit.sw.importers.exact.rearranged import channel_axis, concatenated, selected
from subbit.sw.importers.exact.transposed import depth_to_space, transposed
from subbit.sw.importers.exact.value import Const, Ints, Value
from subbit.sw.importers.torch.module_rules import padded, weights_and_bias
from subbit.sw.importers.torch.operands import sides_of, with_attributes
from subbit.sw.nn import joins

__all__ = [
    "CHANNEL_MODULES",
    "cat",
    "chunk",
    "index_select",
    "interpolate",
    "item",
    "narrow",
    "pixel_shuffle",
    "shuffle",
    "split",
]


def cat(builder: NetworkBuilder, op: Op, tensors: Sequence[Any], dim: int = 0) -> Value:
    """torch.cat of channels, or of vectors."""
    values = [value for value in tensors if isinstance(value, Value)]
    if len(values) < len(tensors):
        raise op.refuse("it puts constants beside its input", "concatenate what the input makes")
    return concatenated(builder, op, values, dim)


def of_channels(op: Op, value: Value, dim: int) -> int:
    """How many channels there are along ``dim``, which must be that of the channels."""
    rank = len(value.shape)
    if dim % rank != channel_axis(value):
        shape = "x".join(map(str, value.shape))
        raise op.refuse(f"it takes parts of side {dim} of {shape}", "take channels of a map")
    return value.shape[dim % rank]


def split(
    builder: NetworkBuilder, op: Op, value: Value, split_size: Any, dim: int = 0
) -> tuple[Value, ...]:
    """torch.split, by a size or by several."""
    count = of_channels(op, value, dim)
    sizes = list(split_size) if isinstance(split_size, tuple | list) else []
    if not sizes:
        size = int(split_size)
        sizes = [min(size, count - at) for at in range(0, count, size)]
    if sum(sizes) != count or min(sizes) < 1:
        raise op.refuse(f"it splits {count} channels into {sizes}", "split all of them")
    return tuple(chunks(builder, op, value, sizes))


def chunk(
    builder: NetworkBuilder, op: Op, value: Value, chunks: int, dim: int = 0
) -> tuple[Value, ...]:
    """torch.chunk: so many parts, the last of them smaller where they are not equal."""
    count = of_channels(op, value, dim)
    return split(builder, op, value, -(-count // int(chunks)), dim)


def item(builder: NetworkBuilder, op: Op, value: Value, places: Any) -> Value:
    """``x[:, 3:8]``: a slice of the channels, with all of every other side."""
    places = places if isinstance(places, tuple) else (places,)
    made = value
    for dim, place in enumerate(places):
        if place is Ellipsis:
            raise op.refuse("it takes parts with '...'", "name all sides before the channels")
        if isinstance(place, Tensor) and place.ndim == 1:
            numbers = np.arange(of_channels(op, made, dim))[place.cpu().numpy()]
        elif isinstance(place, slice):
            numbers = np.arange(made.shape[dim])[place]
            if len(numbers) == made.shape[dim] and (place.step or 1) > 0:
                continue
            of_channels(op, made, dim)
        else:
            raise op.refuse(f"it takes the place {str(place)[:40]}", "take slices of channels")
        made = selected(builder, op, made, numbers)
    return made


def index_select(builder: NetworkBuilder, op: Op, value: Value, dim: int, index: Tensor) -> Value:
    """torch.index_select of channels."""
    count = of_channels(op, value, dim)
    return selected(builder, op, value, np.arange(count)[index.cpu().numpy()])


def narrow(builder: NetworkBuilder, op: Op, value: Value, dim: int, start: int, length: int) -> Any:
    """torch.narrow of channels."""
    count = of_channels(op, value, dim)
    return selected(builder, op, value, np.arange(count)[start : start + length])


def shuffle(builder: NetworkBuilder, op: Op, value: Value, groups: int) -> Value:
    """channel_shuffle: the channels of some groups in turn."""
    count = of_channels(op, value, 1)
    if groups < 1 or count % groups:
        raise op.refuse(f"{count} channels are not {groups} equal groups", "use a divisor")
    order: Ints = np.arange(count).reshape(groups, -1).T.reshape(-1)
    return selected(builder, op, value, order)


def interpolate(
    builder: NetworkBuilder,
    op: Op,
    value: Value,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Value:
    """interpolate to a whole number of times the size, by the nearest element."""
    if mode not in ("nearest", "nearest-exact"):
        raise op.refuse(f"its mode is {mode!r}", "upsample by the nearest element")
    exact = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
    named = exact if mode == "nearest-exact" else {"coordinate_transformation_mode": "asymmetric"}
    op = with_attributes(op, "Resize", **named)
    sides = len(value.shape) - 2
    if size is not None:
        sizes = list(size) if isinstance(size, tuple | list) else [size] * sides
        given: list[Const | None] = [
            None,
            None,
            None,
            Const(np.array([*value.shape[:2], *sizes], np.int64)),
        ]
    else:
        row = scale_factor if isinstance(scale_factor, tuple | list) else [scale_factor] * sides
        given = [None, None, Const(np.array([1, 1, *row], np.float32))]
    inputs: list[Value | Const] = [value, *(x for x in given if x is not None)]
    names = ("x", *("c" if x is not None else "" for x in given[1:]))
    return resize(builder, with_names(op, names), inputs)


def with_names(op: Op, inputs: tuple[str, ...]) -> Op:
    """The operation with its inputs named, those that are missing by nothing."""
    return replace(op, inputs=inputs)


def upsample(builder: NetworkBuilder, op: Op, module: nn.Upsample, value: Value) -> Value:
    """nn.Upsample and nn.UpsamplingNearest2d."""
    return interpolate(builder, op, value, module.size, module.scale_factor, module.mode)


def shuffled(builder: NetworkBuilder, op: Op, module: nn.ChannelShuffle, value: Value) -> Value:
    """nn.ChannelShuffle."""
    return shuffle(builder, op, value, module.groups)


def our_selection(builder: NetworkBuilder, op: Op, module: joins.Select, value: Value) -> Value:
    """Our Select."""
    return item(builder, op, value, (slice(None), module.channels))


def constant_pad(builder: NetworkBuilder, op: Op, module: nn.ConstantPad2d, value: Value) -> Value:
    """nn.ConstantPad2d, and nn.ZeroPad2d."""
    sides = [int(n) for n in module.padding]
    return padded(builder, op, value, sides, "constant", float(module.value))


def pixel_shuffle(builder: NetworkBuilder, op: Op, value: Value, upscale_factor: int) -> Value:
    """pixel_shuffle: the channels of a pixel as a block of pixels."""
    return depth_to_space(builder, op, value, int(upscale_factor), by_channel=True)


def pixels_shuffled(
    builder: NetworkBuilder, op: Op, module: nn.PixelShuffle, value: Value
) -> Value:
    """nn.PixelShuffle."""
    return pixel_shuffle(builder, op, value, module.upscale_factor)


def conv_transpose(
    builder: NetworkBuilder,
    op: Op,
    module: nn.ConvTranspose1d | nn.ConvTranspose2d,
    value: Value,
) -> Value:
    """ConvTranspose1d and ConvTranspose2d, of weights that are few-bit integers times factors."""
    given = with_attributes(
        op,
        "ConvTranspose",
        strides=sides_of(value, module.stride),
        pads=sides_of(value, module.padding) * 2,
        output_padding=sides_of(value, module.output_padding),
        dilations=sides_of(value, module.dilation),
        group=module.groups,
    )
    return by_parts(transposed)(builder, given, weights_and_bias(value, module))


CHANNEL_MODULES: list[tuple[Any, Callable[..., Any]]] = [
    (nn.Upsample, upsample),
    (nn.ChannelShuffle, shuffled),
    (joins.Select, our_selection),
    (nn.ConstantPad2d, constant_pad),
    (nn.PixelShuffle, pixels_shuffled),
    (nn.ConvTranspose1d, conv_transpose),
    (nn.ConvTranspose2d, conv_transpose),
]
