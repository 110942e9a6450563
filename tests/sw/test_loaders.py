"""Every reader of a file that came from elsewhere, on hundreds of damaged files: an error of one
bounded line, or what the file says; never a traceback.
"""

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from subbit.sw.errors import DataError, NetworkError, quote
from subbit.sw.importers.api import import_file
from subbit.sw.importers.arrays.rows import read_arrays
from subbit.sw.importers.papers.state import read_state
from subbit.sw.ir import load_network, save_network
from subbit.sw.ir.describe import describe_network
from subbit.sw.loading import loading
from subbit.sw.lower.plan import load_plan, save_plan, smallest_plan
from subbit.sw.nn.checkpoint import load_checkpoint, save_checkpoint
from subbit.sw.nn.loop import Trainer
from subbit.sw.nn.recipes import RECIPES
from subbit.sw.nn.resumed import History
from subbit.sw.nn.state_file import pack_state, read_state_file
from tests.networks import small_network
from tests.sw.importers.test_arrays import residual
from tests.sw.mutations import count, damaged_bytes, damaged_json, refused
from tests.sw.network_files import sound, write
from tests.sw.samples import message


def test_damaged_headers_of_networks(tmp_path: Path) -> None:
    header, arrays = sound()

    def check(seed: int) -> bool:
        path = write(tmp_path / "net.safetensors", damaged_json(header, seed), arrays)
        return refused(lambda: describe_network(load_network(path)), path)

    assert count(check, 400) > 300


def test_damaged_bytes_of_networks(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    network = small_network("codebook")
    save_network(network, path)
    content = path.read_bytes()

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        if refused(lambda: load_network(path), path):
            return True
        return load_network(path).digest != network.digest

    # What is read has other metadata or another name at most: the checksum covers the arrays.
    assert count(check, 400) > 380


def test_damaged_plans(tmp_path: Path) -> None:
    network, path = small_network("plain"), tmp_path / "plan.json"
    save_plan(smallest_plan(network), path)
    row = json.loads(path.read_text())

    def check(seed: int) -> bool:
        path.write_text(json.dumps(damaged_json(row, seed)))
        return refused(lambda: load_plan(path, network), path)

    assert count(check, 400) > 250
    save_plan(smallest_plan(network), path)
    content = path.read_bytes()

    def broken(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        return refused(lambda: load_plan(path, network), path)

    assert count(broken, 300) > 200


def test_damaged_descriptions(tmp_path: Path) -> None:
    arrays, row = residual(np.random.default_rng(1))
    path, description = tmp_path / "net.npz", tmp_path / "net.json"
    np.savez(path, **arrays)

    def check(seed: int) -> bool:
        description.write_text(json.dumps(damaged_json(row, seed)))
        return refused(lambda: import_file(path, description=description), path)

    assert count(check, 300) > 200


def odd_array(array: np.ndarray, seed: int) -> np.ndarray:
    """The array in another shape or type, or with numbers that no layer has."""
    draw = random.Random(seed)
    match draw.randrange(5):
        case 0:
            return array.reshape(-1)[: draw.randrange(array.size + 1)]
        case 1:
            return array[None]
        case 2:
            return array.astype(draw.choice((np.uint64, np.int8, np.float64, bool, ">i4", "U3")))
        case 3:
            return array.T.copy()
        case _:
            made = array.astype(np.int64)
            made.reshape(-1)[:1] = draw.choice((-(1 << 63), (1 << 63) - 1, 1 << 40, -1, 300))
            return made


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_odd_arrays_of_a_description(suffix: str, tmp_path: Path) -> None:
    arrays, row = residual(np.random.default_rng(1))
    path, description = tmp_path / f"net{suffix}", tmp_path / "net.json"
    description.write_text(json.dumps(row))

    def check(seed: int) -> bool:
        name = sorted(arrays)[seed % len(arrays)]
        made = arrays | {name: odd_array(arrays[name], seed)}
        if suffix == ".npz":
            np.savez(path, **made)
        elif made[name].dtype.kind in "iuf" and made[name].dtype.byteorder != ">":
            path.write_bytes(save({key: np.ascontiguousarray(x) for key, x in made.items()}))
        else:
            return True
        return refused(lambda: import_file(path, description=description), path)

    assert count(check, 150) > 60


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_damaged_arrays(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    arrays = {"a": np.arange(40, dtype=np.int16).reshape(5, 8), "b": np.ones(3, np.uint64)}
    content = io.BytesIO()
    if suffix == ".npz":
        np.savez(content, **arrays)
    else:
        content.write(save(arrays))

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content.getvalue(), seed))
        return refused(lambda: read_arrays(path), path)

    assert count(check, 400) > 200


def test_damaged_state_dicts(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"state_dict": {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}}, path)
    content = path.read_bytes()

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        return refused(lambda: read_state(path), path)

    assert count(check, 300) > 100


def trainer(folder: Path) -> Trainer:
    """A run that has not begun."""
    return Trainer(RECIPES["digits-plain"], 3, 1, folder / "net.checkpoint")


def kept(folder: Path) -> tuple[Trainer, dict[str, Any]]:
    """A run after two steps, and what its checkpoint holds."""
    run = trainer(folder)
    codes = torch.randint(0, 16, (20, 1, 8, 8), generator=torch.Generator().manual_seed(1)).float()
    for _ in range(2):
        run.set_rate(0.1)
        run.step(codes, torch.arange(20) % 10)
    save_checkpoint(run.checkpoint, run.run, run.model, run.optimizer, History([2.5], [0.25]))
    state: dict[str, Any] = read_state_file(run.checkpoint)
    return run, state


