"""From an ONNX or QONNX file to a Network."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.builder import Builder, whole_input
from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import gemm, matmul
from subbit.sw.importers.exact.elementwise import ELEMENTWISE, elementwise, normalise
from subbit.sw.importers.exact.ending import finish_network
from subbit.sw.importers.exact.linear_quant import dequantise_linear, quantise_linear
from subbit.sw.importers.exact.mark import Mark
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pixels import Pixels
from subbit.sw.importers.exact.pools import add, average, global_average, max_pool
from subbit.sw.importers.exact.quantise import quantise
from subbit.sw.importers.exact.shapes import MOVES, move, shape_of
from subbit.sw.importers.exact.value import Const, Value
from subbit.sw.importers.onnx.constants import FOLDABLE, evaluate_constant
from subbit.sw.importers.onnx.graph import Graph, read_graph
from subbit.sw.importers.onnx.guard import guarded
from subbit.sw.ir import INPUT, Network

__all__ = ["Imported", "import_onnx", "supported_operators"]

# ONNX's numbers of float32 and float64.
FLOATS = (1, 11)
Rule = Callable[[Builder, Op, list[Value | Const]], Value | Const]


def same(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """Identity, and what is one when a network is not in training."""
    return inputs[0]


def cast(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """Cast between floats, which changes nothing that a threshold could see."""
    if op.attributes.get("to") not in FLOATS:
        raise op.refuse("it makes integers of a tensor", "quantise with Quant instead")
    return inputs[0]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Quant", "IntQuant", "BipolarQuant", "Trunc"), quantise),
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(MOVES, move),
    **dict.fromkeys(("Identity", "Dropout"), same),
    "Cast": cast,
    "QuantizeLinear": quantise_linear,
    "DequantizeLinear": dequantise_linear,
    "Conv": convolve,
    "MatMul": matmul,
    "Gemm": gemm,
    "BatchNormalization": normalise,
    "MaxPool": max_pool,
    "AveragePool": average,
    "GlobalAveragePool": global_average,
    "ReduceMean": global_average,
    "Shape": shape_of,
}
LAST = ("Softmax", "LogSoftmax", "ArgMax", "TopK")


def supported_operators() -> tuple[str, ...]:
    """The names of all operators that a graph may hold."""
    return tuple(sorted({*RULES, *FOLDABLE, *LAST}))


@dataclass(frozen=True, eq=False)
class Imported:
    """A network and how it relates to its source.

    ``marks``: tensors of the source that tensors of the network stand for; ``logits``: the source's
    output with the value that the network has for it; ``folded``: for each layer the source's nodes
    in it; ``low``, ``high``: what the source's input is for pixels 0 and 255.
    """

    network: Network
    graph: Graph
    marks: tuple[Mark, ...]
    logits: Value
    logits_source: str
    folded: dict[str, list[str]]
    notes: dict[str, Any]
    low: Fraction
    high: Fraction


def import_onnx(
    path: str | os.PathLike[str],
    *,
    low: float = 0.0,
    high: float = 1.0,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> Imported:
    """The network in an ONNX or QONNX file, exactly.

    ``low`` and ``high``: what the file's input is where a pixel is 0 and 255. ``metadata`` go into
    the network; ``dataset.preprocess`` is added. Raises NetworkError, naming file, node, reason and
    remedy, for whatever cannot be exact.
    """
    try:
        graph = read_graph(path, frozenset(supported_operators()))
        span = Fraction(float(low)), Fraction(float(high))
        if span[0] >= span[1]:
            raise NetworkError(f"pixels range from {low} to {high}; name a lower number first")
        # Whether numbers are finite is checked where it matters.
        with np.errstate(all="ignore"):
            return walk(graph, span, network_name(path, name), metadata or {})
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def network_name(path: str | os.PathLike[str], name: str | None) -> str:
    """The given name, or the file's as a network may have it."""
    stem = "".join(c if c.isalnum() or c in "_.-" else "-" for c in Path(path).stem.lower())
    return name or stem.encode("ascii", "ignore").decode().strip("_.-")[:63] or "network"


def walk(
    graph: Graph, span: tuple[Fraction, Fraction], name: str, metadata: dict[str, Any]
) -> Imported:
    """Apply every operator's rule, one after the other."""
    builder = Builder(Pixels())
    pixels = whole_input(graph.shape, *span)
    builder.types[INPUT] = pixels.kind
    known: dict[str, Value | Const] = {key: Const(a) for key, a in graph.constants.items()}
    known[graph.input] = pixels
    ended: Op | None = None
    op = None
    for op in graph.ops:
        if ended is not None:
            raise ended.refuse("another node reads its result", "end the network with it")
        made = step(builder, op, operands(op, known))
        if made is None:
            ended = op
        else:
            builder.spend(op, made)
            known[op.outputs[0]] = made
    if op is None:
        raise NetworkError("the graph computes nothing of its input; import one with layers")
    source = op.inputs[0] if ended else graph.output
    last = known.get(source)
    if not isinstance(last, Value):
        raise NetworkError("the graph's output does not depend on its input; export it again")
    logits = guarded(op, lambda: finish_network(builder, op, last))
    return result(builder, graph, logits, source, span, name, metadata)


def operands(op: Op, known: dict[str, Value | Const]) -> list[Value | Const]:
    """The inputs of an operator; those without a name are left out."""
    missing = [key for key in op.inputs if key and key not in known]
    if missing:
        raise op.refuse(
            f"it reads {missing[0][:64]!r}, another node's second output", "use first outputs alone"
        )
    return [known[key] for key in op.inputs if key]


def step(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value | Const | None:
    """The result of one operator; None for one that only picks the class."""
    values = [x for x in inputs if isinstance(x, Value)]
    constants = [x for x in inputs if isinstance(x, Const)]
    if op.kind in LAST:
        return None
    if not values and op.kind in FOLDABLE:
        return evaluate_constant(op, constants)
    if op.kind == "Add" and len(values) == 2:
        return guarded(op, lambda: add(builder, op, inputs))
    if op.kind not in RULES or (not values and op.kind not in CONSTANT_RULES):
        raise op.refuse("it is only supported on constants", "replace it before exporting")
    return guarded(op, lambda: RULES[op.kind](builder, op, inputs))


QUANTISERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear")
CONSTANT_RULES = (*QUANTISERS, "Shape")


def result(
    builder: Builder,
    graph: Graph,
    logits: Value,
    source: str,
    span: tuple[Fraction, Fraction],
    name: str,
    metadata: dict[str, Any],
) -> Imported:
    """The finished import, with what the host does to the pixels in the metadata."""
    if builder.pixels.table is None:
        raise NetworkError("the graph's output does not depend on its input; export it again")
    dataset = {**metadata.get("dataset", {}), "preprocess": builder.pixels.preprocess()}
    network = builder.network(name, {**metadata, "dataset": dataset})
    return Imported(
        network,
        graph,
        tuple(builder.marks),
        logits,
        source,
        builder.folded,
        builder.notes,
        *span,
    )
