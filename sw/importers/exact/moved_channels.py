"""Concat, Slice, Split, Gather and Resize of what depends on the input."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op, with_places
from subbit.sw.importers.exact.rearranged import channel_axis, concatenated, selected, upsampled
from subbit.sw.importers.exact.value import Const, Value

__all__ = ["chunks", "concat", "gather", "resize", "slice_channels", "split"]

MOST_SIDE = 1 << 16


def concat(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Concat of channels, or of vectors."""
    values = [value for value in inputs if isinstance(value, Value)]
    if len(values) < len(inputs):
        raise op.refuse("it puts constants beside its input", "concatenate what the input makes")
    return concatenated(builder, op, values, int(op.attributes["axis"]))


def the_axis(op: Op, value: Value, axis: int) -> int:
    """The axis, which must be that of the channels; raises NetworkError."""
    rank = value.index.ndim + 1
    if axis % rank != channel_axis(value):
        shape = "x".join(map(str, value.shape))
        raise op.refuse(f"it takes parts of axis {axis} of {shape}", "take channels of a map")
    return axis % rank


def slice_channels(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Slice along the channels; other axes may be named if all of them stays."""
    value, given = inputs[0], with_places(op, inputs)
    assert isinstance(value, Value)
    names = ("starts", "ends", "axes", "steps")
    limits = {}
    for place, name in enumerate(names, 1):
        if isinstance(found := given.get(place), Const):
            limits[name] = [int(n) for n in found.array.reshape(-1)]
        elif name in op.attributes:
            limits[name] = [int(n) for n in op.attributes[name]]
    starts, ends = limits["starts"], limits["ends"]
    axes, steps = limits.get("axes", range(len(starts))), limits.get("steps", [1] * len(starts))
    made = value
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places = np.arange(made.shape[axis])[start:end:step]
        if len(places) == made.shape[axis] and step > 0:
            continue
        the_axis(op, made, axis)
        made = selected(builder, op, made, places)
    return made


def gather(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Gather of channels by constant numbers, a vector of them."""
    value, numbers = inputs
    if not isinstance(value, Value) or not isinstance(numbers, Const) or numbers.array.ndim != 1:
        raise op.refuse("its indices are no constant vector", "gather channels by constant indices")
    axis = the_axis(op, value, int(op.attributes.get("axis", 0)))
    return selected(builder, op, value, np.arange(value.shape[axis])[numbers.array.astype(int)])


def split(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> list[Value]:
    """Split along the channels: a value for each output."""
    value, given = inputs[0], with_places(op, inputs)
    assert isinstance(value, Value)
    axis = the_axis(op, value, int(op.attributes.get("axis", 0)))
    side, count = value.shape[axis], len(op.outputs)
    if op.attributes.get("num_outputs", count) != count:
        raise op.refuse(f"it has {count} outputs, not those it says", "export the network again")
    named = given.get(1)
    sizes = list(op.attributes.get("split", ()))
    if isinstance(named, Const):
        sizes = [int(n) for n in named.array.reshape(-1)]
    if not sizes:
        each = -(-side // count)
        sizes = [each] * (count - 1) + [side - each * (count - 1)]
    if sum(sizes) != side or len(sizes) != count or min(sizes) < 1:
        raise op.refuse(
            f"it splits {side} channels into {str(sizes)[:60]} for {count} outputs",
            "export the network again",
        )
    return chunks(builder, op, value, sizes)


def chunks(builder: NetworkBuilder, op: Op, value: Value, sizes: list[int]) -> list[Value]:
    """So many channels, then so many more, and so on."""
    ends = np.cumsum([0, *sizes])
    outputs = [*op.outputs, *[""] * len(sizes)] if len(op.outputs) > 1 else [""] * len(sizes)
    found = []
    for at, size in enumerate(sizes):
        own = replace(op, outputs=(outputs[at],))
        found.append(selected(builder, own, value, np.arange(ends[at], ends[at] + size)))
    return found


def resize(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """Resize and Upsample to a whole number of times the size, by the nearest element."""
    value, given = inputs[0], with_places(op, inputs)
    assert isinstance(value, Value)
    mode = str(op.attributes.get("mode", "nearest"))
    policy = op.attributes.get("keep_aspect_ratio_policy", "stretch")
    if mode != "nearest" or policy != "stretch":
        raise op.refuse(
            f"its mode is {mode[:40]!r}, its policy {str(policy)[:40]!r}",
            "resize by the nearest element, each side by itself",
        )
    shape = value.shape
    newer = op.kind == "Resize" and ("coordinate_transformation_mode" in op.attributes)
    scales, sizes = given.get(2 if newer else 1), given.get(3)
    if "scales" in op.attributes:
        scales = Const(np.array(op.attributes["scales"], np.float32))
    if isinstance(scales, Const) and scales.array.size:
        factors = [Fraction(float(n)) for n in scales.array.reshape(-1)]
    elif isinstance(sizes, Const):
        wanted = [int(n) for n in sizes.array.reshape(-1)]
        factors = [Fraction(n, side) for n, side in zip(wanted, shape, strict=True)]
    else:
        raise op.refuse("its scales are not constant", "export with constant scales")
    if len(factors) != len(shape):
        raise op.refuse(f"it has {len(factors)} scales for {len(shape)} sides", "export it again")
    sides = [axis + 1 for axis in value.map_axes]
    if any(factor != 1 for axis, factor in enumerate(factors) if axis not in sides):
        raise op.refuse("it resizes other sides than height and width", "resize maps")
    times = [whole_times(op, shape[axis], factors[axis]) for axis in sides]
    return upsampled(builder, op, value, *(times or (1, 1)))


def whole_times(op: Op, side: int, factor: Fraction) -> int:
    """How many times each row or column comes; raises NetworkError unless all come as often."""
    if factor.denominator > 1 or factor < 1 or side * factor > MOST_SIDE:
        raise op.refuse(
            f"it resizes {side} by {float(factor):g}", "resize by a whole number, 2 or 4"
        )
    times = int(factor)
    found = [source_of(op, place, side, times) for place in range(side * times)]
    if found != [place // times for place in range(side * times)]:
        transform = op.attributes.get("coordinate_transformation_mode", "asymmetric")
        raise op.refuse(
            f"by {transform} coordinates its blocks are not all {times} wide",
            "resize with asymmetric coordinates, rounded down",
        )
    return times


def source_of(op: Op, place: int, side: int, times: int) -> int:
    """The element that a place of the result takes, as ONNX's Resize defines it."""
    transform = str(op.attributes.get("coordinate_transformation_mode", "asymmetric"))
    length = side * times
    if transform == "asymmetric":
        at = Fraction(place, times)
    elif transform == "align_corners":
        at = Fraction(place * (side - 1), length - 1) if length > 1 else Fraction(0)
    elif transform in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        at = Fraction(2 * place + 1, 2 * times) - Fraction(1, 2)
        if transform == "pytorch_half_pixel" and length == 1:
            at = Fraction(0)
    else:
        raise op.refuse(f"its coordinates are {transform[:40]!r}", "use asymmetric ones")
    nearest = str(op.attributes.get("nearest_mode", "floor"))
    half = Fraction(1, 2)
    ways = {
        "floor": floor(at),
        "ceil": ceil(at),
        "round_prefer_floor": ceil(at - half),
        "round_prefer_ceil": floor(at + half),
    }
    if nearest not in ways:
        raise NetworkError(f"its nearest_mode is {nearest[:40]!r}")
    return min(max(ways[nearest], 0), side - 1)
