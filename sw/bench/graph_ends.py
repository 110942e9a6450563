"""How random graphs end: what follows the logits, in every spelling of every opset."""

from dataclasses import replace
from typing import Any

import numpy as np

from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.bench.graph_parts import Draw, Row, Tensor, few_codes, linear_codes

__all__ = ["ENDS"]

# ONNX's numbers of types.
FLOAT, INT32, INT64 = 1, 6, 7


def softmax(kind: str) -> Row:
    """Softmax or LogSoftmax, along the classes or, wrongly, along the batch."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        axes: list[dict[str, Any]] = [{}, {"axis": 1}, {"axis": -1 if g.opset > 10 else 1}]
        wrong = g.opset >= 13 and draw.random() < 0.06
        given = {"axis": 0} if wrong else axes[draw.integers(3)]
        return replace(t, x=g.node(kind, t.x, **given))

    return row


def picking(kind: str) -> Row:
    """ArgMax or ArgMin, with the axis of the classes in most graphs."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        axes: list[dict[str, Any]] = [{"axis": 1}, {"axis": -1 if g.opset > 10 else 1}]
        given = {} if draw.random() < 0.06 else axes[draw.integers(2)]
        if draw.random() < 0.6:
            given = {**given, "keepdims": int(draw.integers(2))}
        if g.opset >= 12 and draw.random() < 0.3:
            given = {**given, "select_last_index": int(draw.integers(2))}
        g.kind = INT64
        return replace(t, x=g.node(kind, t.x, **given))

    return row


def top_k(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """TopK of one or, now and then, two; of the greatest or the least; one of its outputs."""
    count = 2 if draw.random() < 0.15 else 1
    given: dict[str, Any] = {"axis": 1} if draw.random() < 0.5 else {}
    if g.opset >= 11 and draw.random() < 0.5:
        given["largest"] = int(draw.integers(2))
    if g.opset >= 11 and draw.random() < 0.3:
        given["sorted"] = int(draw.integers(2))
    if g.opset < 10:
        x = g.node("TopK", t.x, k=count, **given)
    else:
        x = g.node("TopK", t.x, g.const([count], np.int64), **given)
    g.nodes[-1].output.append(f"{x}_places")
    if draw.random() < 0.15:
        return replace(t, x=x)
    g.kind = INT64
    return replace(t, x=f"{x}_places")


def behind(first: Row, *others: Row) -> Row:
    """Several rows, one after the other."""

    def row(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
        for part in (first, *others):
            t = part(g, draw, t)
        return t

    return row


def reshaped(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """The last tensor in another shape of as many sides, or the same."""
    return replace(t, x=g.node("Reshape", t.x, g.const([g.shape[0], -1], np.int64)))


def cast(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """A cast of the class."""
    g.kind = int(draw.choice([FLOAT, INT32, INT64]))
    return replace(t, x=g.node("Cast", t.x, to=g.kind))


def read_on(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """Now and then a node that reads what should have been the last one's result."""
    if draw.random() < 0.6:
        return t
    return replace(t, x=g.node("Add", t.x, g.const(1.0)))


def nothing(g: GraphMaker, draw: Draw, t: Tensor) -> Tensor:
    """The logits themselves."""
    return t


ENDS: dict[str, Row] = {
    "logits": nothing,
    "few codes": few_codes,
    "linear codes": linear_codes,
    "Softmax": softmax("Softmax"),
    "LogSoftmax": softmax("LogSoftmax"),
    "ArgMax": picking("ArgMax"),
    "ArgMin": picking("ArgMin"),
    "TopK": top_k,
    "Softmax, ArgMax": behind(softmax("Softmax"), picking("ArgMax")),
    "LogSoftmax, TopK": behind(softmax("LogSoftmax"), top_k),
    "codes, ArgMax": behind(few_codes, picking("ArgMax")),
    "Softmax, Reshape": behind(softmax("Softmax"), reshaped),
    "ArgMax, Cast": behind(picking("ArgMax"), cast),
    "Softmax, Add": behind(softmax("Softmax"), read_on),
}
