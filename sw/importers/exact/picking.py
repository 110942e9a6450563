"""Operators that end a network: they pick the class, or give numbers that compare as logits do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.rearranged import channel_axis
from subbit.sw.importers.exact.shapes import MOVES, move
from subbit.sw.importers.exact.value import Const, Value

__all__ = ["PICKED_OUTPUT", "PICKING", "Ended", "behind", "pick", "soften"]

NO_LAYER = "a network has no layer for that: end the graph before it, and pick on the host"
# The output that a network can give, where it is not the first.
PICKED_OUTPUT = {"TopK": 1}


@dataclass(frozen=True, eq=False)
class Ended:
    """What operators at a graph's end made of logits.

    ``value``: the logits, in the shape that the source sees; ``source``: their tensor there.
    ``gives``: ``ranks``, numbers that compare as they do, made by ``op``; the ``greatest`` of them,
    which a network does not give; or the ``class``, in ``shape``: of the greatest, or of the
    ``least``; of equal ones of the first, or of the ``last``.
    ``curved``: whether a Softmax came between.
    """

    op: Op
    value: Value
    source: str
    gives: str
    shape: tuple[int, ...] = ()
    least: bool = False
    last: bool = False
    curved: bool = False


def is_map(value: Value, axis: int) -> bool:
    """Whether there are classes along the axis at each of several pixels."""
    return (
        value.kind.shape[:2] != (1, 1)
        and value.index.ndim == 3
        and value.kind.channels > 1
        and channel_axis(value) == axis
    )


def check_axes(op: Op, value: Value, first: int, stop: int | None) -> None:
    """Raise NetworkError unless the sides from ``first`` to ``stop`` hold all elements, as those
    of logits do.
    """
    shape, total = value.shape, value.index.size
    among = prod(shape[first:stop])
    if total == among > 1:
        return
    sides = f"axis {first}" if stop is not None else f"the axes from {first} on"
    text = "x".join(map(str, shape))
    if among <= 1:
        raise op.refuse(
            f"{sides} of the shape {text} has one element, so that nothing depends on the input",
            "name the axis of the classes",
        )
    raise op.refuse(f"it compares along {sides} of {text} at {total // among} places", NO_LAYER)


def axis_of(op: Op, value: Value, axis: Any) -> int:
    """The axis counted from the first; raises NetworkError where there is none."""
    rank = value.index.ndim + 1
    number = int(axis)
    if not -rank <= number < rank:
        raise op.refuse(f"a tensor of {rank} sides has no axis {number}", "export it again")
    return number % rank


def soften(op: Op, value: Value, source: str, axis: Any, *, flat: bool = False) -> Ended:
    """Softmax or LogSoftmax along an axis, or ``flat`` over all sides from there on."""
    first = axis_of(op, value, axis)
    check_axes(op, value, first, None if flat else first + 1)
    return Ended(op, value, source, "ranks", curved=True)


def pick(
    op: Op,
    given: Value | Ended,
    source: str,
    axis: Any,
    *,
    keep: bool = True,
    least: bool = False,
    last: bool = False,
) -> Ended:
    """The place of the greatest element along an axis, or of the ``least``."""
    value = given.value if isinstance(given, Ended) else given
    curved = isinstance(given, Ended)
    if curved and least:
        raise op.refuse(
            "the least numbers behind a Softmax may all be rounded to 0", "pick before the Softmax"
        )
    place = axis_of(op, value, axis)
    if not (is_map(value, place) and not (curved or least or last)):
        check_axes(op, value, place, place + 1)
    sides = list(value.shape)
    sides[place : place + 1] = [1] if keep else []
    source = given.source if isinstance(given, Ended) else source
    return Ended(op, value, source, "class", tuple(sides), least, last, curved)


def softmax(op: Op, given: Value | Ended, rest: list[Const], opset: int) -> Ended:
    """Softmax and LogSoftmax: before opset 13 over all sides from ``axis``, since then one."""
    if isinstance(given, Ended):
        raise given.op.refuse("another node reads its result", "end the network with it")
    return soften(op, given, op.inputs[0], op.attributes["axis"], flat=opset < 13)


def arg_pick(op: Op, given: Value | Ended, rest: list[Const], opset: int) -> Ended:
    """ArgMax and ArgMin; the last of equals may be meant since opset 12."""
    return pick(
        *(op, given, op.inputs[0], op.attributes["axis"]),
        keep=bool(op.attributes["keepdims"]),
        least=op.kind == "ArgMin",
        last=bool(op.attributes.get("select_last_index", 0)),
    )


def top_k(op: Op, given: Value | Ended, rest: list[Const], opset: int) -> Ended:
    """TopK of one; k is an attribute before opset 10, and the least may be meant since 11."""
    count = rest[0].array.reshape(-1).tolist() if rest else op.attributes.get("k")
    if count not in (1, [1]):
        raise op.refuse("it picks another number of classes than one", "use k = 1")
    return pick(
        op, given, op.inputs[0], op.attributes["axis"], least=not op.attributes.get("largest", 1)
    )


PICKING: dict[str, Callable[[Op, Value | Ended, list[Const], int], Ended]] = {
    **dict.fromkeys(("Softmax", "LogSoftmax"), softmax),
    **dict.fromkeys(("ArgMax", "ArgMin"), arg_pick),
    "TopK": top_k,
}


def behind(builder: NetworkBuilder, op: Op, ended: Ended, rest: list[Const]) -> Ended:
    """An operator that reads what an ended graph gives: it may move it, or cast it.

    Raises NetworkError for any other.
    """
    if op.kind in ("Identity", "Dropout"):
        return ended
    several = ended.value.kind.shape[:2] != (1, 1) and ended.value.index.ndim == 3
    if op.kind == "Transpose" and ended.gives == "class" and several:
        raise op.refuse("it turns a map of classes", "leave the map as it is")
    if op.kind in MOVES and ended.gives == "class":
        places = np.zeros(ended.shape, np.int64)
        moved = MOVES[op.kind](op, places, [np.asarray(c.real()) for c in rest])
        return replace(ended, shape=moved.shape)
    if op.kind in MOVES:
        return replace(ended, value=move(builder, op, [ended.value, *rest]))
    if op.kind == "Cast" and holds(ended, op.attributes.get("to")):
        return ended
    raise ended.op.refuse("another node reads its result", "end the network with it")


def holds(ended: Ended, code: Any) -> bool:
    """Whether a type of ONNX, by its number, holds all that an ended graph gives."""
    floats = {1: 24, 10: 11, 11: 53}
    integers = {2: 8, 3: 7, 4: 16, 5: 15, 6: 31, 7: 63, 12: 32, 13: 64}
    if ended.gives != "class":
        return code in (1, 11)
    bits = {**floats, **integers}.get(code, 0)
    return ended.value.index.size <= 1 << bits
