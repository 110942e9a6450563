"""Networks of integer arrays and a description of what they are.

docs/use/import.md specifies the description, JSON values: the input, and rows of layers that name
their arrays. Needs neither torch nor onnx.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import QUOTED, NetworkError, quote
from subbit.sw.importers.arrays.geometry import take_geometry, take_pooling
from subbit.sw.importers.arrays.known import Known, Made
from subbit.sw.importers.arrays.lines import requantise
from subbit.sw.importers.arrays.moved_rows import MOVED_KINDS
from subbit.sw.importers.arrays.rows import DescriptionRow
from subbit.sw.importers.exact.integers import Inexact, as_weights
from subbit.sw.importers.exact.value import Fractions, fill
from subbit.sw.ir import (
    INPUT,
    Add,
    Affine,
    Argmax,
    AvgPool2d,
    Conv2d,
    DepthwiseConv2d,
    Encoding,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Node,
    TensorType,
    Threshold,
    Weights,
)

__all__ = ["Described", "Known", "build_described", "describe"]

Ints = NDArray[np.int64]
Arrays = dict[str, Ints]
LIMIT = 1 << 31
MAX_WEIGHT_BITS = 9


@dataclass(frozen=True, eq=False)
class Described:
    """A network, and for each of its tensors what its elements stand for."""

    network: Network
    known: dict[str, Known]


def build_described(arrays: Arrays, description: dict[str, Any]) -> Network:
    """The network of integer ``arrays`` by a ``description``; raises NetworkError."""
    return describe(arrays, description).network


def describe(arrays: Arrays, description: dict[str, Any]) -> Described:
    """The network of integer ``arrays`` by a ``description``, and its tensors.

    All arrays must be used. What cannot be exact, as a padding with zeros that no code stands for,
    is refused. Raises NetworkError, naming the row.
    """
    top = DescriptionRow("the description", dict(description))
    builder = DescriptionReader(dict(arrays), top.take("input", dict))
    for number, row in enumerate(top.take("layers", list)):
        if not isinstance(row, dict):
            raise NetworkError(f"layer {number} of the description must be an object")
        builder.add(DescriptionRow(f"layer {number}", dict(row)))
    if builder.arrays:
        raise NetworkError(f"unknown arrays {', '.join(sorted(builder.arrays))[:200]}")
    metadata = top.take("metadata", dict, {})
    name = top.take("name", str, "network")
    top.finish()
    return Described(Network(name, builder.source, tuple(builder.nodes), metadata), builder.known)


@dataclass
class DescriptionReader:
    """The network so far; ``arrays`` are those that no row has taken."""

    arrays: Arrays
    entry: dict[str, Any]
    nodes: list[Node] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        row = DescriptionRow("the input", dict(self.entry))
        shape = row.take("shape", list)
        if len(shape) != 3 or not all(type(side) is int for side in shape):
            raise NetworkError(
                f"the input's shape is [height, width, channels], not {quote(shape)}"
            )
        encoding = row.choice("encoding", ("unsigned", "bipolar"), "unsigned")
        bits = row.take("bits", int, 8)
        height, width, channels = shape
        self.source = TensorType.codes(height, width, channels, bits, Encoding(encoding))
        offset = fill(channels, take_offset(row))
        row.finish()
        self.known[INPUT] = Known(self.source, Fraction(1), offset)

    def add(self, row: DescriptionRow) -> None:
        """Append the layer that a row describes."""
        kind = row.choice("kind", tuple(ROW_KINDS))
        name = row.take("name", str, f"{kind}{len(self.nodes)}")
        row.where = f"layer {name[:64]!r}"
        last = self.nodes[-1].name if self.nodes else INPUT
        sources = tuple(row.take("inputs", list, [last]))
        if name in self.known:
            raise row.error("two layers have this name")
        there = all(isinstance(source, str) and source in self.known for source in sources)
        counts = {"add": (2, 2), "concat": (2, len(sources))}.get(kind, (1, 1))
        if not there or not counts[0] <= len(sources) <= counts[1]:
            names = ", ".join(map(str, sources))[:QUOTED]
            raise row.error(f"it reads {names}, of which not all are there")
        if kind == "argmax":
            sources = (self.comparable(row, name, sources[0]),)
        layer, scale, offset, order = ROW_KINDS[kind](self, row, *(self.known[s] for s in sources))
        row.finish()
        try:
            made = layer.infer(tuple(self.known[s].kind for s in sources))
        except NetworkError as error:
            raise row.error(str(error)) from None
        self.nodes.append(Node(name, layer, sources))
        self.known[name] = Known(made, scale, offset, order)

    def comparable(self, row: DescriptionRow, name: str, source: str) -> str:
        """The tensor as integers that compare as what they stand for: its name, or a new layer's.

        Codes are summed, each by itself, and different offsets added.
        """
        x = self.known[source]
        try:
            if x.kind.is_code and x.kind.shape[:2] == (1, 1):
                source = self.insert(f"{name}_sum", GlobalAvgPool(), source, x.scale, x.offset)
            if (x.offset != x.offset[0]).any():
                whole = lcm(x.scale.denominator, *(Fraction(n).denominator for n in x.offset))
                scale = np.full(x.kind.channels, int(x.scale * whole), np.int64)
                layer = Affine(scale, np.array([int(n * whole) for n in x.offset], np.int64))
                zeros = fill(x.kind.channels, 0)
                source = self.insert(f"{name}_offset", layer, source, Fraction(1, whole), zeros)
        except (NetworkError, OverflowError) as error:
            raise row.error(str(error)) from None
        return source

    def insert(
        self, name: str, layer: Layer, source: str, scale: Fraction, offset: Fractions
    ) -> str:
        """Append a layer that no row describes, which holds the numbers of ``source``'s row."""
        x = self.known[source]
        if name in self.known:
            raise NetworkError(f"a layer is named {name}; name it otherwise")
        self.nodes.append(Node(name, layer, (source,)))
        kind = layer.infer((x.kind,))
        self.known[name] = Known(kind, scale, offset, x.order, x.row or source)
        return name

    def array(self, row: DescriptionRow, key: str, rank: int | None = None) -> Ints:
        """Remove and return the array that ``row[key]`` names."""
        name = row.take(key, str)
        if name not in self.arrays:
            raise NetworkError(f"the array {name[:QUOTED]} is missing")
        array = self.arrays.pop(name)
        if (rank is not None and array.ndim != rank) or not array.size:
            raise NetworkError(f"{name} must have {rank} dimensions, not the shape {array.shape}")
        if array.min() < -LIMIT or array.max() > LIMIT:
            raise NetworkError(f"{name} must lie in {-LIMIT}..{LIMIT}")
        return array


