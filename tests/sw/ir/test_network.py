"""Network: names, references, totals, equality and digest."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    Flatten,
    Linear,
    MaxPool2d,
    Network,
    Node,
    TensorType,
)
from tests.sw.samples import binary, chain, message, threshold

RNG = np.random.default_rng(13)
SOURCE = TensorType.codes(1, 1, 4, 1)
FC = Linear(binary(RNG, (3, 4)))
NAME_RULE = "must be unique, not 'input', and 1 to 63 of a-z, 0-9, '_', starting with a letter"


def network(*nodes: Node, name: str = "net", metadata: Any = None) -> Network:
    """A network on a vector of four bits."""
    return Network(name, SOURCE, nodes, {} if metadata is None else metadata)


def test_types_and_totals_of_a_chain() -> None:
    sample = chain(RNG)
    assert list(sample.types) == ["input", *(node.name for node in sample.nodes)]
    assert sample.output_type == TensorType.integers(1, 1, 1, 0, 6)
    assert sample.weight_count == 4 * 2 * 9 + 6 * 4 * 9 + 5 * 6 + 7 * 20
    assert sample.weight_bits == sum(node.layer.weight_bits for node in sample.nodes)
    assert sample.node("fc").inputs == ("flat",)
    assert [node.name for node in sample.readers("pool")] == ["act2"]


def test_equality_and_hash() -> None:
    one, two = (chain(np.random.default_rng(1)) for _ in range(2))
    assert one == two
    assert len({one, two}) == 1
    assert one != chain(np.random.default_rng(2))
    assert one != Network("other", one.input_type, one.nodes, one.metadata)
    assert one != Network(one.name, one.input_type, one.nodes, {})
    assert one != "network"


def test_digest_of_a_given_network_never_changes() -> None:
    layers = {"fc": Linear(BinaryWeights([[1, 0, 1, 1], [0, 0, 1, 0]])), "top": Argmax()}
    small = Network.chain("small", SOURCE, layers)
    assert small.digest == ("32c1a89bfbfc1eb7a40c166a2a17166682ad3a3f845424863a9046a31d4b54f2")


def test_digest_depends_on_what_is_computed_and_on_nothing_else() -> None:
    one = chain(np.random.default_rng(1))
    renamed = Network("other", one.input_type, one.nodes, {"accuracy": 0.5})
    assert renamed.digest == one.digest
    assert chain(np.random.default_rng(2)).digest != one.digest
    bit = network(Node("fc", FC, ("input",)))
    flipped = FC.weights.tensors()["bits"] ^ np.eye(3, 4, dtype=np.uint8)
    other = network(Node("fc", Linear(type(FC.weights)(flipped)), ("input",)))
    assert bit.digest != other.digest
    assert bit.digest != network(Node("fd", FC, ("input",))).digest


def test_metadata_is_a_copy_in_json() -> None:
    mine = {"classes": ("a", "b")}
    made = network(Node("fc", FC, ("input",)), metadata=mine)
    mine["classes"] = ()
    assert made.metadata == {"classes": ["a", "b"]}


ERRORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: network(), "a network has 1 to 4096 layers, not 0"),
    (
        lambda: network(Node("fc", FC, ("input",)), name="My Net"),
        "the network's name 'My Net' must be 1 to 63 of a-z, 0-9, '_', '.', '-', starting with a "
        "letter or digit",
    ),
    (
        lambda: Network("n", TensorType.integers(1, 1, 4, 0, 1), (Node("fc", FC, ("input",)),)),
        "the input of a network is codes of 1 to 8 bits, not 1x1x4 integer 0..1",
    ),
    (lambda: network(Node("FC", FC, ("input",))), f"layer name 'FC' {NAME_RULE}"),
    (lambda: network(Node("a.b", FC, ("input",))), f"layer name 'a.b' {NAME_RULE}"),
    (lambda: network(Node("input", FC, ("input",))), f"layer name 'input' {NAME_RULE}"),
    (
        lambda: network(Node("a", Flatten(), ("input",)), Node("a", FC, ("a",))),
        f"layer name 'a' {NAME_RULE}",
    ),
    (lambda: network(Node("fc", FC, ())), "layer 'fc' reads nothing; name its inputs"),
    (
        lambda: network(Node("fc", FC, ("later",)), Node("later", Argmax(), ("fc",))),
        "layer 'fc' reads 'later', which no layer before it makes",
    ),
    (
        lambda: network(Node("fc", FC, ("fc",))),
        "layer 'fc' reads 'fc', which no layer before it makes",
    ),
    (
        lambda: network(Node("pool", MaxPool2d(), ("input",))),
        "layer 'pool' (maxpool2d): 2x2 max pooling does not fit an input of 1x1",
    ),
    (
        lambda: network(Node("fc", FC, ("input",)), Node("fd", FC, ("input",))),
        "nothing reads the output of fc; a network has one output, its last layer's: let another "
        "layer read it, or leave it out",
    ),
    (
        lambda: network(Node("fc", FC, ("input",)), Node("act", threshold(RNG, 3), ("fc", "fc"))),
        "layer 'act' (threshold): the layer takes one input, not 2",
    ),
    (
        lambda: network(Node("fc", FC, ("input",))).node("fd"),
        "network 'net' has no layer 'fd'; it has fc",
    ),
    (
        lambda: network(Node("fc", FC, ("input",)), metadata={"accuracy": float("nan")}),
        "the network's metadata must be JSON values without NaN or infinity "
        "(Out of range float values are not JSON compliant)",
    ),
    (
        lambda: network(Node("fc", FC, ("input",)), metadata={"set": SOURCE}),
        "the network's metadata must be JSON values without NaN or infinity "
        "(Object of type TensorType is not JSON serializable)",
    ),
]


@pytest.mark.parametrize(("function", "text"), ERRORS, ids=range(len(ERRORS)))
def test_errors(function: Callable[[], Any], text: str) -> None:
    assert message(function, NetworkError) == text
