"""Training: recipes, resuming, the files that a run leaves, and what bad input gets."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from subbit.sw.data import load_dataset, preprocess
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import BinaryWeights, CodebookWeights, TiledWeights, load_network
from subbit.sw.nn import RECIPES, TrainingProgress, training_bar
from subbit.sw.nn.augment import Augmentation, augment
from subbit.sw.nn.loop import Trainer, load_split
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import find_recipe
from subbit.sw.train.train import checkpoint_path, curve_path, train_network
from tests.sw.nn.nn_checks import assert_same

DIGITS = ["digits-plain", "digits-codebook", "digits-tiled", "digits-residual"]


class Interrupt:
    """A progress callback that acts as Ctrl-C after a number of calls."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def __call__(self, progress: TrainingProgress) -> None:
        self.calls -= 1
        if self.calls == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("recipe", DIGITS)
def test_two_epochs_end_to_end(recipe: str, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    seen: list[TrainingProgress] = []
    result = train_network(recipe, out, epochs=2, seed=3, progress=seen.append)
    network = load_network(out)
    assert network.digest == result.network.digest
    assert network.metadata["dataset"] == {"name": "digits", "preprocess": {"bits": 4, "shift": 0}}
    assert network.metadata["accuracy"] == {
        "correct": result.correct,
        "images": 359,
        "split": "test",
    }
    command = f"subbit train {recipe} --out net.safetensors --epochs 2 --seed 3"
    assert network.metadata["training"]["command"] == command
    assert result.accuracy > 0.3
    assert Image.open(curve_path(out)).size[0] > 300
    assert not checkpoint_path(out).exists()
    assert seen[-1].epoch == seen[-1].epochs == 2
    assert len(seen) == 2 * (1438 // 64) + 2


@pytest.mark.parametrize("recipe", DIGITS)
def test_the_module_and_its_network_agree_on_the_whole_test_set(
    recipe: str, tmp_path: Path
) -> None:
    chosen = find_recipe(recipe)
    trainer = Trainer(chosen, 2, 1, tmp_path / "state")
    dataset, test = load_split(chosen, "test", None)
    trainer.fit(load_split(chosen, "train", None)[1], test, lambda progress: None)
    codes = preprocess(dataset.images, chosen.preprocess)
    network = export(trainer.model, chosen.input_type, recipe, codes=codes)
    assert_same(trainer.model, network, codes)


def test_resuming_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    first = train_network("digits-codebook", whole, epochs=4, seed=2)
    with pytest.raises(KeyboardInterrupt):
        train_network("digits-codebook", cut, epochs=4, seed=2, progress=Interrupt(60))
    assert checkpoint_path(cut).exists()
    assert not cut.exists()
    again: list[TrainingProgress] = []
    second = train_network(
        "digits-codebook", cut, epochs=4, seed=2, resume=True, progress=again.append
    )
    assert again[0].epoch == 2
    assert second.network.digest == first.network.digest
    assert second.correct == first.correct
    assert not checkpoint_path(cut).exists()


def test_codewords_stand_still_at_the_end_of_a_run(tmp_path: Path) -> None:
    trainer = Trainer(find_recipe("digits-codebook"), 10, 1, tmp_path / "state")
    rates = []
    for done in (0.0, 0.5, 0.69, 0.7, 0.99):
        trainer.set_rate(done)
        rates.append([group["lr"] for group in trainer.optimizer.param_groups])
    assert all(patterns == pytest.approx(10 * others) for others, patterns in rates[:3])
    assert all(patterns == 0 and others > 0 for others, patterns in rates[3:])
    assert rates[0][0] == 0.005
    assert [len(group["params"]) for group in trainer.optimizer.param_groups][1] == 1


def test_the_seed_decides(tmp_path: Path) -> None:
    runs = [
        train_network("digits-plain", tmp_path / f"{i}.safetensors", epochs=1, seed=seed)
        for i, seed in enumerate((5, 5, 6))
    ]
    digests = [run.network.digest for run in runs]
    assert digests[0] == digests[1] != digests[2]


def test_training_leaves_torch_as_it_was(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(11)
    wanted = torch.rand(3)
    torch.manual_seed(11)
    train_network("digits-plain", tmp_path / "a.safetensors", epochs=1)
    assert torch.equal(torch.rand(3), wanted)
    assert torch.get_num_threads() == threads


class TestBadInput:
    def test_before_training_starts(self, tmp_path: Path) -> None:
        out = tmp_path / "a.safetensors"
        with pytest.raises(DataError, match="unknown recipe 'digits'; known are digits-plain"):
            train_network("digits", out)
        with pytest.raises(NetworkError, match=r"ends in \.safetensors"):
            train_network("digits-plain", tmp_path / "a.pt")
        with pytest.raises(DataError, match="its folder must exist"):
            train_network("digits-plain", tmp_path / "none" / "a.safetensors")
        with pytest.raises(DataError, match="at least one epoch"):
            train_network("digits-plain", out, epochs=0)
        with pytest.raises(DataError, match="a seed lies in"):
            train_network("digits-plain", out, seed=-1)
        with pytest.raises(DataError, match="name their folder with --data"):
            train_network("mnist-plain", out)
        with pytest.raises(DataError, match=r"no checkpoint .*start without --resume"):
            train_network("digits-plain", out, resume=True)

    def test_checkpoints_of_other_runs_and_damaged_ones(self, tmp_path: Path) -> None:
        out = tmp_path / "a.safetensors"
        with pytest.raises(KeyboardInterrupt):
            train_network("digits-plain", out, epochs=3, progress=Interrupt(24))
        with pytest.raises(DataError, match="belongs to a run with other settings"):
            train_network("digits-plain", out, epochs=4, resume=True)
        content = checkpoint_path(out).read_bytes()
        for damaged in (content[:1000], b"", b"garbage" * 100):
            checkpoint_path(out).write_bytes(damaged)
            with pytest.raises(DataError) as caught:
                train_network("digits-plain", out, epochs=3, resume=True)
            assert "no checkpoint" in str(caught.value)
            assert "\n" not in str(caught.value)

    def test_images_of_another_size(self, tmp_path: Path) -> None:
        from tests.sw.data.test_data import write_mnist

        write_mnist(tmp_path, np.zeros((3, 8, 8)), np.arange(3))
        with pytest.raises(DataError, match=r"images \(28, 28, 1\); the data set has"):
            train_network("mnist-plain", tmp_path / "a.safetensors", data=tmp_path)


class TestAugmentation:
    codes = torch.from_numpy(load_dataset("digits", "test").images[:50]).permute(0, 3, 1, 2).float()

    def test_none_changes_nothing(self) -> None:
        assert augment(self.codes, Augmentation(), 15, torch.Generator()) is self.codes

    def test_results_are_codes_and_seeded(self) -> None:
        options = Augmentation(shift=1.0, degrees=10, scale=0.1)
        moved = augment(self.codes, options, 15, torch.Generator().manual_seed(1))
        assert torch.equal(moved, moved.round())
        assert 0 <= moved.min() <= moved.max() <= 15
        assert not torch.equal(moved, self.codes)
        again = augment(self.codes, options, 15, torch.Generator().manual_seed(1))
        assert torch.equal(moved, again)

    def test_shifts_stay_within_their_limit(self) -> None:
        point = torch.zeros(200, 1, 9, 9)
        point[:, 0, 4, 4] = 15
        moved = augment(point, Augmentation(shift=2.0), 15, torch.Generator().manual_seed(1))
        reached = moved.amax((0, 1)).nonzero()
        assert reached.min() == 2
        assert reached.max() == 6


def test_recipes_have_the_encodings_that_they_are_named_after() -> None:
    for name, recipe in RECIPES.items():
        module = build_model(recipe, 1)
        network = export(module, recipe.input_type, name)
        inner = [node.layer.weights for node in network.nodes if node.name in ("conv2", "conv3")]
        if recipe.encoding == "codebook":
            assert all(isinstance(w, CodebookWeights) and w.tau == recipe.tau for w in inner)
        if recipe.encoding == "tiled":
            assert all(isinstance(w, TiledWeights) and w.repeats == 4 for w in inner)
            assert network.weight_bits <= 0.35 * network.weight_count
    assert RECIPES["mnist-codebook"].tau == 5


@pytest.mark.parametrize("encoding", ["plain", "codebook", "tiled"])
def test_precisions_and_encodings_combine(encoding: str) -> None:
    like = "digits-tiled" if encoding == "tiled" else "digits-codebook"
    recipe = replace(RECIPES[like], encoding=encoding, weight_bits=3, activation_bits=2)
    module = build_model(recipe, 1)
    codes = np.random.default_rng(1).integers(0, 16, (40, 8, 8, 1)).astype(np.uint8)
    module.train()(torch.from_numpy(codes).permute(0, 3, 1, 2).float()).sum().backward()
    network = export(module, recipe.input_type, "test")
    assert_same(module, network, codes)
    planes = network.node("conv2").layer.weights.planes
    wanted = {"plain": BinaryWeights, "codebook": CodebookWeights, "tiled": TiledWeights}[encoding]
    assert [type(plane) for plane in planes] == [wanted] * 3
    assert network.node("act2").layer.bits == 2
    moved = [n for n, p in module.named_parameters() if p.grad is not None]
    wanted = [n for n, _ in module.named_parameters() if "pattern" not in n and "magn" not in n]
    assert moved == wanted


def test_progress_bar() -> None:
    console = Console(record=True, force_terminal=True, width=120)
    with training_bar(console) as show:
        show(TrainingProgress(0, 2, 3, 10, 1.25, 0.0))
        show(TrainingProgress(1, 2, 10, 10, 0.5, 0.875))
    text = console.export_text()
    assert "epoch 2/2" in text
    assert "loss 0.500" in text
    assert "test 87.50 %" in text


@pytest.mark.parametrize("absent", ["torch", "matplotlib"])
def test_missing_packages_are_named(absent: str) -> None:
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        f"u.find_spec = lambda name: None if name == {absent!r} else find(name)\n"
        "from subbit.sw.errors import ToolError\n"
        "try:\n    import subbit.sw.nn\nexcept ToolError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wanted = "training needs torch and matplotlib; install them with: pip install 'subbit[train]'"
    assert done.stdout == wanted + "\n"