def take_offset(row: DescriptionRow) -> int:
    """The row's ``offset``, which thresholds take up."""
    offset: int = row.take("offset", int, 0)
    if abs(offset) > LIMIT:
        raise row.error(f"'offset' must lie in {-LIMIT}..{LIMIT}, not {quote(offset)}")
    return offset


def take_weights(builder: DescriptionReader, row: DescriptionRow, rank: int) -> tuple[Ints, str]:
    """The integer weights of a row and the name of their array."""
    name = row.values.get("weights", "")
    numbers = builder.array(row, "weights", rank)
    bits = row.take("bits", int, 8)
    if not 1 <= bits <= MAX_WEIGHT_BITS:
        raise row.error(f"'bits' must lie in 1..{MAX_WEIGHT_BITS}, not {bits}")
    if bits == 1 and not np.isin(numbers, (-1, 1)).all():
        raise NetworkError(f"{name} must hold -1 and +1 alone")
    return numbers, str(name)


def coded(name: str, numbers: Ints) -> tuple[Weights, Fraction]:
    """The weights as the Network has them, and their factor."""
    try:
        return as_weights(numbers)
    except Inexact as error:
        raise NetworkError(f"{name}: {error}; use weights of 1 to 8 bits") from None


def dots(numbers: Ints, factor: Fraction, x: Known) -> tuple[Fraction, Fractions]:
    """Scale and offset of the dot products of ``numbers`` ``(out, in, ...)`` with a tensor."""
    sums = numbers.reshape(*numbers.shape[:2], -1).sum(axis=2)
    return x.scale * factor, (sums.astype(object) * x.offset).sum(axis=1)


