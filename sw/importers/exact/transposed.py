"""Transposed convolutions as convolutions whose channels become rows and columns.

With stride s, output row ``s * h + i`` meets every s-th row of the kernel only, so that its phases
i are convolutions of their own, with small kernels, over the map as it is (Shi et al., CVPR
2016).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import operands
from subbit.sw.importers.exact.lines import lines_too
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.rearranged import (
    carried,
    channel_axis,
    concatenated,
    put,
    selected,
    solid,
)
from subbit.sw.importers.exact.value import Const, Fractions, Value, is_uniform, map_index
from subbit.sw.ir import Affine, DepthToSpace

__all__ = ["depth_to_space", "spread", "transposed"]

MAX_FACTOR = (1 << 24) - 1  # of an Affine layer
MAX_OFFSET = (1 << 39) - 1


@dataclass(frozen=True)
class Phase:
    """Along one axis: the rows of the kernel that an output row meets, from first to last of the
    input, and the zeros before and behind the map that they reach.
    """

    taps: tuple[int, ...]
    before: int
    behind: int


def phases(kernel: int, stride: int, pad: int) -> list[Phase]:
    """Those of output rows 0 to ``stride - 1``, one after the other, each repeated for every row of
    the input. Raises ValueError where one meets no row of the kernel.
    """
    found = []
    for row in range(stride):
        taps = [k for k in range(kernel) if (row + pad - k) % stride == 0]
        if not taps:
            raise ValueError("the stride is larger than the kernel")
        places = [(row + pad - k) // stride for k in taps]  # falls as k rises
        found.append(Phase(tuple(reversed(taps)), -places[-1], places[0]))
    return found


@lines_too
def transposed(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """ConvTranspose whose output is ``stride`` times as high and as wide as its input."""
    value, weights, bias = operands(op, inputs)
    shape = weights.array.shape
    if len(shape) != 4 or value.index.ndim != 3:
        raise op.refuse(f"it has weights of the shape {shape}", "use maps and 2-D kernels")
    if list(op.attributes.get("kernel_shape") or shape[2:]) != list(shape[2:]):
        raise op.refuse("its kernel_shape is not that of its weights", "export the network again")
    rows, columns = axes_of(op, shape[2:])
    value = builder.numbers(op, solid(builder, op, value))
    if not value.is_map or value.index.shape[0] != shape[0]:
        raise op.refuse(
            f"its weights {shape} do not fit its input {value.shape}",
            "give weights (inputs, outputs, height, width) to a map with its channels first",
        )
    inner = replace(op, kind="Conv", outputs=("",), attributes={})
    pairs = [(row, column) for row in rows for column in columns]
    made = []
    for pads, some in kernels_of(weights, pairs):
        given: list[Value | Const] = [value, some]
        if bias is not None:
            given.append(repeated(bias, len(some.array) // shape[1]))
        made.append(convolve(builder, replace(inner, attributes={"pads": list(pads)}), given))
    builder.marks[:] = [mark for mark in builder.marks if mark.source]
    whole = concatenated(builder, inner, made, 1)
    if len(pairs) == 1:
        builder.mark(op, whole)
        return whole
    return spread(builder, op, alike(builder, inner, whole, len(pairs)), len(rows), len(columns))


def kernels_of(
    weights: Const, pairs: list[tuple[Phase, Phase]]
) -> Iterator[tuple[tuple[int, int, int, int], Const]]:
    """The padding and the weights of each convolution: one for all phases if they read the same."""
    found = [
        ((r.before, c.before, r.behind, c.behind), turned(weights, r.taps, c.taps))
        for r, c in pairs
    ]
    windows = {(pads, some.array.shape) for pads, some in found}
    if len(windows) > 1:
        yield from found
        return
    scales = [some.scale for _, some in found]
    whole = [x for x in scales if x is not None and x.size > 1]
    scale = np.concatenate(whole) if whole else scales[0]
    yield found[0][0], Const(np.concatenate([some.array for _, some in found]), scale)


def repeated(bias: Const, times: int) -> Const:
    """A bias for each of the phases that a convolution makes."""
    scale = bias.scale
    if scale is not None and scale.size > 1:
        scale = np.tile(scale, times)
    array = np.asarray(bias.array)
    return bias if array.size == 1 else Const(np.tile(array.reshape(-1), times), scale)


def axes_of(op: Op, kernel: Sequence[int]) -> tuple[list[Phase], list[Phase]]:
    """The phases of rows and of columns; raises NetworkError where there are none."""
    take = op.attributes.get
    strides = [int(n) for n in take("strides") or (1, 1)]
    pads = [int(n) for n in take("pads") or (0, 0, 0, 0)]
    more = [int(n) for n in take("output_padding") or (0, 0)]
    if take("output_shape") or str(take("auto_pad", "NOTSET")) not in ("NOTSET", "VALID"):
        raise op.refuse("its padding follows from its output's shape", "export with pads")
    if int(take("group", 1)) != 1 or any(int(n) != 1 for n in take("dilations") or (1, 1)):
        raise op.refuse("it has groups or dilations", "use neither in transposed convolutions")
    found = []
    for axis in (0, 1):
        before, behind, stride = pads[axis], pads[axis + 2], strides[axis]
        fits = kernel[axis] + more[axis] == stride + before + behind and 1 <= stride <= 8
        if not fits or before < 0 or behind < 0:
            raise op.refuse(
                f"along an axis it has a kernel of {kernel[axis]}, a stride of {stride}, pads of "
                f"{before} and {behind} and output padding of {more[axis]}",
                "take a stride of up to 8 and kernel + output_padding = stride + pads, so that "
                "the output is stride times as large as the input",
            )
        try:
            steps = phases(kernel[axis], stride, before)
        except ValueError as error:
            raise op.refuse(str(error), "use a kernel of at least the stride") from None
        if any(step.before < 0 or step.behind < 0 for step in steps):
            raise op.refuse("its padding cuts off what the map's edge gives", "pad less")
        found.append(steps)
    return found[0], found[1]


def turned(weights: Const, rows: Sequence[int], columns: Sequence[int]) -> Const:
    """Those rows and columns of weights (in, out, height, width), as a convolution has them."""

    def part(array: NDArray[Any]) -> NDArray[Any]:
        return array[:, :, rows][:, :, :, columns].swapaxes(0, 1)

    scale = weights.scale
    if scale is not None and scale.size > 1:
        scale = part(np.broadcast_to(scale, weights.array.shape))
    return Const(part(np.asarray(weights.array)), scale)


def alike(builder: NetworkBuilder, op: Op, value: Value, blocks: int) -> Value:
    """Integers whose channels have one scale and one offset at all ``blocks`` pixels of a block."""
    scales, offsets = (x.reshape(blocks, -1) for x in (value.scale, value.offset))
    scale = value.scale.copy().reshape(blocks, -1)
    for channel in range(scale.shape[1]):
        numbers = [*scales[:, channel], *(offsets[:, channel] - offsets[0, channel])]
        below = lcm(*(n.denominator for n in numbers))
        scale[:, channel] = Fraction(gcd(*(int(n * below) for n in numbers)), below)
    factors = (scales / scale).reshape(-1)
    more = ((offsets - offsets[0]) / scale).reshape(-1)
    if (factors == 1).all() and (more == 0).all():
        return value
    if max(factors) > MAX_FACTOR or max(abs(more)) > MAX_OFFSET:
        raise op.refuse(
            "the scales of the kernel's rows have no common measure",
            "quantise the weights with one scale an output, and the input with a level of 0",
        )
    made = put(builder, op, "scaled", Affine(*(x.astype(np.int64) for x in (factors, more))), value)
    return replace(made, scale=scale.reshape(-1), offset=np.tile(offsets[0], blocks))


def spread(builder: NetworkBuilder, op: Op, value: Value, rows: int, columns: int) -> Value:
    """The channels of each pixel as a block of pixels, by DepthToSpace."""
    axes = value.map_axes
    if not axes:
        raise op.refuse("its input is not a map", "give maps (1, channels, height, width)")
    value = carried(builder, op, value)
    blocks = rows * columns
    for numbers in (value.scale, value.offset):
        if len(numbers) % blocks == 0 and not all_alike(numbers, blocks):
            raise op.refuse(
                "channels of several scales become one", "quantise its input with one scale"
            )
    if value.steps:
        value = builder.integers(op, builder.numbers(op, value))
    made = put(builder, op, "blocks", DepthToSpace(rows, columns), value)
    index, count = map_index(made.kind), made.kind.channels
    made = replace(
        made,
        scale=value.scale[:count],
        offset=value.offset[:count],
        index=index if axes == (1, 2) else index.transpose(1, 2, 0),
        levels=value.levels,
    )
    builder.mark(op, made)
    return made


def all_alike(numbers: Fractions, blocks: int) -> bool:
    """Whether all pixels of a block have the same numbers for their channels."""
    parts = numbers.reshape(blocks, -1)
    return all(is_uniform(part) for part in parts.T)


def depth_to_space(
    builder: NetworkBuilder, op: Op, value: Value, size: int, *, by_channel: bool
) -> Value:
    """DepthToSpace of blocks of ``size`` by ``size``, and PixelShuffle. ``by_channel``: the pixels
    of a block are beside each other in the source's channels, not the channels of a pixel.
    """
    axis = channel_axis(value)
    if axis is None or value.index.ndim != 3 or size < 1:
        raise op.refuse("its input is not a map", "give maps (1, channels, height, width)")
    count = value.shape[axis]
    if count % size**2:
        raise op.refuse(f"{count} channels are no blocks of {size}x{size}", "use a multiple")
    if size == 1:
        return value
    if by_channel:
        order = np.arange(count).reshape(-1, size**2).T.reshape(-1)
        value = selected(builder, replace(op, outputs=("",)), value, order)
        builder.marks[:] = [mark for mark in builder.marks if mark.source]
    return spread(builder, op, value, size, size)
