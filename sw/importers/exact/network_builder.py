"""The Network that an import has built so far."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.fold import rises
from subbit.sw.importers.exact.mark import Mark
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pixels import Pixels
from subbit.sw.importers.exact.rounding import Within
from subbit.sw.importers.exact.value import (
    FLOAT,
    Const,
    Fractions,
    Value,
    fill,
    is_uniform,
    map_index,
)
from subbit.sw.ir import (
    INPUT,
    Add,
    Affine,
    Encoding,
    Flatten,
    GlobalAvgPool,
    Layer,
    Network,
    Node,
    TensorType,
)
from subbit.sw.ir.layers.linear import MAX_INPUT_BITS

__all__ = ["NetworkBuilder", "whole_input"]

MAX_CONSTANTS = 1 << 26
MAX_WORK = 1 << 27
BENT = ("LeakyRelu", "PRelu", "Relu")  # functions of two lines, which fixed point can hold


@dataclass
class NetworkBuilder:
    """Layers, what is known of the source's tensors, and notes for the report.

    ``as_codes`` makes codes of a value whose steps give few levels, or None if they give many:
    ``codes_on_demand`` of codes.py. ``coded``: what it made. ``said``: the source's operations in
    words, by name, where the importer notes them. ``concats``: by tensor, what the source sees of a
    concatenation, and of what it was made.
    """

    pixels: Pixels
    as_codes: "Callable[[NetworkBuilder, Op, Value], Value | None] | None" = None
    fixed_bits: int | None = None
    on_lines: "Callable[[NetworkBuilder, Op, Value], Value] | None" = None
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    folded: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    flat: dict[str, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    coded: dict[tuple[Any, ...], Value] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    concats: dict[str, tuple[Value, tuple[Value, ...]]] = field(default_factory=dict)
    constant_elements: int = 0
    work: int = 0
    inexact: set[str] = field(default_factory=set)
    paths: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, stem: str, layer: Layer, *sources: str, origin: Iterable[str] = ()) -> str:
        """Append a layer that reads ``sources``; returns its name, the stem and a number."""
        self.counts[stem] = self.counts.get(stem, 0) + 1
        name = f"{stem}{self.counts[stem]}"
        self.types[name] = layer.infer(tuple(self.types[source] for source in sources))
        self.nodes.append(Node(name, layer, sources))
        self.folded[name] = list(origin)
        return name

    def kind(self, name: str) -> TensorType:
        """The type of a tensor of the Network."""
        return self.types[name]

    def spend(self, op: Op, value: Value | Const) -> None:
        """Raise NetworkError if the graph takes more memory or time than a network can need."""
        if isinstance(value, Const):
            self.constant_elements += value.array.size
        self.charge(op, 0 if isinstance(value, Const) else value.index.size)

    def charge(self, op: Op, elements: int) -> None:
        """Count elements that are computed; raises NetworkError, see spend."""
        self.work += elements
        if self.constant_elements > MAX_CONSTANTS or self.work > MAX_WORK:
            raise op.refuse(
                "the graph's tensors are larger than any network's for an FPGA",
                "import a smaller network",
            )

    def mark(self, op: Op, value: Value, within: Within | None = None) -> None:
        """Note that the source's output of ``op`` is to be compared with the Network's tensor."""
        if op.outputs[0]:
            row = value.name, value.kind, value.scale, value.offset, value.index
            self.marks.append(Mark(op.outputs[0], op.name, *row, within=within))

    def codes(self, op: Op, value: Value) -> Value:
        """``value`` as codes without steps or pooling to come, for a layer that takes codes."""
        value = self.numbers(op, value)
        if not value.kind.is_code:
            raise op.refuse(
                "its input is not quantised", "put a quantiser (Quant, BipolarQuant) before it"
            )
        return value

    def numbers(self, op: Op, value: Value) -> Value:
        """``value`` as codes, or as integers that are narrow enough to meet weights."""
        value = self.settled(op, value)
        if self.fixed_bits is not None and self.on_lines is not None and unlike(value):
            value = self.on_lines(self, op, value)
        if not value.kind.is_code and value.kind.bits > MAX_INPUT_BITS:
            raise op.refuse(
                f"its input is not quantised: integers of {value.kind.bits} bits, more than "
                f"{MAX_INPUT_BITS}",
                "put a quantiser (Quant, BipolarQuant) before it",
                fixed=True,
            )
        if (value.scale == 0).any():
            raise op.refuse(
                "a channel of its input is multiplied by 0", "leave out what has no effect"
            )
        return value

    def settled(self, op: Op, value: Value) -> Value:
        """``value`` with its pooling done and its steps in the scale.

        Steps that are not linear must give few levels, which then become codes.
        """
        if value.dtype != FLOAT:
            raise op.refuse(f"its input is of type {value.dtype}", "cast it to float32 before it")
        line = value.line()
        if line is None:
            made = None if self.as_codes is None else self.as_codes(self, op, value)
            if made is None and self.fixed_bits is not None and self.on_lines is not None:
                return self.on_lines(self, op, value)
            if made is None:
                raise op.refuse(
                    f"its input is {value.blocking()} of numbers that are not quantised",
                    "put a quantiser between them",
                    fixed=all(s.slope is not None or s.kind in BENT for s in value.steps),
                )
            return made
        value = self.pooled(op, self.decided(op, value))
        line = value.line()
        assert line is not None
        return replace(value, scale=line[0], offset=line[1], steps=())

    def decided(self, op: Op, value: Value) -> Value:
        """``value``; the pixels become codes of eight bits if nobody has decided otherwise."""
        value.check_margins()
        if not value.raw:
            return value
        if self.pixels.table is None:
            self.pixels.take_raw(value.kind.channels)
        if not self.pixels.is_raw:
            raise op.refuse(
                "it reads the pixels, which another path quantises first",
                "quantise the input once, for all paths",
            )
        return replace(value, raw=False)

    def pooled(self, op: Op, value: Value) -> Value:
        """``value`` with the pooling that is to come done on the Network's integers or codes."""
        value.check_margins()
        if value.pool_at is None:
            return value
        before = replace(value, steps=value.steps[: value.pool_at], pool_at=None)
        if not rises(before, *self.kind(value.name).value_range):
            made = self.coded_before_pooling(op, before)
            if made is not None:
                return replace(made, index=value.index, steps=value.steps[value.pool_at :])
            value = self.turned(op, value, before)
        name = self.put("pool", value.pool, value.name)
        return replace(value, name=name, kind=self.kind(name), pool_at=None)

    def turned(self, op: Op, value: Value, before: Value) -> Value:
        """``value`` on integers of which those are negated that its steps before pooling turn."""
        if not before.monotone:
            raise op.refuse(
                "max pooling follows what rises and falls, of many levels",
                "put a quantiser before the pooling",
            )
        if self.kind(value.name).is_code:
            name = self.put("sum", Add(), value.name, value.name)
            value = replace(value, name=name, scale=value.scale / 2, levels=0)
        ends = np.array([[end] * value.kind.channels for end in self.kind(before.name).value_range])
        first, last = before.run(ends)
        signs = np.where(first <= last, 1, -1)
        layer = Affine(signs, np.zeros(len(signs), np.int64))
        name = self.put("turn", layer, value.name, origin=[op.name])
        return replace(value, name=name, scale=value.scale * signs)

    def coded_before_pooling(self, op: Op, before: Value) -> Value | None:
        """Codes of few levels, pooled; None if they are not few, or turned."""
        kind = self.kind(before.name)
        before = replace(before, kind=kind, index=map_index(kind))
        made = None if self.as_codes is None else self.as_codes(self, op, before)
        if made is None or (made.scale <= 0).any():
            return None
        name = self.put("pool", before.pool, made.name)
        return replace(made, name=name, kind=self.kind(name))

    def integers(self, op: Op, value: Value) -> Value:
        """``value`` as integers with the steps still to come; codes are summed with themselves."""
        value.check_margins()
        if not value.kind.is_code:
            return value
        value = self.pooled(op, self.decided(op, value))
        if value.kind.shape[:2] == (1, 1):
            name, factor = self.put("sum", GlobalAvgPool(), value.name), 1
        else:
            name, factor = self.put("sum", Add(), value.name, value.name), 2
        return replace(value, name=name, kind=self.kind(name), scale=value.scale / factor, levels=0)

    def flattened(self, op: Op, value: Value) -> Value:
        """``value`` as a vector in the Network, in the order of its stream."""
        value.check_margins()
        if value.kind.shape[:2] == (1, 1):
            return value
        value = self.settled(op, value) if value.steps else self.pooled(op, value)
        pixels = value.kind.height * value.kind.width
        if value.name not in self.flat:
            self.flat[value.name] = self.put("flatten", Flatten(), value.name)
        name = self.flat[value.name]
        scale, offset = np.tile(value.scale, pixels), np.tile(value.offset, pixels)
        return replace(value, name=name, kind=self.kind(name), scale=scale, offset=offset)

    def made(self, name: str, scale: Fractions, offset: Fractions, *, vector: bool) -> Value:
        """The value of a new layer that the source sees as a map, or as a ``vector``."""
        kind = self.kind(name)
        index = map_index(kind)
        return Value(name, kind, scale, offset, index.reshape(-1) if vector else index)

    def leave_out_unread(self) -> None:
        """Take out the layers on which the last one does not depend, as behind a factor of 0."""
        needed = {self.nodes[-1].name}
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        self.nodes = [node for node in self.nodes if node.name in needed]
        self.marks = [mark for mark in self.marks if mark.name in needed]

    def all_marks(self, network: Network) -> tuple[Mark, ...]:
        """The marks; those of layers that depend on an inexact one are loose."""
        loose: set[str] = set()
        for node in network.nodes:
            if node.name in self.inexact or loose.intersection(node.inputs):
                loose.add(node.name)
        return tuple(replace(mark, loose=mark.name in loose) for mark in self.marks)

    def all_notes(self, network: Network) -> dict[str, Any]:
        """The notes, and the paths in fixed point that the network has."""
        names = {node.name for node in network.nodes}
        paths = {name: row for name, row in self.paths.items() if name in names}
        return {**self.notes, **({"fixed": paths} if paths else {})}

    def network(self, name: str, metadata: dict[str, Any]) -> Network:
        """The finished network."""
        if not self.nodes:
            raise NetworkError("the graph computes nothing; import a network with layers")
        self.leave_out_unread()
        return Network(name, self.kind(INPUT), tuple(self.nodes), metadata)


