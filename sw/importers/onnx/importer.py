"""From an ONNX or QONNX file to a Network."""

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.codes import codes_on_demand
from subbit.sw.importers.exact.ending import finish_network
from subbit.sw.importers.exact.guard import guarded
from subbit.sw.importers.exact.lined import check_bits, requantised
from subbit.sw.importers.exact.mark import End, Mark
from subbit.sw.importers.exact.network_builder import NetworkBuilder, whole_input
from subbit.sw.importers.exact.op import Op, Refusal
from subbit.sw.importers.exact.picking import PICKED_OUTPUT, PICKING, Ended, behind
from subbit.sw.importers.exact.pixels import Pixels
from subbit.sw.importers.exact.sums import add
from subbit.sw.importers.exact.value import Const, Value
from subbit.sw.importers.onnx.constants import FOLDABLE, evaluate_constant
from subbit.sw.importers.onnx.graph import Graph, read_graph
from subbit.sw.importers.onnx.input_type import check_annotation, layout_of
from subbit.sw.importers.onnx.operators import (
    CONSTANT_RULES,
    RULES,
    SPLITTING,
    supported_operators,
)
from subbit.sw.ir import INPUT, Network

__all__ = ["OnnxImport", "import_onnx"]

Known = Value | Const | Ended


@dataclass(frozen=True, eq=False)
class OnnxImport:
    """A network and how it relates to its source.

    ``marks``: tensors of the source that tensors of the network stand for; ``end``: where the
    source ends, and what the network has for it; ``folded``: for each layer the source's nodes in
    it; ``low``, ``high``: what the source's input is for pixels 0 and 255; ``order``: the place in
    an image of each element of the source's input.
    """

    network: Network
    graph: Graph
    marks: tuple[Mark, ...]
    end: End
    folded: dict[str, list[str]]
    notes: dict[str, Any]
    low: Fraction
    high: Fraction
    order: NDArray[np.int64]


def import_onnx(
    path: str | os.PathLike[str],
    *,
    low: float = 0.0,
    high: float = 1.0,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
    layout: str | None = None,
    fixed: int | None = None,
) -> OnnxImport:
    """The network in an ONNX or QONNX file, exactly.

    ``low`` and ``high``: what the file's input is where a pixel is 0 and 255. ``layout``:
    ``channels-first`` or ``channels-last``, where the graph does not tell. ``metadata`` go into the
    network; ``dataset.preprocess`` is added. ``fixed``: bits, 2 to 24, of paths that are not exact
    otherwise; notes say which. Raises NetworkError, naming file, node, reason and
    remedy, for whatever cannot be exact.
    """
    try:
        graph = read_graph(path, frozenset(supported_operators()))
        span = Fraction(float(low)), Fraction(float(high))
        if span[0] >= span[1]:
            raise NetworkError(f"pixels range from {low} to {high}; name a lower number first")
        # Whether numbers are finite is checked where it matters.
        with np.errstate(all="ignore"):
            return walk(graph, span, network_name(path, name), metadata or {}, layout, fixed)
    except NetworkError as error:
        found = Refusal(f"{path}: {error}")
        found.fixed = isinstance(error, Refusal) and error.fixed
        raise found from None


def network_name(path: str | os.PathLike[str], name: str | None) -> str:
    """The given name, or the file's as a network may have it."""
    stem = "".join(c if c.isalnum() or c in "_.-" else "-" for c in Path(path).stem.lower())
    return name or stem.encode("ascii", "ignore").decode().strip("_.-")[:63] or "network"