def check_columns(row: DescriptionRow, numbers: Ints, x: Known) -> None:
    """Raise NetworkError unless there are as many weights an output as the input has channels."""
    if numbers.shape[1] != x.kind.channels:
        raise row.error(
            f"the weights {numbers.shape} want {numbers.shape[1]} inputs, not {x.kind.channels}"
        )


def conv2d(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "conv2d", "weights": NAME, "stride": 1, "padding": "none", "groups": 1}``."""
    numbers, name = take_weights(builder, row, 4)
    groups = row.take("groups", int, 1)
    if groups < 1 or len(numbers) % groups or numbers.shape[1] * groups != x.kind.channels:
        raise row.error(
            f"the weights {numbers.shape} in {quote(groups)} groups want other channels than the "
            f"{x.kind.channels} of its input"
        )
    weights, factor = coded(name, numbers)
    layer = Conv2d(weights, *take_geometry(row, x.offset), groups)
    sums = numbers.reshape(groups, -1, numbers.shape[1], prod(numbers.shape[2:])).sum(axis=3)
    offset = (sums.astype(object) * x.offset.reshape(groups, 1, -1)).sum(axis=2).reshape(-1)
    return layer, x.scale * factor, offset, None


def depthwise(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """As conv2d, with weights ``(channels, 1, kh, kw)``."""
    numbers, name = take_weights(builder, row, 4)
    weights, factor = coded(name, numbers)
    layer = DepthwiseConv2d(weights, *take_geometry(row, x.offset))
    sums = numbers.reshape(len(numbers), -1).sum(axis=1).astype(object)
    if len(sums) != x.kind.channels:
        raise row.error(f"the weights {numbers.shape} want {len(sums)} channels")
    return layer, x.scale * factor, sums * x.offset, None


def linear(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "linear", "weights": NAME}``."""
    numbers, name = take_weights(builder, row, 2)
    check_columns(row, numbers, x)
    if x.order is not None:
        numbers = numbers[:, np.argsort(x.order)]
    weights, factor = coded(name, numbers)
    return Linear(weights), *dots(numbers, factor, x), None


def threshold(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "threshold", "thresholds": NAME, "number": "dot", "above": true}``.

    The code is the number of thresholds that the number is above (or, if not ``above``, at least).
    """
    name = row.values.get("thresholds", "")
    limits = builder.array(row, "thresholds")
    limits = limits[:, None] if limits.ndim == 1 else limits
    channels = x.kind.channels
    if limits.ndim != 2 or len(limits) != channels:
        last = builder.nodes[-1].name if builder.nodes else INPUT
        raise NetworkError(f"{last} has {channels} outputs but {len(limits)} thresholds ({name})")
    factor, shift = number_of(builder, row)
    least = integer_limits(limits, factor * x.scale, factor * x.offset + shift, row)
    levels = (1 << limits.shape[1].bit_length()) - 1
    rising = np.ones(channels, np.int64)
    if "falling" in row.values:
        falling = builder.array(row, "falling", 1)
        if len(falling) != channels or not np.isin(falling, (0, 1)).all():
            raise row.error(f"'falling' must hold {channels} numbers, each 0 or 1")
        rising = 1 - falling
    encoding = Encoding(row.choice("encoding", ("bipolar", "unsigned"), "bipolar"))
    top = max(int(least.max()), x.kind.high + 1)
    spare = np.full((channels, levels - limits.shape[1]), top, np.int64)
    layer = Threshold(np.concatenate([least, spare], axis=1), rising.astype(np.uint8), encoding)
    return layer, Fraction(1), fill(channels, take_offset(row)), None


def number_of(builder: DescriptionReader, row: DescriptionRow) -> tuple[Fraction, Fraction]:
    """Factor and shift from a dot product to the number that thresholds are compared with."""
    number = row.choice("number", ("dot", "2*dot", "matches"), "dot")
    if number != "matches":
        return Fraction(2 if number == "2*dot" else 1), Fraction(0)
    layer = builder.nodes[-1].layer if builder.nodes else None
    weights = getattr(layer, "weights", None)
    if not isinstance(weights, Weights):
        raise row.error("it counts matches, but follows no layer with weights")
    return Fraction(1, 2), Fraction(weights.row_length, 2)


def integer_limits(limits: Ints, scale: Fraction, offset: Fractions, row: DescriptionRow) -> Ints:
    """The least integer n with ``scale * n + offset`` above each limit, or at least it.

    That number is an integer, so that above a limit is at least the next one.
    """
    least = limits + int(row.take("above", bool, True))
    exact = (least.astype(object) - offset[:, None]) / scale
    whole = [[int(-(-n // 1)) for n in line] for line in exact]
    if any(abs(n) >= 1 << 62 for line in whole for n in line):
        raise row.error("its thresholds lie beyond 62 bits; use a larger scale before it")
    return np.array(whole, np.int64)


def max_pool(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "maxpool2d", "kernel": 2, "stride": 2, "pads": [0, 0, 0, 0]}``."""
    return MaxPool2d(*take_pooling(row)), x.scale, x.offset, None


