"""Dot products of concatenated tensors whose scales differ: a sum of those of the parts."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.sums import add
from subbit.sw.importers.exact.value import Const, Ints, Value, is_uniform, map_index

__all__ = ["by_parts"]

Rule = Callable[[NetworkBuilder, Op, list[Value | Const]], Value]


def by_parts(rule: Rule) -> Rule:
    """The rule of a Conv, a Gemm or a MatMul, and for a concatenation of tensors of several scales
    the sum of what it makes of each: integers of one scale have no other way to meet weights.
    """

    def parted(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
        value, weights, *bias = inputs
        if not isinstance(value, Value) or not isinstance(weights, Const):
            return rule(builder, op, inputs)
        parts = parts_of(builder, value)
        if not parts or op.attributes.get("group", 1) != 1 or op.attributes.get("transA"):
            return rule(builder, op, inputs)
        axis = 1 if op.kind == "Conv" or op.attributes.get("transB") else 0
        inner = replace(op, outputs=("",))
        made = []
        for at, (part, places) in enumerate(parts):
            rest = bias if at == len(parts) - 1 else []
            made.append(rule(builder, inner, [part, taken(weights, places, axis), *rest]))
        builder.marks[:] = [mark for mark in builder.marks if mark.source]
        total = made[0]
        for at, more in enumerate(made[1:], 2):
            total = add(builder, op if at == len(made) else inner, [total, more])
        return total

    return parted


def parts_of(builder: NetworkBuilder, value: Value) -> list[tuple[Value, Ints]]:
    """What a tensor was concatenated of, each with the places of the source that it fills, where
    there is no one scale, or only integers hold all; else nothing.
    """
    if value.steps or value.pool_at is not None or value.name not in builder.concats:
        return []
    whole, parts = builder.concats[value.name]
    alike = is_uniform(value.scale) and is_uniform(value.offset) and value.kind.is_code
    same = (value.scale == whole.scale).all() and (value.offset == whole.offset).all()
    if alike or not same or any(part.steps for part in parts):
        return []
    if not value.is_map and value.index.ndim != 1:
        return []
    found = []
    ends = np.cumsum([0, *(part.kind.channels for part in parts)])
    pixels, channels = np.divmod(value.index, value.kind.channels)
    for part, (start, end) in zip(parts, pairwise(ends), strict=True):
        if value.index.ndim == 3:
            index, places = map_index(part.kind), np.arange(start, end)
        else:
            places = np.flatnonzero((channels >= start) & (channels < end))
            index = (pixels * (end - start) + channels - start)[places]
        found.append((replace(part, index=index, margins=value.margins), places))
    return found


def taken(weights: Const, places: Ints, axis: int) -> Const:
    """The weights of some inputs."""
    scale = weights.scale
    if scale is not None and scale.ndim == weights.array.ndim and scale.shape[axis] > 1:
        scale = scale.take(places, axis)
    return Const(weights.array.take(places, axis), scale)
