"""Damaged checkpoints of the papers' code and their configurations: one line, or what they say."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.checkpoint import import_checkpoint
from subbit.sw.importers.papers.settings import read_config
from tests.sw.importers.test_packed_checkpoints import inference
from tests.sw.importers.tiled_modules import network
from tests.sw.mutations import ODD, count, damaged_bytes, refused
from tests.sw.samples import message

REPEATS = "0=1,1=4,2=2,4=3"
SHAPES = {"0": (8, 3, 3, 3), "1": (8, 8, 3, 3), "2": (6, 8), "4": (4, 6)}
STATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "codebook": (
        {"a.weight": torch.randn(4, 3, 3, 3), "a.binarize.patterns": torch.randn(8, 9)},
        {"rule": "codebook"},
    ),
    "tiled": (network().state_dict(), {"rule": "tiled", "repeats": REPEATS}),
    "packed": (inference(network(), True), {"rule": "tiled", "shapes": SHAPES}),
    "signs": (inference(network(), False), {"rule": "tiled", "shapes": SHAPES}),
}
KINDS = (torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.bool, torch.complex64)


def damaged_tensor(x: Tensor, draw: random.Random) -> Any:
    """The tensor in another shape, kind, layout or content."""
    flat = x.flatten().clone()
    match draw.randrange(9):
        case 0:
            return flat[: draw.randrange(len(flat) + 1)]
        case 1:
            return x.to(draw.choice(KINDS))
        case 2:
            return x.unsqueeze(draw.randrange(x.ndim + 1))
        case 3:
            return torch.zeros(1).expand(draw.choice((3, 1 << 20, 1 << 40)))
        case 4:
            return x.double().to_sparse()
        case 5:
            flat = flat.float()
            flat[0] = draw.choice((float("nan"), float("inf"), 1e38, -1e38, 0.0))
            return flat.reshape(x.shape)
        case 6:
            return torch.zeros(0, *x.shape[1:]) if x.ndim else torch.zeros(0)
        case 7:
            return x.flip(0) if x.ndim else x
        case _:
            return torch.empty(x.shape, device="meta")


def damaged_state(state: dict[str, Any], seed: int) -> dict[Any, Any]:
    """The state with one or two entries that are others, missing, of another name, or too many."""
    draw, made = random.Random(seed), dict(state)
    for _ in range(draw.randint(1, 2)):
        name = draw.choice(list(made))
        match draw.randrange(6):
            case 0:
                del made[name]
            case 1:
                made[name] = draw.choice(ODD)
            case 2:
                new: Any = draw.choice(("module.0.scores", "[/red].scores", "a\nb.tile", 3, ""))
                made[new] = made.pop(name)
            case _:
                value = state.get(name)
                made[name] = damaged_tensor(value, draw) if isinstance(value, Tensor) else []
        if not made:
            return {}
    return made


@pytest.mark.parametrize("name", STATES)
def test_damaged_entries(name: str, tmp_path: Path) -> None:
    path, (state, options) = tmp_path / "net.pth", STATES[name]
    torch.save(state, path)
    sound = import_checkpoint(path, tmp_path / "layers", **options)
    assert sound["layers"]

    def check(seed: int) -> bool:
        torch.save({"state_dict": damaged_state(state, seed)}, path)
        return refused(lambda: import_checkpoint(path, tmp_path / "layers", **options), path)

    assert count(check, 100) > 40


@pytest.mark.parametrize("name", STATES)
def test_damaged_bytes(name: str, tmp_path: Path) -> None:
    path, (state, options) = tmp_path / "net.pth", STATES[name]
    torch.save(state, path)
    content = path.read_bytes()

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        return refused(lambda: import_checkpoint(path, tmp_path / "layers", **options), path)

    assert count(check, 60) > 25


CONFIG = b"""arch: vgg  # seven layers
layer_compression_factors: 1,1,4,4,4,4,1
global_compression_factor: null
min_compress_size: 64000
alpha_type: multiple
alpha_param: "weight"
"""


def test_damaged_configurations(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(CONFIG, seed))
        return refused(lambda: read_config(path), path)

    assert count(check, 400) > 40
    path.write_bytes(b"compression_factor: 4\n" + bytes(2 << 20))
    assert "bytes" in message(lambda: read_config(path), NetworkError)
    assert "check the path" in message(lambda: read_config(tmp_path / "none"), NetworkError)
    message(lambda: read_config(tmp_path), NetworkError)
