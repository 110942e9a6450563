"""How graphs end: every operator, attribute and opset, against the source's own output."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.bench.imports import network_outputs, real_numbers, source_outputs
from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import import_file, import_network
from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.samples import message

INPUTS, CLASSES, IMAGES, SEED = 6, 5, 40, 11
FLOAT, UINT8, INT8, INT32, FLOAT16 = 1, 2, 3, 6, 10
Build = Callable[[GraphMaker, str], str]


def vector(g: GraphMaker) -> str:
    """Logits of a linear layer, small integers that are often equal."""
    x = g.quant("x", 64.0, 2, signed=0, mode="FLOOR")
    w = np.random.default_rng(SEED).choice([-1.0, 1.0], (INPUTS, CLASSES)) / 64
    return g.node("MatMul", x, g.const(w))


def node(kind: str, *constants: Any, **attributes: Any) -> Build:
    """One node; integers as further inputs."""
    return lambda g, x: g.node(kind, x, *(g.const(c, np.int64) for c in constants), **attributes)


def top(count: Any = (1,), output: int = 1, **attributes: Any) -> Build:
    """TopK, whose number is an input, or an attribute before opset 10; one of its outputs."""

    def build(g: GraphMaker, x: str) -> str:
        more = [] if g.opset < 10 else [g.const(count, np.int64)]
        given = {**attributes, "k": count[0]} if g.opset < 10 else attributes
        first = g.node("TopK", x, *more, **given)
        g.nodes[-1].output.append("places")
        g.kind = 7 if output else FLOAT
        return "places" if output else first

    return build


def chain(*builds: Build, kind: int = 0) -> Build:
    """Several, one after the other; ``kind``: ONNX's number of the last type."""

    def build(g: GraphMaker, x: str) -> str:
        for one in builds:
            x = one(g, x)
        g.kind = kind or g.kind
        return x

    return build


def arithmetic(kind: str, constant: Any, first: bool = True) -> Build:
    """``x kind c`` or ``c kind x``."""

    def build(g: GraphMaker, x: str) -> str:
        c = g.const(constant)
        return g.node(kind, *((x, c) if first else (c, x)))

    return build


def offset_codes(g: GraphMaker, x: str) -> str:
    """Codes whose scales and zero points differ from class to class."""
    zero = np.array([[-1.0, 0.0, 2.0, 1.0, -2.0]])
    return g.quant(x, np.array([[1.0, 2.0, 1.0, 0.5, 4.0]]), 4, zero=zero)