def test_a_sound_checkpoint_is_read(tmp_path: Path) -> None:
    run, state = kept(tmp_path)
    again = trainer(tmp_path)
    assert load_checkpoint(run.checkpoint, run.run, again.model, again.optimizer).loss == [2.5]
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, state["model"][name])


def test_mutated_checkpoints_change_nothing(tmp_path: Path) -> None:
    run, state = kept(tmp_path)
    again = trainer(tmp_path)
    before = {name: value.clone() for name, value in again.model.state_dict().items()}

    def check(seed: int) -> bool:
        run.checkpoint.write_bytes(pack_state(damaged_json(state, seed)))
        load = (run.checkpoint, run.run, again.model, again.optimizer)
        if refused(lambda: load_checkpoint(*load), run.checkpoint):
            return True
        load_checkpoint(*load)
        codes = torch.zeros(20, 1, 8, 8)
        again.step(codes, torch.arange(20) % 10)
        again.model.load_state_dict(before)
        return False

    # A few entries may be replaced by others as good, as a learning rate or a step's count.
    assert count(check, 200) > 185
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, before[name])


def edited(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one entry of a checkpoint."""

    def change(state: Any) -> None:
        for key in path[:-1]:
            state = state[key]
        state[path[-1]] = value

    return change


NAN = torch.tensor(float("nan"))
WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "version": (edited("version", value=True), "it is of another version of subbit"),
    "more": (edited("more", value=1), "it is no checkpoint of a training run; start anew"),
    "nan loss": (edited("loss", value=[float("nan")]), "NaN is no number"),
    "text for a loss": (edited("loss", value=["x"]), "its loss is no list of numbers"),
    "held out": (edited("validation", value=[1.0, 2.0]), "its validation loss is not that of"),
    "best": (edited("best", value={}), "its parameters are not those of this network"),
    "two losses": (edited("loss", value=[1.0, 2.0]), "are not those of finished epochs"),
    "accuracy": (edited("accuracy", value=[1.5]), "are not those of finished epochs"),
    "model": (edited("model", value=[]), "its parameters are not those of this network"),
    "shape": (
        edited("model", "0.encoder.latent", value=torch.ones(3)),
        "'0.encoder.latent' is not torch.float32 of shape (32, 1, 3, 3)",
    ),
    "nan": (
        edited("model", "0.encoder.latent", value=NAN.expand(32, 1, 3, 3)),
        "'0.encoder.latent' holds NaN or infinite numbers",
    ),
    "optimizer": (edited("optimizer", value=None), "its optimizer's state is not one of Adam's"),
    "no state": (edited("optimizer", "state", value=[]), "its optimizer's state is not one of"),
    "groups": (edited("optimizer", "param_groups", value=[]), "its optimizer's settings are not"),
    "betas": (
        edited("optimizer", "param_groups", 0, "betas", value=(0.9, "x")),
        "its optimizer's settings are not those of this run",
    ),
    "place": (edited("optimizer", "state", "x", value={}), "its optimizer has no parameter 'x'"),
    "moments": (
        edited("optimizer", "state", "0", "exp_avg", value=torch.ones(1)),
        "'moments of parameter 0' is not torch.float32 of shape",
    ),
    "negative": (
        edited("optimizer", "state", "0", "exp_avg_sq", value=-torch.ones(32, 1, 3, 3)),
        "the moments of parameter 0 are none that a step leaves",
    ),
    "step": (
        edited("optimizer", "state", "0", "step", value=3),
        "'moments of parameter 0' is not torch.float32 of shape ()",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_entries_of_checkpoints_are_named(name: str, tmp_path: Path) -> None:
    change, expected = WRONG[name]
    run, state = kept(tmp_path)
    change(state)
    run.checkpoint.write_bytes(pack_state(state))
    again = trainer(tmp_path)
    text = message(
        lambda: load_checkpoint(run.checkpoint, run.run, again.model, again.optimizer), DataError
    )
    assert text.startswith(f"{run.checkpoint}: ")
    assert expected in text


def test_one_place_makes_an_error_of_anything() -> None:
    path = Path("a.bin")
    raised = {
        ZeroDivisionError("x\ny"): "a.bin: bad (x y)",
        AssertionError(): "a.bin: bad (AssertionError)",
        OSError("no errno"): "a.bin: bad (no errno)",
        FileNotFoundError(2, "No such file"): "a.bin: cannot read it (No such file); check the "
        "path",
        DataError("a.bin: wrong"): "a.bin: wrong",
        DataError("wrong"): "a.bin: wrong",
    }
    for error, expected in raised.items():
        with pytest.raises(DataError) as caught, loading(path, DataError, "bad ({reason})", "it"):
            raise error
        assert str(caught.value) == expected
    for passed in (MemoryError, ModuleNotFoundError, KeyboardInterrupt):
        with pytest.raises(passed), loading(path, NetworkError, "bad"):
            raise passed


def test_values_are_quoted_in_part() -> None:
    assert quote("short") == "'short'"
    assert len(quote("x" * 10_000)) == 200
    assert quote(list(range(1000))).endswith("...")
