"""An ONNX graph as plain data: operations in an order of evaluation, and constant arrays."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.hints import near
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.onnx.accepted import ACCEPTED, ONNX_DOMAINS, QONNX_DOMAINS, accepted
from subbit.sw.importers.onnx.untrusted_file import array_of, read_model

__all__ = ["Graph", "read_graph"]

Array = NDArray[Any]
# How alike two names must be for one to be taken for a misspelling of the other.
ALIKE = 0.8


@dataclass(frozen=True, eq=False)
class Graph:
    """``ops`` in an order of evaluation, all of them needed for ``output``.

    ``shape``: of the input, with the batch, which is 1 where the file leaves it open. ``opset``:
    the version of ONNX's own operators. ``model``: the onnx.ModelProto that was read.
    """

    input: str
    shape: tuple[int, ...]
    output: str
    ops: tuple[Op, ...]
    constants: dict[str, Array]
    opset: int
    model: Any


def read_graph(path: str | os.PathLike[str], known: frozenset[str]) -> Graph:
    """The graph in the ONNX file ``path``, made of operators in ``known``.

    Raises NetworkError where read_model does, and for unknown operators, attributes and inputs that
    are not handled, cycles, tensors that two nodes make or none, and more than one input or output.
    """
    model = read_model(path)
    graph = model.graph
    constants = {tensor.name: array_of(tensor) for tensor in graph.initializer}
    inputs = [info for info in graph.input if info.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise NetworkError(
            f"the graph has {len(inputs)} inputs and {len(graph.output)} outputs; a network has "
            "one image as input and one output: cut the graph (onnx.utils.extract_model)"
        )
    source, output = inputs[0], graph.output[0].name
    ops = [op_of(node, place) for place, node in enumerate(graph.node)]
    ops = needed(ops, output)
    for op in ops:
        check_known(op, known)
    opset = opset_of(model)
    ops = [accepted(op, opset) for op in ops]
    check_second_outputs(ops, output)
    ordered = in_order(ops, {source.name, *constants})
    return Graph(source.name, input_shape(source), output, ordered, constants, opset, model)


def op_of(node: Any, place: int) -> Op:
    """The node as an Op; its attributes as numbers, strings, lists and arrays."""
    name = node.name or f"{node.op_type}_{place}"
    op = Op(name, node.op_type, tuple(node.input), tuple(node.output), {}, node.domain)
    for row in node.attribute:
        if row.name in op.attributes:
            raise op.refuse(f"it has two attributes {row.name[:40]!r}", "export the network again")
        try:
            op.attributes[row.name] = attribute_of(row)
        except (ValueError, TypeError):
            raise op.refuse(
                f"its attribute {row.name[:40]!r} has no value", "export the network again"
            ) from None
    return op


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators; raises NetworkError for one that is not known yet."""
    opset = max(
        (row.version for row in model.opset_import if row.domain in ONNX_DOMAINS), default=9
    )
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= opset <= newest:
        raise NetworkError(
            f"the file uses opset {opset} of ONNX, and 1 to {newest} are known; "
            "export with opset 13 or install a newer onnx"
        )
    return int(opset)


def attribute_of(row: Any) -> Any:
    """The value of an attribute."""
    value = onnx.helper.get_attribute_value(row)
    if isinstance(value, onnx.TensorProto):
        return array_of(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def check_known(op: Op, known: frozenset[str]) -> None:
    """Raise NetworkError unless the importer has a rule for the operator."""
    foreign = op.domain not in (*ONNX_DOMAINS, *QONNX_DOMAINS)
    if op.kind in known:
        if op.domain in ACCEPTED[op.kind].domains:
            return
        foreign = True
    # A name of ONNX's is meant as it is spelt.
    found = None if onnx.defs.has(op.kind, "") else near(op.kind, known - {op.kind})
    nearest = f"the nearest supported operator is {found}" if found else ""
    hint = nearest or "docs/use/import.md lists all"
    where = f" of domain {op.domain[:40]!r}" if foreign else ""
    raise op.refuse(f"unsupported operator{where}", f"{hint}; replace it before exporting")


def check_second_outputs(ops: list[Op], output: str) -> None:
    """Raise NetworkError where an operator's second output is read, or is the graph's.

    TopK's is the class, which the end of the graph decides about; those of Split are parts alike.
    """
    read = {output, *(name for op in ops for name in op.inputs)}
    for op in ops:
        used = [name for name in op.outputs[1:] if name and name in read]
        if used and op.kind not in ("TopK", "Split"):
            raise op.refuse(
                f"its second output {used[0][:64]!r} is used", "use first outputs alone"
            )


def needed(ops: list[Op], output: str) -> list[Op]:
    """The operations that ``output`` depends on; raises NetworkError where two make one tensor."""
    makers: dict[str, Op] = {}
    for op in ops:
        for name in filter(None, op.outputs):
            if name in makers:
                raise op.refuse(f"it makes {name[:64]!r} a second time", "export the network again")
            makers[name] = op
    seen: set[int] = set()
    waiting = [output]
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None and id(maker) not in seen:
            seen.add(id(maker))
            waiting.extend(maker.inputs)
    return [op for op in ops if id(op) in seen]


def in_order(ops: list[Op], made: set[str]) -> tuple[Op, ...]:
    """The operations so that each comes after what it reads; raises NetworkError if none can."""
    readers: dict[str, list[int]] = {}
    missing = []
    for place, op in enumerate(ops):
        wanted = {name for name in op.inputs if name and name not in made}
        missing.append(len(wanted))
        for name in wanted:
            readers.setdefault(name, []).append(place)
    ready = [place for place, count in enumerate(missing) if not count]
    ordered: list[Op] = []
    for place in ready:
        ordered.append(ops[place])
        for name in ops[place].outputs:
            for reader in readers.pop(name, ()):
                missing[reader] -= 1
                if not missing[reader]:
                    ready.append(reader)
    if len(ordered) < len(ops):
        stuck = next(op for place, op in enumerate(ops) if missing[place])
        raise stuck.refuse(
            "it waits for a tensor that no node makes, or that depends on its own output",
            "a network has no cycles; export it again",
        )
    return tuple(ordered)


def input_shape(info: Any) -> tuple[int, ...]:
    """The declared shape of the input, an open batch as 1."""
    dims = [row.dim_value for row in info.type.tensor_type.shape.dim]
    if len(dims) < 2 or not all(dims[1:]):
        raise NetworkError(
            f"the input {info.name[:64]!r} has no fixed shape (batch, channels, height, width); "
            "export the network with one"
        )
    if dims[0] not in (0, 1):
        raise NetworkError(f"the input's batch is {dims[0]}; export with a batch of 1 or open")
    return 1, *(int(np.int64(side)) for side in dims[1:])