SPREAD = np.linspace(-2, 3, CLASSES)
pick = node("ArgMax", axis=1)
to = {kind: node("Cast", to=kind) for kind in (FLOAT, UINT8, INT8, INT32, FLOAT16)}
# Builder and opset; each end agrees with the source for all images.
AGREE: dict[str, tuple[Build, int]] = {
    "logits": (lambda g, x: x, 13),
    "Softmax by default": (node("Softmax"), 13),
    "Softmax by default of opset 11": (node("Softmax"), 11),
    "Softmax of all sides": (node("Softmax", axis=0), 12),
    "Softmax of axis -1": (node("Softmax", axis=-1), 13),
    "LogSoftmax": (node("LogSoftmax", axis=1), 9),
    "ArgMax": (pick, 13),
    "ArgMax of opset 9": (node("ArgMax", axis=1, keepdims=0), 9),
    "ArgMax without sides": (node("ArgMax", axis=-1, keepdims=0), 13),
    "ArgMax of the last": (node("ArgMax", axis=1, select_last_index=1), 12),
    "ArgMax of the first": (node("ArgMax", axis=1, select_last_index=0), 12),
    "ArgMin": (node("ArgMin", axis=1, keepdims=0), 13),
    "ArgMin of the last": (node("ArgMin", axis=1, select_last_index=1), 13),
    "TopK": (top(axis=1), 13),
    "TopK by default": (top(), 11),
    "TopK of opset 9": (top(axis=1), 9),
    "TopK of opset 10": (top(axis=1), 10),
    "TopK of the greatest": (top(axis=-1, largest=1, sorted=0), 13),
    "TopK of the least": (top(axis=1, largest=0), 13),
    "Softmax, then ArgMax": (chain(node("Softmax", axis=1), pick), 13),
    "Softmax, then TopK": (chain(node("LogSoftmax"), top()), 13),
    "Softmax, Reshape, ArgMax": (
        chain(node("Softmax"), node("Reshape", [1, CLASSES, 1, 1]), node("ArgMax", axis=1)),
        13,
    ),
    "ArgMax of a map of one pixel": (
        chain(node("Unsqueeze", [2, 3]), node("ArgMax", axis=1, keepdims=0)),
        13,
    ),
    "Softmax of a map of one pixel": (
        chain(node("Unsqueeze", [2, 3]), node("Softmax", axis=1)),
        13,
    ),
    "Softmax of opset 11 and a map of one pixel": (
        chain(node("Unsqueeze", axes=[2, 3]), node("Softmax")),
        11,
    ),
    "ArgMax, then Reshape": (chain(pick, node("Reshape", [-1]), kind=7), 13),
    "ArgMax, then Squeeze": (chain(pick, node("Squeeze", [1]), kind=7), 13),
    "ArgMax, then Cast": (chain(pick, to[INT32], kind=INT32), 13),
    "ArgMax, then Cast to bytes": (chain(pick, to[UINT8], node("Identity"), kind=UINT8), 13),
    "Softmax, then Dropout": (chain(node("Softmax"), node("Dropout")), 13),
    "Neg, then ArgMax": (chain(node("Neg"), pick), 13),
    "Neg, then Softmax": (chain(node("Neg"), node("Softmax")), 13),
    "times -3, then ArgMax": (chain(arithmetic("Mul", -3.0), pick), 13),
    "over -4, then TopK": (chain(arithmetic("Div", -4.0), top()), 13),
    "c - x, then ArgMax": (chain(arithmetic("Sub", SPREAD, False), pick), 13),
    "c - x, then ArgMin": (chain(arithmetic("Sub", 7.0, False), node("ArgMin", axis=1)), 13),
    "scales of both signs": (chain(arithmetic("Mul", SPREAD), pick), 13),
    "a scale of 0": (chain(arithmetic("Mul", np.arange(CLASSES) * 1.0), pick), 13),
    "offsets, then the last": (
        chain(arithmetic("Add", [0, 1, 2, 1, 0]), node("ArgMax", axis=1, select_last_index=1)),
        13,
    ),
    "codes": (offset_codes, 13),
    "codes, then ArgMax": (chain(offset_codes, pick), 13),
    "codes, then the last": (
        chain(offset_codes, node("ArgMax", axis=1, select_last_index=1)),
        13,
    ),
    "codes, then ArgMin": (chain(offset_codes, node("ArgMin", axis=1)), 13),
    "bipolar codes, then ArgMax": (
        chain(lambda g, x: g.bipolar(x), arithmetic("Add", SPREAD), pick),
        13,
    ),
    "codes of ONNX, then ArgMax": (
        chain(lambda g, x: g.linear(x, 1.0, 3, np.uint8), pick),
        13,
    ),
}


def made(tmp_path: Path, build: Build, opset: int) -> tuple[Path, Any]:
    """A graph with this end in a file, and its model."""
    g = GraphMaker(1, INPUTS, opset=opset)
    output = build(g, vector(g))
    return g.save(output, tmp_path / "net.onnx"), g.model(output)


@pytest.mark.parametrize("name", AGREE)
def test_an_end_agrees(name: str, tmp_path: Path) -> None:
    build, opset = AGREE[name]
    path, model = made(tmp_path, build, opset)
    pixels = np.random.default_rng(5).integers(0, 256, (IMAGES, 1, 1, INPUTS), np.uint8)
    # One image at a time, as the file has it.
    reals = pixels.reshape(IMAGES, 1, INPUTS).astype(np.float32)
    source = np.stack([source_outputs(copy.deepcopy(model), x) for x in reals])
    done = import_network(path, span=(0.0, 255.0))
    classes = network_outputs(done.network, pixels)["output"].reshape(-1)
    agreement = done.report["agreement"]
    floats = source.dtype.kind == "f"
    assert agreement["output"] == (
        "class" if not floats else "ranks" if "Soft" in name else "logits"
    )
    wanted = source.reshape(IMAGES, -1).argmax(axis=1) if floats else source.reshape(IMAGES)
    assert classes.tolist() == wanted.tolist()
    assert (agreement["classes_apart"], agreement["elements_apart"]) == (0, 0)
    assert len(set(wanted.tolist())) > 1


def test_logits_are_what_the_report_says(tmp_path: Path) -> None:
    build = chain(arithmetic("Mul", SPREAD), arithmetic("Sub", SPREAD * 3, False))
    path, model = made(tmp_path, build, 13)
    pixels = np.random.default_rng(6).integers(0, 256, (IMAGES, 1, 1, INPUTS), np.uint8)
    reals = pixels.reshape(IMAGES, 1, INPUTS).astype(np.float32)
    source = np.concatenate([source_outputs(copy.deepcopy(model), x) for x in reals])
    done = import_network(path, span=(0.0, 255.0))
    numbers = real_numbers(done, network_outputs(done.network, pixels)["numbers"])
    assert np.abs(numbers.reshape(IMAGES, -1) - source).max() < 1e-4


