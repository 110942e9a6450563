"""Damaged checkpoints of training runs: other bytes, entries and tensors of model and optimiser."""

import random
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from subbit.sw.nn.checkpoint import load_checkpoint
from subbit.sw.nn.state_file import pack_state
from tests.sw.importers.test_papers_damaged import damaged_tensor
from tests.sw.mutations import ODD, count, damaged_bytes, places, refused, replaced
from tests.sw.test_loaders import kept, trainer


def at(state: Any, path: tuple[Any, ...]) -> Any:
    """What stands at the path."""
    for key in path:
        state = state[key]
    return state


def damaged_entries(state: Any, seed: int) -> Any:
    """The state in which one tensor, or one value of the optimiser, is another."""
    draw = random.Random(seed)
    every = list(places(state))
    if draw.random() < 0.5:
        every = [path for path in every if isinstance(at(state, path), Tensor)]
        path = draw.choice(every)
        return replaced(state, path, storable(at(state, path), draw))
    path = draw.choice([path for path in every if path[0] == "optimizer"])
    return replaced(state, path, draw.choice((*ODD, ..., torch.ones(3))))


def storable(x: Tensor, draw: random.Random) -> Tensor:
    """A damaged tensor of a kind that a file can hold."""
    while True:
        made = damaged_tensor(x, draw)
        plain = made.layout is torch.strided and made.device.type == "cpu"
        if plain and not made.is_quantized and made.numel() < 1 << 22:
            return made


def test_damaged_tensors_and_settings(tmp_path: Path) -> None:
    run, state = kept(tmp_path)
    again = trainer(tmp_path)
    before = {name: value.clone() for name, value in again.model.state_dict().items()}

    def check(seed: int) -> bool:
        run.checkpoint.write_bytes(pack_state(damaged_entries(state, seed)))
        load = (run.checkpoint, run.run, again.model, again.optimizer)
        if refused(lambda: load_checkpoint(*load), run.checkpoint):
            return True
        again.step(torch.zeros(20, 1, 8, 8), torch.arange(20) % 10)
        again.model.load_state_dict(before)
        return False

    # A zero for a number, or the same numbers in another order, are as good as any.
    assert count(check, 100) > 70


def test_damaged_bytes(tmp_path: Path) -> None:
    run, _ = kept(tmp_path)
    content = run.checkpoint.read_bytes()
    again = trainer(tmp_path)

    def check(seed: int) -> bool:
        run.checkpoint.write_bytes(damaged_bytes(content, seed))
        load = (run.checkpoint, run.run, again.model, again.optimizer)
        return refused(lambda: load_checkpoint(*load), run.checkpoint)

    assert count(check, 200) > 60
