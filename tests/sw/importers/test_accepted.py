"""The table of what a node may say: all else is refused by name, and what it names is read."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import import_file
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.onnx import graph as graph_module
from subbit.sw.importers.onnx.accepted import ACCEPTED, INFINITE, accepted
from subbit.sw.importers.onnx.operators import supported_operators
from tests.sw.importers import test_endings, test_onnx, test_shapes
from tests.sw.importers.block_graphs import BLOCKS
from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.operator_graphs import GRAPHS, logits, signs, sums
from tests.sw.importers.qoperator_graphs import QOPERATORS
from tests.sw.importers.quantiser_graphs import QUANTISERS
from tests.sw.samples import message

ROWS = sorted(ACCEPTED)
NEWEST = onnx.defs.onnx_opset_version()


def opsets(kind: str) -> list[int]:
    """The opsets in which an operator changed; 13 for what is not ONNX's."""
    found = []
    for version in range(1, NEWEST + 1):
        try:
            found.append(onnx.defs.get_schema(kind, version, "").since_version)
        except onnx.defs.SchemaError:
            continue
    return sorted(set(found)) if ACCEPTED[kind].own is None and found else [13]


def sample(kind: str, opset: int, **attributes: Any) -> Op:
    """A node with as few inputs as it may have, and no attributes but those given."""
    row = ACCEPTED[kind]
    least = row.inputs[0]
    if row.own is None and row.domains != ("com.microsoft",):
        least = max(least, onnx.defs.get_schema(kind, opset, "").min_input)
    only = {k: v[-1] for k, v in row.only.items() if k in ("is_test",) and opset < 7}
    names = tuple(f"i{place}" for place in range(least))
    return Op("n", kind, names, ("y",), {**only, **attributes}, row.domains[0])


def refusal(op: Op, opset: int) -> str:
    """The message with which a node is refused."""
    return message(lambda: accepted(op, opset), NetworkError)


def test_every_operator_has_a_row() -> None:
    assert tuple(ROWS) == supported_operators()


@pytest.mark.parametrize("kind", ROWS)
def test_what_the_table_does_not_name_is_refused(kind: str) -> None:
    row = ACCEPTED[kind]
    for opset in opsets(kind):
        good = sample(kind, opset)
        assert accepted(good, opset).kind == kind
        text = refusal(sample(kind, opset, surprise=1), opset)
        assert text == f"{good}: its attribute 'surprise' is not handled; export without it"
        most = row.inputs[1]
        if row.own is None and row.domains[0] == "":
            most = min(most, onnx.defs.get_schema(kind, opset, "").max_input)
        if most < INFINITE:
            many = replace(good, inputs=tuple(f"i{place}" for place in range(most + 1)))
            assert f": it has {most + 1} inputs, not " in refusal(many, opset)
        more = replace(good, outputs=tuple(f"o{place}" for place in range(row.outputs + 1)))
        assert f": it has {row.outputs + 1} outputs, not {row.outputs}; " in refusal(more, opset)


@pytest.mark.parametrize("kind", ROWS)
def test_every_attribute_of_onnx_is_named_or_refused(kind: str) -> None:
    row = ACCEPTED[kind]
    assert not {*row.reads} & {*row.only}
    assert not {*row.reads, *row.only} & {*row.ignored}
    if row.own is not None:
        return
    seen: set[str] = set()
    for opset in opsets(kind):
        known = onnx.defs.get_schema(kind, opset, "").attributes
        seen |= set(known)
        for name in set(known) - {*row.reads, *row.only, *row.ignored}:
            text = refusal(sample(kind, opset, **{name: 1}), opset)
            assert f"its attribute {name!r} is not handled" in text
        for name in {*row.reads, *row.only, *row.ignored} - set(known):
            text = refusal(sample(kind, opset, **{name: 1}), opset)
            assert f"opset {opset} has no attribute {name!r} of it" in text
    # What no opset has is a slip of the table; some rows share the attributes of the oldest opset.
    assert {*row.reads, *row.only} <= seen


@pytest.mark.parametrize("kind", [kind for kind in ROWS if ACCEPTED[kind].only])
def test_other_values_are_refused(kind: str) -> None:
    for name, values in ACCEPTED[kind].only.items():
        for opset in opsets(kind):
            row = ACCEPTED[kind]
            if row.own is not None or name in onnx.defs.get_schema(kind, opset, "").attributes:
                text = refusal(sample(kind, opset, **{name: 32}), opset)
                assert text.endswith(
                    f": its {name} is 32; export with {name}={' or '.join(map(str, values))}"
                )