def average_pool(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "avgpool2d", "kernel": 2, "stride": 2, "pads": [0, 0, 0, 0]}``: sums."""
    layer = AvgPool2d(*take_pooling(row))
    if any(layer.pads) and (x.offset != 0).any():
        raise row.error("zeros around its input are no codes of it; use no padding")
    return layer, x.scale, x.offset * layer.window.size, None


def global_pool(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "globalavgpool"}``: sums."""
    return GlobalAvgPool(), x.scale, x.offset * (x.kind.height * x.kind.width), None


def add(builder: DescriptionReader, row: DescriptionRow, a: Known, b: Known) -> Made:
    """``{"kind": "add", "inputs": [NAME, NAME]}``."""
    if a.scale != b.scale:
        raise row.error(f"its inputs have the scales {a.scale} and {b.scale}; use equal ones")
    return Add(), a.scale, a.offset + b.offset, None


def flatten(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "flatten", "order": "channels-first"}``, as PyTorch does it."""
    order = row.choice("order", ("channels-first", "channels-last"), "channels-first")
    offset = np.tile(x.offset, x.kind.height * x.kind.width)
    places = np.arange(x.kind.elements).reshape(x.kind.shape).transpose(2, 0, 1).reshape(-1)
    return Flatten(), x.scale, offset, places if order == "channels-first" else None


def affine(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "affine", "scale": NAME, "offset": NAME}``: ``scale * number + offset``."""
    factors, shifts = builder.array(row, "scale", 1), builder.array(row, "offset", 1)
    if not len(factors) == len(shifts) == x.kind.channels:
        raise row.error(f"it has {len(factors)} scales for {x.kind.channels} channels")
    scale, offset = factors.astype(object) * x.scale, factors * x.offset + shifts
    whole = lcm(*(number.denominator for number in (*scale, *offset)))
    numbers = scale * whole, offset * whole
    if any(abs(n) >= 1 << 62 for part in numbers for n in part):
        raise row.error("its numbers lie beyond 62 bits; use smaller ones")
    layer = Affine(*(part.astype(np.int64) for part in numbers))
    return layer, Fraction(1, whole), fill(x.kind.channels, 0), None


def argmax(builder: DescriptionReader, row: DescriptionRow, x: Known) -> Made:
    """``{"kind": "argmax"}``."""
    if x.scale <= 0:
        raise row.error("its inputs have a negative scale; put an affine layer before it")
    if x.order is not None and not np.array_equal(x.order, np.arange(len(x.order))):
        raise row.error("it counts the places of a map channels first; flatten it channels-last")
    return Argmax(), Fraction(1), fill(1, 0), None


ROW_KINDS: dict[str, Callable[..., Made]] = {
    "conv2d": conv2d,
    "depthwiseconv2d": depthwise,
    "linear": linear,
    "threshold": threshold,
    "maxpool2d": max_pool,
    "avgpool2d": average_pool,
    "globalavgpool": global_pool,
    "add": add,
    "flatten": flatten,
    "affine": affine,
    "argmax": argmax,
    **MOVED_KINDS,
    "requantise": requantise,
}