def walk(
    graph: Graph,
    span: tuple[Fraction, Fraction],
    name: str,
    metadata: dict[str, Any],
    layout: str | None = None,
    fixed: int | None = None,
) -> OnnxImport:
    """Apply every operator's rule, one after the other."""
    builder = NetworkBuilder(Pixels(), codes_on_demand, check_bits(fixed), requantised)
    pixels = whole_input(graph.shape, *span, last=layout_of(graph, layout))
    check_annotation(graph, *span)
    builder.types[INPUT] = pixels.kind
    known: dict[str, Known] = {key: Const(a) for key, a in graph.constants.items()}
    known[graph.input] = pixels
    op = None
    for op in graph.ops:
        made = step(builder, op, operands(op, known), graph.opset)
        if isinstance(made, Ended):
            known[op.outputs[0]] = replace(made, gives="greatest")
            known[op.outputs[PICKED_OUTPUT.get(op.kind, 0)]] = made
        elif isinstance(made, list):
            for output, part in zip(op.outputs, made, strict=True):
                builder.spend(op, part)
                known[output] = part
        else:
            builder.spend(op, made)
            known[op.outputs[0]] = made
    if op is None:
        raise NetworkError("the graph computes nothing of its input; import one with layers")
    last = output_of(graph, known)
    end = guarded(op, lambda: finish_network(builder, op, last, graph.output))
    return result(builder, graph, end, span, name, metadata, pixels.index)


def output_of(graph: Graph, known: dict[str, Known]) -> Value | Ended:
    """The graph's output; raises NetworkError unless a network can give it."""
    last = known.get(graph.output)
    if isinstance(last, Ended) and last.gives == "greatest":
        raise last.op.refuse(
            "the graph ends in the greatest number itself", "end it in the places, the class"
        )
    if isinstance(last, Value | Ended):
        return last
    for op in graph.ops if last is None else ():
        if graph.output in op.outputs:
            raise op.refuse("the graph ends in its second output", "end it in its first")
    raise NetworkError("the graph's output does not depend on its input; export it again")


def operands(op: Op, known: dict[str, Known]) -> list[Known]:
    """The inputs of an operator; those without a name are left out."""
    missing = [key for key in op.inputs if key and key not in known]
    if missing:
        raise op.refuse(
            f"it reads {missing[0][:64]!r}, another node's second output", "use first outputs alone"
        )
    return [known[key] for key in op.inputs if key]


def step(builder: NetworkBuilder, op: Op, given: list[Known], opset: int) -> Known | list[Value]:
    """The result of one operator, or of one that splits a tensor all of them."""
    constants = [x for x in given if isinstance(x, Const)]
    ended = [x for x in given if isinstance(x, Ended)]
    inputs = [x for x in given if not isinstance(x, Ended)]
    values = [x for x in inputs if isinstance(x, Value)]
    if len(ended) > 1 or (ended and values) or any(x.gives == "greatest" for x in ended):
        raise ended[0].op.refuse("another node reads its result", "end the network with it")
    if op.kind in PICKING and (ended or values):
        picked: Value | Ended = ended[0] if ended else values[0]
        return guarded(op, lambda: PICKING[op.kind](op, picked, constants, opset))
    if ended:
        return guarded(op, lambda: behind(builder, op, ended[0], constants))
    if not values and op.kind in FOLDABLE:
        return evaluate_constant(op, constants)
    if op.kind in SPLITTING and values:
        return guarded(op, lambda: SPLITTING[op.kind](builder, op, inputs))
    if op.kind == "Add" and len(values) == 2:
        return guarded(op, lambda: add(builder, op, inputs))
    if op.kind not in RULES or (not values and op.kind not in CONSTANT_RULES):
        raise op.refuse("it is only supported on constants", "replace it before exporting")
    return guarded(op, lambda: RULES[op.kind](builder, op, inputs))


def result(
    builder: NetworkBuilder,
    graph: Graph,
    end: End,
    span: tuple[Fraction, Fraction],
    name: str,
    metadata: dict[str, Any],
    order: NDArray[np.int64],
) -> OnnxImport:
    """The finished import, with what the host does to the pixels in the metadata."""
    if builder.pixels.table is None:
        raise NetworkError("the graph's output does not depend on its input; export it again")
    dataset = {**metadata.get("dataset", {}), "preprocess": builder.pixels.preprocess()}
    network = builder.network(name, {**metadata, "dataset": dataset})
    return OnnxImport(
        network,
        graph,
        builder.all_marks(network),
        end,
        builder.folded,
        builder.all_notes(network),
        *span,
        order,
    )