@pytest.mark.parametrize("kind", [k for k in ROWS if ACCEPTED[k].outputs == 2 and k != "TopK"])
def test_a_second_output_that_is_used_is_refused(kind: str) -> None:
    op = replace(sample(kind, 13), outputs=("y", "z"))
    reader = Op("r", "Relu", ("z",), ("w",), {})
    check = graph_module.check_second_outputs
    for text in (
        message(lambda: check([op, reader], "w"), NetworkError),
        message(lambda: check([op], "z"), NetworkError),
    ):
        assert text == f"{op}: its second output 'z' is used; use first outputs alone"
    check([op, replace(reader, inputs=("y",))], "w")


class Watched(Mapping[str, Any]):
    """Attributes that note which of them are read."""

    def __init__(self, kind: str, attributes: dict[str, Any], read: set[tuple[str, str]]) -> None:
        self.kind, self.attributes, self.read = kind, attributes, read

    def __getitem__(self, name: str) -> Any:
        self.read.add((self.kind, name))
        return self.attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)


def codes(g: GraphMaker, draw: np.random.Generator) -> str:
    """Codes of six channels, a vector."""
    return g.quant(sums(g, draw), 0.25, 3)


def of_constants(g: GraphMaker, draw: np.random.Generator) -> str:
    """Weights that operators compute from constants, each with all its attributes."""
    shape = g.node("Shape", g.const(np.zeros((6, 5))), start=0, end=2)
    first = g.node("Slice", shape, g.const([0], np.int64), g.const([1], np.int64))
    shape = g.node("Concat", first, g.const([5], np.int64), axis=0)
    w = g.node("Constant", value_floats=[float(x) for x in signs(draw, 30)])
    w = g.node("Reshape", w, shape, allowzero=1)
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32))
    w = g.node("Mul", w, g.node("ConstantOfShape", shape, value=one))
    w = g.node("Mul", w, g.node("Constant", value_float=1.0))
    places = g.node(
        "Mul", g.node("Constant", value_ints=[*range(5)]), g.node("Constant", value_int=1)
    )
    w = g.node("Gather", g.node("Flatten", w, axis=1), places, axis=1)
    w = g.node("Transpose", g.node("Transpose", w, perm=[1, 0]), perm=[1, 0])
    return g.node("MatMul", codes(g, draw), w)


def of_old_constants(g: GraphMaker, draw: np.random.Generator) -> str:
    """What are inputs today, as attributes."""
    w = g.node("Slice", g.const(signs(draw, 8, 5)), starts=[1], ends=[7], axes=[0])
    w = g.node("Squeeze", g.node("Unsqueeze", w, axes=[0]), axes=[0])
    return g.node("MatMul", g.quant(g.node("Clip", sums(g, draw), min=-1.0, max=1.5), 0.25, 3), w)


def windows(g: GraphMaker, draw: np.random.Generator) -> str:
    """A convolution, poolings and a mean with all attributes."""
    same = {"strides": [1, 1], "dilations": [1, 1], "auto_pad": "NOTSET", "pads": [1] * 4}
    half = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0] * 4, "auto_pad": "NOTSET"}
    x = g.node(
        "Conv",
        g.bipolar(g.node("Sub", "x", g.const(0.5))),
        g.const(signs(draw, 6, 1, 3, 3)),
        kernel_shape=[3, 3],
        group=1,
        **same,
    )
    x = g.quant(g.node("MaxPool", x, ceil_mode=0, dilations=[1, 1], **half), 1.0, 3)
    x = g.node("AveragePool", x, ceil_mode=0, dilations=[1, 1], **half)
    return g.node("ReduceMean", x, axes=[2, 3], keepdims=0)


def reshape_of_old(g: GraphMaker, draw: np.random.Generator) -> str:
    """Reshape with its shape as an attribute, which no runtime executes any more."""
    return g.node(
        "MatMul", codes(g, draw), g.node("Reshape", g.const(signs(draw, 30)), shape=[6, 5])
    )


def each_with(kind: str, **attributes: Any) -> Callable[[GraphMaker, np.random.Generator], str]:
    """An operator on each element with attributes."""
    return lambda g, draw: logits(g, g.node(kind, sums(g, draw), **attributes), draw)


