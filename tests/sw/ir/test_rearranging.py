"""Concat, Select, Upsample and Pad as rules: types, refusals, the file, the golden model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw import golden
from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    Concat,
    Encoding,
    Layer,
    Network,
    Node,
    Pad,
    Select,
    TensorType,
    Upsample,
    load_network,
    save_network,
)
from subbit.sw.ir.kinds import layer_from_parts

CODES, INTEGERS = TensorType.codes, TensorType.integers
UNSIGNED = Encoding.UNSIGNED


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ((CODES(2, 3, 4, 1), CODES(2, 3, 2, 1)), CODES(2, 3, 6, 1)),
        ((CODES(2, 3, 4, 1), CODES(2, 3, 2, 3)), CODES(2, 3, 6, 3)),
        ((CODES(1, 1, 1, 2, UNSIGNED),) * 3, CODES(1, 1, 3, 2, UNSIGNED)),
        ((CODES(1, 1, 1, 2, UNSIGNED), CODES(1, 1, 1, 1)), INTEGERS(1, 1, 2, -1, 3)),
        ((CODES(1, 1, 1, 2), INTEGERS(1, 1, 2, 0, 9)), INTEGERS(1, 1, 3, -3, 9)),
        ((INTEGERS(1, 1, 1, -9, 0), INTEGERS(1, 1, 2, 5, 6)), INTEGERS(1, 1, 3, -9, 6)),
    ],
)
def test_concatenations_hold_the_values_of_all(
    inputs: tuple[TensorType, ...], wanted: TensorType
) -> None:
    assert Concat().infer(inputs) == wanted


@pytest.mark.parametrize(
    ("layer", "x", "wanted"),
    [
        (Upsample(2, 4), CODES(2, 3, 5, 2), CODES(4, 12, 5, 2)),
        (Select.slice(1, 6, 2), INTEGERS(2, 3, 7, -3, 4), INTEGERS(2, 3, 3, -3, 4)),
        (Pad(1, 0, 2, 3, -3), CODES(2, 3, 5, 2), CODES(5, 6, 5, 2)),
        (Pad(1, 0, 0, 0), CODES(2, 3, 5, 2), INTEGERS(3, 3, 5, -3, 3)),
        (Pad(1, 0, 0, 0), CODES(2, 3, 5, 2, UNSIGNED), CODES(3, 3, 5, 2, UNSIGNED)),
        (Pad(0, 1, 0, 0, 9), INTEGERS(1, 1, 2, -5, 4), INTEGERS(1, 2, 2, -5, 9)),
    ],
)
def test_types(layer: Layer, x: TensorType, wanted: TensorType) -> None:
    assert layer.infer((x,)) == wanted


def wrong(layer: Any, *kinds: TensorType) -> str:
    """The error for a layer, or for what makes one."""
    with pytest.raises(NetworkError) as error:
        (layer() if callable(layer) else layer).infer(kinds)
    return str(error.value)


def test_refusals() -> None:
    x = CODES(2, 3, 4, 1)
    assert "takes 2 to 15 inputs, not 1" in wrong(Concat(), x)
    assert "takes 2 to 15 inputs, not 16; concatenate concat" in wrong(Concat(), *[x] * 16)
    assert "one height and width, not 2x2, 2x3" in wrong(Concat(), x, CODES(2, 2, 4, 1))
    assert "upsampling is by 1 to 8, not 9" in wrong(lambda: Upsample(9, 1))
    assert "by 1 in both directions does nothing" in wrong(lambda: Upsample(1, 1))
    assert "channel 4 is selected, but the input has the channels 0 to 3" in wrong(
        Select(np.array([0, 4])), x
    )
    assert "a selection has 1 to 65536 channels, not 0" in wrong(lambda: Select.slice(3, 3))
    assert "the channels must lie in 0..65535" in wrong(lambda: Select(np.array([-1])))
    assert "6 channels are not 4 equal groups" in wrong(lambda: Select.shuffle(6, 4))
    assert "a border is 0 to 4096 wide, not -1" in wrong(lambda: Pad(-1, 0, 0, 0))
    assert "a border of width 0 on all sides" in wrong(lambda: Pad(0, 0, 0, 0))
    assert "a border's value is an integer of 48 bits" in wrong(lambda: Pad(1, 0, 0, 0, 1 << 47))


@pytest.mark.parametrize(
    ("kind", "attributes", "text"),
    [
        ("upsample", {"rows": 2}, "attribute 'columns' must be an integer in 1..8"),
        ("concat", {"axis": 1}, "unknown parts: 'axis'"),
        ("select", {}, "the array 'channels' is missing"),
        ("pad", {"above": 1, "left": 0, "below": 0}, "attribute 'right' must be an integer"),
    ],
)
def test_damaged_parts(kind: str, attributes: dict[str, Any], text: str) -> None:
    with pytest.raises(NetworkError, match=text):
        layer_from_parts(kind, dict(attributes), {})


def test_the_file_and_the_values(tmp_path: Path) -> None:
    nodes = (
        Node("up", Upsample(1, 2), ("input",)),
        Node("swap", Select.shuffle(2, 2), ("up",)),
        Node("half", Select.slice(1, 2), ("swap",)),
        Node("both", Concat(), ("up", "half")),
        Node("edge", Pad(0, 1, 0, 0, 7), ("both",)),
    )
    network = Network("moved", CODES(1, 2, 2, 2, UNSIGNED), nodes)
    save_network(network, tmp_path / "moved.safetensors")
    loaded = load_network(tmp_path / "moved.safetensors")
    assert loaded == network
    assert loaded.digest == network.digest
    found = golden.evaluate(loaded, np.array([[[[0, 1], [2, 3]]]]))["edge"]
    assert found[0, 0].tolist() == [[7, 7, 7], [0, 1, 1], [0, 1, 1], [2, 3, 3], [2, 3, 3]]
