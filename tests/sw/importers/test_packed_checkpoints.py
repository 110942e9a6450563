"""Inference checkpoints of Tiled Bit Networks: packed tiles and alphas."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.checkpoint import import_checkpoint
from subbit.sw.importers.papers.packed import packed_layers, packed_tile
from subbit.sw.importers.papers.papers import tiled_layers
from subbit.sw.importers.papers.state import read_state
from subbit.sw.ir import load_network
from tests.sw.importers.tiled_modules import REPEATS, Fc, Tiled, command, network, saved
from tests.sw.samples import message


def theirs_packed(tile: Tensor) -> Tensor:
    """A tile's bytes as the authors' packer makes them: each the binary number of eight digits."""
    digits = ["1" if sign > 0 else "0" for sign in tile.tolist()]
    octets = [int("".join(digits[i : i + 8]), 2) for i in range(0, len(digits), 8)]
    return torch.tensor(octets, dtype=torch.uint8)


def inference(module: nn.Module, packed: bool) -> dict[str, Any]:
    """The state of an inference checkpoint of the module."""
    state: dict[str, Any] = {}
    for name, part in module.named_children():
        if isinstance(part, Tiled):
            tile, alphas = part.packed()
            state[f"{name}.tile"] = theirs_packed(tile) if packed else tile
            state |= {f"{name}.alphas.{i}": alpha for i, alpha in enumerate(alphas)}
    return state


SHAPES = ["--shape", "0=8x3x3x3", "--shape", "1=8x8x3x3", "--shape", "2=6x8", "--shape", "4=4x6"]


@pytest.mark.parametrize("packed", [False, True])
def test_inference_checkpoints(
    packed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = network(2)
    path, trained = tmp_path / "net.pt", saved(module, tmp_path)
    torch.save(inference(module, packed), path)
    report = command(capsys, path, "-o", tmp_path / "layers", *SHAPES)
    assert {row["name"]: row["repeats"] for row in report["layers"]} == REPEATS
    assert report["left_out"] == {}
    for row, layer in zip(
        report["layers"], tiled_layers(module.state_dict(), REPEATS), strict=True
    ):
        assert (row["apart"], row["outputs_apart"]) == (0, 0)
        dense = load_network(row["file"]).nodes[0].layer.weights.dense()
        assert np.array_equal(dense, layer.weights.dense())
    again = command(capsys, path, "-o", tmp_path / "layers", "--trained", trained)
    assert again["layers"] == report["layers"]
    assert again["compared"].endswith("with scores and weight of the training checkpoint")
    other = saved(network(3), tmp_path)
    call = partial(import_checkpoint, path, tmp_path, "tiled", trained=other)
    assert "differ from those of the training checkpoint" in message(call, NetworkError)
    if packed:
        call = partial(
            import_checkpoint,
            path,
            tmp_path,
            "tiled",
            trained=trained,
            order="little",
        )
        assert "order" in message(call, NetworkError)


def test_inference_checkpoints_are_refused_without_shapes(tmp_path: Path) -> None:
    module = network(2)
    torch.save(inference(module, True), tmp_path / "net.pt")

    def refused(**options: Any) -> str:
        return message(
            lambda: import_checkpoint(tmp_path / "net.pt", tmp_path, "tiled", **options),
            NetworkError,
        )

    shapes = {"0": (8, 3, 3, 3), "1": (8, 8, 3, 3), "2": (6, 8), "4": (4, 6)}
    assert "the shape of '0', '1', '2', '4' is missing" in refused()
    assert "no tile is named 'x'" in refused(shapes=shapes | {"x": (2, 2)})
    assert "layer '1': 144 bits and 4 repeats are no tile" in refused(
        shapes=shapes | {"1": (16, 8, 3, 3)}
    )
    assert "holds tiles and alphas; leave it out" in refused(shapes=shapes, repeats=4)
    assert "holds the alphas; leave it out" in refused(shapes=shapes, alpha="weight")
    state = inference(module, False)
    state["0.tile"][3] = 0
    torch.save(state, tmp_path / "net.pt")
    assert "must hold -1 and +1" in refused(shapes=shapes)
    state = inference(module, True)
    del state["1.alphas.2"]
    torch.save(state, tmp_path / "net.pt")
    assert "layer '1' has no alphas 1.alphas.0, .1 and so on" in refused(shapes=shapes)
    torch.save(module.state_dict() | inference(module, True), tmp_path / "net.pt")
    assert "it holds scores and tiles" in refused(shapes=shapes)


@pytest.mark.parametrize("form", ["list", "tensors", "tensor", "nested"])
def test_forms_of_alphas(form: str, tmp_path: Path) -> None:
    part = Fc(8, 6, 2)
    tile, alphas = part.packed()
    made: Any = {"list": alphas.tolist(), "tensors": list(alphas), "tensor": alphas}.get(form)
    state = {"fc.tile": theirs_packed(tile), "fc.alphas": made}
    if form == "nested":
        state = {"fc": {"tile": theirs_packed(tile), "alphas": alphas.tolist()}}
    torch.save(state, tmp_path / "net.pt")
    layers = packed_layers(read_state(tmp_path / "net.pt"), {"fc": (6, 8)})
    np.testing.assert_allclose(layers[0].reals, part.real().numpy(), rtol=1e-6)
    torch.save({"fc.tile": tile, "fc.alphas": ["x"]}, tmp_path / "net.pt")
    text = message(lambda: read_state(tmp_path / "net.pt"), NetworkError)
    assert "'fc.alphas' is no list of numbers" in text


def decides(packed: np.ndarray, size: int, wanted: list[list[int]]) -> bool:
    """Whether the bytes say which order they have, and if so, that it is the right one."""
    try:
        found = packed_tile("a", packed, [0.5, 0.25], (2, size))
    except NetworkError:
        return False
    return found.weights.dense().tolist() == wanted or pytest.fail(f"{packed} {size}")


@pytest.mark.parametrize("size", range(1, 20))
def test_last_bytes(size: int) -> None:
    rng = np.random.default_rng(size)
    decided = 0
    for _ in range(20):
        bits = rng.integers(0, 2, size).astype(np.uint8)
        low = theirs_packed(torch.tensor(2.0 * bits - 1)).numpy()
        for order, packed in (("big-low", low), ("big-high", np.packbits(bits))):
            wanted = [[*(2 * bits.astype(int) - 1)]] * 2
            found = packed_tile("a", packed, [0.5, 0.25], (2, size), order)
            assert found.weights.dense().tolist() == wanted
            assert np.array_equal(found.authors.weights, found.reals)
            decided += decides(packed, size, wanted)
    assert decided >= 4
    if size % 8 == 0:
        assert decided == 40


def test_bits_beyond_the_tile_are_refused() -> None:
    for order in ("big", "big-low", "big-high", "little"):
        call = partial(packed_tile, "a", [255], [1.0], (1, 5), order)
        assert "has bits beyond the 5 weights" in message(call, NetworkError)
    assert "the order of bits is" in message(
        lambda: packed_tile("a", [1], [1.0], (1, 8), "middle"), NetworkError
    )


def test_one_alpha_of_all_repeats() -> None:
    bits = np.random.default_rng(1).integers(0, 2, 24).astype(np.uint8)
    made = packed_tile("a", np.packbits(bits), [0.5], (4, 12), single=True)
    assert made.repeats == 2
    assert made.weights.dense().reshape(2, -1).tolist() == [[*(2 * bits.astype(int) - 1)]] * 2
    assert set(made.factors) == {0.5}
    for shape, text in (((5, 7), "no tile of (5, 7)"), ((3, 280), "may be a tile of 20 or 21")):
        call = partial(packed_tile, "a", np.zeros(3), [0.5], shape, single=True)
        assert text in message(call, NetworkError)
    call = partial(packed_tile, "a", np.zeros(3), [0.5, 0.5], (4, 12), single=True)
    assert "has 2 alphas, not a single one" in message(call, NetworkError)
    call = partial(packed_tile, "a", np.zeros(3), [-0.5], (2, 12))
    assert "needs alphas of 0 or more" in message(call, NetworkError)