def linear(g: GraphMaker, draw: np.random.Generator, **attributes: Any) -> str:
    """QuantizeLinear of another type than its default, and a last layer."""
    scale = g.const(0.25)
    x = g.node("QuantizeLinear", sums(g, draw), scale, **attributes)
    x = g.node("DequantizeLinear", x, scale, axis=1)
    return g.node("Gemm", x, g.const(signs(draw, 6, 5)), alpha=0.5, beta=1.0, transA=0, transB=0)


def trunc(g: GraphMaker, draw: np.random.Generator) -> str:
    """Trunc with its attributes."""
    names = [g.const(x) for x in (0.25, 0.0, 3.0, 0.5, 2.0)]
    x = g.node("Trunc", codes(g, draw), *names, rounding_mode="FLOOR", signed=1, narrow=0)
    return g.node("MatMul", x, g.const(signs(draw, 6, 5)))


READING: list[tuple[int, Callable[[GraphMaker, np.random.Generator], str]]] = [
    (15, of_constants),
    (9, of_old_constants),
    (13, windows),
    (4, reshape_of_old),
    (13, each_with("Selu", alpha=1.5, gamma=1.25)),
    (13, each_with("LeakyRelu", alpha=0.5)),
    (13, each_with("HardSigmoid", alpha=0.5, beta=0.25)),
    (21, lambda g, draw: linear(g, draw, output_dtype=TensorProto.INT8, axis=1)),
    (13, trunc),
]


# What the last nodes of a graph read is for the tests of its end.
def test_every_attribute_that_the_table_names_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[tuple[str, str]] = set()

    def watching(op: Op, opset: int) -> Op:
        op = accepted(op, opset)
        return replace(op, attributes=Watched(op.kind, op.attributes, read))  # type: ignore[arg-type]

    monkeypatch.setattr(graph_module, "accepted", watching)
    builds = [(20, build) for build in (*QUANTISERS.values(), *QOPERATORS.values())] + READING
    graphs = (*test_onnx.CASES, *GRAPHS.values(), *BLOCKS.values(), *test_shapes.GRAPHS.values())
    builds += [(13, build) for build in graphs]
    for opset, build in builds:
        g = GraphMaker(1, 1, 8, 8, opset=opset)
        g.qonnx = 2
        with contextlib.suppress(NetworkError):
            import_file(g.save(build(g, np.random.default_rng(1)), tmp_path / "net.onnx"))
    for end, opset in test_endings.AGREE.values():
        g = GraphMaker(1, test_endings.INPUTS, opset=opset)
        import_file(g.save(end(g, test_endings.vector(g)), tmp_path / "net.onnx"))
    named = {(kind, name) for kind, row in ACCEPTED.items() for name in row.reads}
    assert named - read == set()


@pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, 0])
def test_quantize_linear_gives_its_output_type(kind: int, tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8, opset=21)
    x = linear(g, np.random.default_rng(2), output_dtype=kind)
    agreement = checked(g.save(x, tmp_path / "net.onnx"))["agreement"]
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"output_dtype": TensorProto.FLOAT8E4M3FN}, "its output_dtype is 17; quantise to"),
        ({"block_size": 2}, "its block_size is 2; export with block_size=0"),
        ({"axis": 1.5}, "its axis is a float, not a int; export the network again"),
        ({"precision": 1}, "opset 21 has no attribute 'precision' of it"),
    ],
)
def test_other_settings_of_quantize_linear_are_refused(
    attributes: dict[str, Any], text: str, tmp_path: Path
) -> None:
    g = GraphMaker(1, 1, 8, 8, opset=21)
    path = g.save(linear(g, np.random.default_rng(2), **attributes), tmp_path / "net.onnx")
    assert text in message(lambda: import_file(path), NetworkError)


def test_lists_of_other_numbers_are_refused() -> None:
    op = sample("Conv", 13, pads=[1.0, 1.0])
    assert refusal(op, 13) == f"{op}: its pads are no integers; export the network again"


def test_an_attribute_given_twice_is_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    output = each_with("Elu", alpha=0.5)(g, np.random.default_rng(1))
    node = next(node for node in g.nodes if node.op_type == "Elu")
    node.attribute.append(node.attribute[0])
    path = g.save(output, tmp_path / "net.onnx")
    assert ": it has two attributes 'alpha'; " in message(lambda: import_file(path), NetworkError)


def test_an_opset_of_the_future_is_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8, opset=NEWEST + 1)
    path = g.save(each_with("Elu")(g, np.random.default_rng(1)), tmp_path / "net.onnx")
    text = message(lambda: import_file(path), NetworkError)
    assert f"the file uses opset {NEWEST + 1} of ONNX, and 1 to {NEWEST} are known" in text
