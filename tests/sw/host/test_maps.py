"""Networks that end in maps, over the host link: what a board answers, and how it is drawn."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import DataError
from subbit.sw.golden import evaluate
from subbit.sw.host.classify import classify_codes, map_sides
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import BoardModel, LoopbackDevice
from subbit.sw.host.preview import colours, save_maps, text_map
from subbit.sw.ir import Argmax, Conv2d, Encoding, Network, TensorType
from tests.sw.samples import binary, message

RNG = np.random.default_rng(5)
CONV = Conv2d(binary(RNG, (3, 1, 3, 3)))
X = TensorType.codes(6, 5, 1, 4, Encoding.UNSIGNED)
CODES = RNG.integers(0, 16, (4, *X.shape))
NETWORKS = {
    "classes": Network.chain("classes", X, {"conv": CONV, "top": Argmax()}),
    "numbers": Network.chain("numbers", X, {"conv": CONV}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_board_answers_with_a_map(name: str) -> None:
    network = NETWORKS[name]
    wanted = evaluate(network, CODES)[network.nodes[-1].name].numpy()

    def answer(codes: np.ndarray) -> np.ndarray:
        """The golden model's output of one frame."""
        found = evaluate(network, codes[None].astype(np.int64))[network.nodes[-1].name]
        return found.numpy().reshape(-1)

    board = BoardModel(LinkInfo.from_network(network, clock_hz=0), answer)
    with Device(LoopbackDevice(board)) as device:
        rows = classify_codes(device, network, CODES, list("abcd"))
    sides = (4, 3) if name == "classes" else (4, 3, 3)
    assert map_sides(network) == sides
    assert [(row.index, row.logits) for row in rows] == [(-1, ())] * 4
    assert rows[0].label == ("4x3 classes" if name == "classes" else "4x3x3 numbers")
    found = np.array([row.map for row in rows])
    np.testing.assert_array_equal(found, wanted.reshape(4, *sides))


def test_maps_are_drawn(tmp_path: Path) -> None:
    maps = [np.array([[0, 1], [2, 1]]), np.array([[3, 0], [0, 0]])]
    save_maps(maps, tmp_path / "maps.png")
    sheet = np.asarray(Image.open(tmp_path / "maps.png"))
    palette = colours(4)
    assert sheet[8, 8].tolist() == palette[0].tolist() == [24, 24, 24]
    assert sheet[8, 100].tolist() == palette[1].tolist()
    assert sheet[100, 8].tolist() == palette[2].tolist()
    assert sheet[8, 130].tolist() == palette[3].tolist()
    many = colours(21).astype(int)
    apart = np.abs(many[:, None] - many).sum(axis=2) + 999 * np.eye(21, dtype=int)
    assert apart.min() > 20
    text = message(lambda: save_maps([], tmp_path / "none.png"), DataError)
    assert text == "the network gives no map of classes; end it in the argmax of a map"


def test_maps_as_text() -> None:
    assert text_map(np.array([[0, 1, 10], [35, 36, 0]])) == ".1a\nz.."
    large = text_map(np.zeros((60, 30), int)).split("\n")
    assert (len(large), len(large[0])) == (20, 10)
