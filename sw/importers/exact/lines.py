"""1-D maps (channels, length): maps of one row, by the rules of maps."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Value

__all__ = ["lines_too"]

Rule = Callable[[NetworkBuilder, Op, list[Value | Const]], Value]


def lines_too(rule: Rule) -> Rule:
    """A rule of maps as one of 1-D maps, too: these get a row, and their windows as well."""

    @wraps(rule)
    def run(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
        value = inputs[0] if inputs else None
        if not isinstance(value, Value) or value.index.ndim != 2 or not is_line(op, inputs):
            return rule(builder, op, inputs)
        value.check_margins()
        given = replace(value, index=value.index[:, None, :])
        rest = [with_row(x) if at == 0 else x for at, x in enumerate(inputs[1:])]
        made = rule(builder, with_rows(op), [given, *rest])
        builder.marks[:] = [mark for mark in builder.marks if mark.source]
        made = replace(made, index=made.index[:, 0, :])
        if made.name != value.name and made.pool_at is None and not made.steps:
            builder.mark(op, made)
        return made

    return run


def is_line(op: Op, inputs: list[Value | Const]) -> bool:
    """Whether the window of the operation has one side."""
    if len(inputs) > 1 and isinstance(inputs[1], Const):
        return inputs[1].array.ndim == 3
    return len(op.attributes.get("kernel_shape", (1,))) == 1


def with_row(x: Value | Const) -> Value | Const:
    """Weights (out, in, length) as those of kernels with one row."""
    if not isinstance(x, Const):
        return x
    scale = x.scale
    if scale is not None and scale.ndim == 3:
        scale = scale[:, :, None, :]
    return Const(np.asarray(x.array)[:, :, None, :], scale)


def with_rows(op: Op) -> Op:
    """The operation over maps of one row; its result is not compared, since another one is."""
    given: dict[str, Any] = dict(op.attributes)
    for name in ("kernel_shape", "strides", "dilations"):
        if given.get(name) is not None:
            given[name] = [1, *given[name]]
    if given.get("output_padding") is not None:
        given["output_padding"] = [0, *given["output_padding"]]
    pads = given.get("pads")
    if pads is not None and len(pads) == 2:
        given["pads"] = [0, pads[0], 0, pads[1]]
    return replace(op, attributes=given, outputs=("", *op.outputs[1:]))
