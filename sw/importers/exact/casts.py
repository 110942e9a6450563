"""Cast: between floats, booleans and integers."""

import numpy as np

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.steps import extremes, stepped, whole
from subbit.sw.importers.exact.value import FLOAT, Const, Value, fill

__all__ = ["cast"]

# ONNX's numbers of types.
TYPES = {
    1: FLOAT,
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
}
# Integers beyond are not all float32, in which the numbers are known here.
EXACT = 1 << 24


def cast(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """What Cast makes of numbers: 0 and 1 of others, integers towards 0, or the same."""
    value = inputs[0]
    assert isinstance(value, Value)
    to = TYPES.get(int(op.attributes["to"]))
    if to is None:
        raise op.refuse(
            f"it makes numbers of ONNX type {op.attributes['to']}",
            "cast to float32, booleans or integers of up to 64 bits",
        )
    if to == value.dtype:
        return value
    count = value.kind.channels
    line = {"slope": fill(count, 1), "shift": fill(count, 0)}
    if to == "bool":
        return stepped(
            op,
            value,
            lambda x: np.asarray(x != 0, np.float32),
            monotone=False,
            onto=whole(value),
            gives=to,
        )
    if to == FLOAT or value.dtype == "bool":
        return stepped(op, value, lambda x: x, **line, gives=to)
    low, high = extremes(builder, value)
    ends = np.iinfo(to)
    if not max(ends.min, -EXACT) <= np.trunc(low) <= np.trunc(high) <= min(ends.max, EXACT):
        raise op.refuse(
            f"its input reaches from {low:g} to {high:g}, beyond {to}", "clip it before"
        )
    return stepped(op, value, lambda x: np.trunc(x), onto=whole(value), gives=to)