HOST = "a network has no layer for that: end the graph before it, and pick on the host"
ALONE = "has one element, so that nothing depends on the input; name the axis of the classes"
READ = "another node reads its result; end the network with it"
REFUSED: dict[str, tuple[Build, int, str]] = {
    "ArgMax by default": (node("ArgMax"), 13, f"(ArgMax): axis 0 of the shape 1x5 {ALONE}"),
    "Softmax of the batch": (
        node("Softmax", axis=0),
        13,
        f"(Softmax): axis 0 of the shape 1x5 {ALONE}",
    ),
    "Softmax of one pixel's last side": (
        chain(node("Unsqueeze", [2, 3]), node("Softmax")),
        13,
        f"(Softmax): axis 3 of the shape 1x5x1x1 {ALONE}",
    ),
    "Softmax of the sides behind the classes": (
        chain(node("Unsqueeze", axes=[2, 3]), node("Softmax", axis=2)),
        11,
        f"(Softmax): the axes from 2 on of the shape 1x5x1x1 {ALONE}",
    ),
    "an axis that is not there": (
        node("ArgMax", axis=4),
        13,
        "(ArgMax): a tensor of 2 sides has no axis 4; export it again",
    ),
    "two classes": (
        top((2,)),
        13,
        "(TopK): it picks another number of classes than one; use k = 1",
    ),
    "the greatest logit": (
        top(output=0),
        13,
        "(TopK): the graph ends in the greatest number itself; end it in the places, the class",
    ),
    "the greatest logit, read": (
        chain(top(output=0), arithmetic("Mul", 2.0), kind=FLOAT),
        13,
        f"(TopK): {READ}",
    ),
    "largest in opset 10": (
        top(largest=0),
        10,
        "(TopK): opset 10 has no attribute 'largest' of it; export the network again",
    ),
    "the last in opset 11": (
        node("ArgMax", axis=1, select_last_index=1),
        11,
        "(ArgMax): opset 11 has no attribute 'select_last_index' of it; export the network again",
    ),
    "an unknown attribute": (
        node("Softmax", axis=1, temperature=2),
        13,
        "(Softmax): its attribute 'temperature' is not handled; export without it",
    ),
    "an axis that is no integer": (
        node("ArgMax", axis=1.0),
        13,
        "(ArgMax): its axis is a float, not a int; export the network again",
    ),
    "the least behind a Softmax": (
        chain(node("Softmax"), node("ArgMin", axis=1)),
        13,
        "(ArgMin): the least numbers behind a Softmax may all be rounded to 0; "
        "pick before the Softmax",
    ),
    "the last of rounded logits": (
        chain(arithmetic("Mul", SPREAD * 1.1), node("ArgMax", axis=1, select_last_index=1)),
        13,
        "(ArgMax): of equal logits it picks the last; pick the first: lowest index",
    ),
    "Softmax, then Add": (chain(node("Softmax"), arithmetic("Add", 1.0)), 13, f"(Softmax): {READ}"),
    "Softmax twice": (chain(node("Softmax"), node("Softmax")), 13, f"(Softmax): {READ}"),
    "ArgMax, then Add": (
        chain(pick, node("Cast", to=FLOAT), arithmetic("Add", 1.0), kind=FLOAT),
        13,
        f"(ArgMax): {READ}",
    ),
    "Softmax rounded": (
        chain(node("Softmax"), to[FLOAT16], kind=FLOAT16),
        13,
        f"(Softmax): {READ}",
    ),
    "Sigmoid": (
        node("Sigmoid"),
        13,
        "(Sigmoid): its input is Sigmoid_2 of numbers that are not quantised; "
        "put a quantiser between them",
    ),
    "classes in another order": (
        chain(node("Reshape", [1, 1, CLASSES]), node("ArgMax", axis=1)),
        13,
        f"(ArgMax): axis 1 of the shape 1x1x5 {ALONE}",
    ),
    "the sum of class and logits": (
        lambda g, x: g.node("Add", g.node("Softmax", x), x),
        13,
        f"(Softmax): {READ}",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_end_is_refused(name: str, tmp_path: Path) -> None:
    build, opset, expected = REFUSED[name]
    path, _ = made(tmp_path, build, opset)
    assert message(lambda: import_file(path), NetworkError).endswith(expected)


def image(g: GraphMaker) -> str:
    """A map of three channels."""
    w = np.random.default_rng(1).choice([-1.0, 1.0], (3, 2, 1, 1))
    return g.node("Conv", g.bipolar(g.node("Sub", "x", g.const(0.5))), g.const(w))


MAPS: dict[str, tuple[Build, str]] = {
    "ArgMax of a side": (node("ArgMax", axis=2), f"at 12 places; {HOST}"),
    "ArgMin of the channels": (node("ArgMin", axis=-3, keepdims=0), f"at 16 places; {HOST}"),
    "TopK of the least": (top(axis=1, largest=0), f"at 16 places; {HOST}"),
    "Softmax of the channels": (node("Softmax", axis=1), f"at 16 places; {HOST}"),
    "Softmax by default": (node("Softmax"), f"along axis 3 of 1x3x4x4 at 12 places; {HOST}"),
    "ArgMax of all, channels first": (
        chain(node("Flatten"), node("ArgMax", axis=1)),
        "the classes are rearranged; leave the last outputs in their order",
    ),
    "a vector, channels first": (
        node("Flatten"),
        "the classes are rearranged; leave the last outputs in their order",
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_the_end_of_a_map_is_refused(name: str, tmp_path: Path) -> None:
    build, expected = MAPS[name]
    g = GraphMaker(1, 2, 4, 4)
    path = g.save(build(g, image(g)), tmp_path / "net.onnx")
    assert message(lambda: import_file(path), NetworkError).endswith(expected)


def test_a_map_ends_in_its_numbers(tmp_path: Path) -> None:
    g = GraphMaker(1, 2, 4, 4)
    x = g.node("Mul", image(g), g.const(np.array([0.5, -2.0, 0.0]).reshape(3, 1, 1)))
    path = g.save(x, tmp_path / "net.onnx")
    done = import_network(path, span=(0.0, 255.0))
    pixels = np.random.default_rng(3).integers(0, 256, (9, 4, 4, 2), np.uint8)
    source = source_outputs(g.model(x), pixels[:1].transpose(0, 3, 1, 2).astype(np.float32))
    numbers = real_numbers(done, network_outputs(done.network, pixels[:1])["numbers"])
    assert (numbers.transpose(0, 3, 1, 2) == source).all()
    agreement = done.report["agreement"]
    assert (agreement["output"], agreement["classes_apart"]) == ("numbers", 0)
    assert done.report["notes"]["output"] == {"scale": [0.5, -2.0, 0.0], "offset": 0.0}


def test_a_map_of_one_channel_has_classes_as_a_vector(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 4, 4)
    x = g.node("Conv", g.quant("x", 64.0, 2, signed=0), g.const(np.ones((1, 1, 3, 3))))
    path = g.save(g.node("ArgMax", g.node("Flatten", x), axis=1), tmp_path / "net.onnx")
    agreement = import_network(path, span=(0.0, 255.0)).report["agreement"]
    assert (agreement["output"], agreement["agrees"]) == ("class", True)


def test_a_single_number_is_no_class(tmp_path: Path) -> None:
    g = GraphMaker(1, 3)
    x = g.node("MatMul", "x", g.const(np.ones((3, 1))))
    done = import_network(g.save(x, tmp_path / "net.onnx"), span=(0.0, 255.0))
    assert done.network.nodes[-1].layer.kind == "linear"
    assert done.report["agreement"]["output"] == "numbers"


def test_what_the_output_does_not_need_is_left_out(tmp_path: Path) -> None:
    g = GraphMaker(1, INPUTS)
    x = vector(g)
    g.node("ArgMax", g.node("Sigmoid", x), axis=0)
    g.kind = FLOAT
    done = import_network(g.save(x, tmp_path / "net.onnx"), span=(0.0, 255.0))
    assert done.report["agreement"]["output"] == "logits"


@pytest.mark.parametrize("outputs", [[], ["logits", "class"]])
def test_other_numbers_of_outputs_are_refused(outputs: list[str], tmp_path: Path) -> None:
    g = GraphMaker(1, INPUTS)
    x = vector(g)
    names = {"logits": x, "class": g.node("ArgMax", x, axis=1)}
    model = g.model(x)
    (row,) = model.graph.output
    del model.graph.output[:]
    for name in outputs:
        model.graph.output.append(row)
        model.graph.output[-1].name = names[name]
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    text = message(lambda: import_file(path), NetworkError)
    assert f"the graph has 1 inputs and {len(outputs)} outputs; a network has one image" in text


def test_the_input_as_output_is_refused(tmp_path: Path) -> None:
    g = GraphMaker(1, INPUTS)
    vector(g)
    text = message(lambda: import_file(g.save("x", tmp_path / "net.onnx")), NetworkError)
    assert text.endswith("the graph computes nothing of its input; import one with layers")