def unlike(value: Value) -> bool:
    """Whether integers are too wide for weights, have several scales, or none that stands for 0."""
    if value.kind.is_code or (value.scale == 0).any():
        return False
    zeros = value.offset / value.scale
    between = any(zero.denominator > 1 for zero in zeros)
    return between or not is_uniform(value.scale) or value.kind.bits > MAX_INPUT_BITS


def whole_input(
    shape: tuple[int, ...], low: Fraction, high: Fraction, *, last: bool | None = None
) -> Value:
    """The pixels of an input of the source's shape, with the batch: ``low`` for 0, ``high`` for
    255.

    (1, n) is a vector; (1, c, h, w) a map, or (1, h, w, c) if ``last``; where nobody says which,
    if only that has 1 or 3 channels. (1, c, n) is a 1-D map, or (1, n, c) if ``last``, a map of one
    row; where nobody says which, it is a map (1, h, w) of one channel.
    """
    sides = shape[1:]
    if len(sides) == 3:
        if last is None:
            last = sides[0] not in (1, 3) and sides[2] in (1, 3)
        height, width, channels = sides if last else (*sides[1:], sides[0])
        kind = TensorType.codes(height, width, channels, 8, Encoding.UNSIGNED)
        index = map_index(kind)
        index = index.transpose(1, 2, 0) if last else index
    elif len(sides) == 2 and last is not None:
        width, channels = sides if last else (sides[1], sides[0])
        kind = TensorType.codes(1, width, channels, 8, Encoding.UNSIGNED)
        rows = np.arange(kind.elements, dtype=np.int64).reshape(width, channels)
        index = rows if last else rows.T
    elif len(sides) in (1, 2):
        height, width, channels = (*sides, 1) if len(sides) == 2 else (1, 1, sides[0])
        kind = TensorType.codes(height, width, channels, 8, Encoding.UNSIGNED)
        index = np.arange(kind.elements, dtype=np.int64).reshape(sides)
    else:
        raise NetworkError(
            f"the input has the shape {'x'.join(map(str, shape))}; images are (batch, channels, "
            "height, width) and vectors (batch, n)"
        )
    scale, offset = fill(channels, (high - low) / 255), fill(channels, low)
    return Value(INPUT, kind, scale, offset, index, raw=True)
