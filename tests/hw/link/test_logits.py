"""Networks that have plans and Verilog but no answer for a host: each command says so early."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from subbit.boards import board
from subbit.hw.link import protocol
from subbit.hw.link.logits import ends_in_class, link_fault, logits_type
from subbit.hw.link.protocol import LinkInfo
from subbit.sw.cli.build import bitstream_command, rtl_command
from subbit.sw.cli.plan import plan_command
from subbit.sw.errors import LinkError
from subbit.sw.flow.bitstream import build_bitstream
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    Conv2d,
    Layer,
    Linear,
    Network,
    Select,
    TensorType,
    Threshold,
    save_network,
)
from subbit.sw.lower.plan import smallest_plan

ONE_BIT = Threshold(np.zeros((3, 1), int), np.ones(3, np.uint8))
LINEAR = Linear(BinaryWeights(np.ones((3, 9), np.uint8)))
CONV = Conv2d(BinaryWeights(np.ones((3, 1, 3, 3), np.uint8)))

CASES: dict[str, tuple[tuple[int, int, int], dict[str, Layer]]] = {
    "logits": ((1, 1, 9), {"fc": LINEAR}),
    "class": ((1, 1, 9), {"fc": LINEAR, "top": Argmax()}),
    "bits": ((1, 1, 9), {"fc": LINEAR, "act": ONE_BIT}),
    "map": ((5, 5, 1), {"conv": CONV}),
    "class-map": ((5, 5, 1), {"conv": CONV, "top": Argmax()}),
    "bit-map": ((5, 5, 1), {"conv": CONV, "act": ONE_BIT}),
}


def network(name: str) -> Network:
    shape, layers = CASES[name]
    return Network.chain(name, TensorType.codes(*shape, 1), layers)


@pytest.mark.parametrize(
    ("name", "limit"), [*((name, 0xFFFF) for name in CASES), ("map", 3)], ids=str
)
def test_what_cannot_go_onto_a_board_is_said(
    name: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_BODY_BYTES", limit)
    net = network(name)
    fault = link_fault(net)
    assert (fault or "").startswith("a frame of 4 bytes is longer than the 3" if limit == 3 else "")
    assert bool(fault) == (limit == 3)
    path = tmp_path / "net.safetensors"
    save_network(net, path)
    out = ["--out", str(tmp_path / "net.v")]
    for command, options in ((plan_command, []), (rtl_command, out)):
        done = CliRunner().invoke(command, [str(path), *options], catch_exceptions=False)
        assert done.exit_code == 0
        assert (f"note: no bitstream can be built of this network: {fault}" in done.stderr) == bool(
            fault
        )
    assert "module accelerator" in (tmp_path / "net.v").read_text()


def test_a_build_ends_before_it_begins(tmp_path: Path) -> None:
    x = TensorType.codes(1, 2, 32_800, 8)
    net = Network.chain("large", x, {"pick": Select(np.arange(2))})
    assert "a frame of 65600 bytes is longer than the 65535" in (link_fault(net) or "")
    with pytest.raises(LinkError, match="bytes is longer"):
        build_bitstream(net, smallest_plan(net), board("ulx3s"), tmp_path / "out")
    save_network(net, tmp_path / "net.safetensors")
    words = [str(tmp_path / "net.safetensors"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(bitstream_command, words)
    assert isinstance(result.exception, LinkError)
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


def test_maps_beyond_a_message_of_the_link_are_sent_in_parts() -> None:
    net = Network.chain("large", TensorType.codes(132, 132, 1, 1), {"conv": CONV})
    assert link_fault(net) is None
    assert LinkInfo.from_network(net, clock_hz=0).parts == 199
    assert logits_type(net).shape == (1, 1, 50700)


def test_codes_are_integers_of_their_stored_numbers() -> None:
    assert logits_type(network("bits")) == TensorType.integers(1, 1, 3, 0, 1)
    assert logits_type(network("bit-map")) == TensorType.integers(1, 1, 27, 0, 1)
    assert LinkInfo.from_network(network("bit-map"), clock_hz=0).logits == 27


def test_what_ends_in_the_class_of_a_frame() -> None:
    assert [ends_in_class(network(name)) for name in ("logits", "class", "map", "class-map")] == [
        *(False, True, False, False)
    ]
    assert LinkInfo.from_network(network("class-map"), clock_hz=0).logits == 9
