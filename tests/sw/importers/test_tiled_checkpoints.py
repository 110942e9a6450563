"""Tiled Bit Networks checkpoints whose layers have p of their own."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import subbit
from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.importers.api import check_import
from subbit.sw.importers.papers import papers
from subbit.sw.importers.papers.checkpoint import import_checkpoint
from subbit.sw.importers.papers.papers import tiled_layers
from subbit.sw.importers.papers.papers_module import layer_network, with_layers
from subbit.sw.importers.papers.settings import TileSettings
from subbit.sw.importers.torch.module import import_torch
from subbit.sw.ir import TiledWeights, load_network
from subbit.sw.nn.activations import SignActivation
from subbit.sw.nn.layers import Flatten
from tests.sw.importers.tiled_modules import REPEATS, Conv, Fc, command, network, saved
from tests.sw.samples import message


def assert_computes(layer: Any, module: nn.Module) -> None:
    """A layer's network, times its factors, computes what the module does on the same codes."""
    made = layer_network(layer, 6)
    codes = torch.randint(0, 2, (5, *made.input_type.shape))
    ours = evaluate(made, codes)[made.nodes[-1].name].double() * torch.tensor(layer.factors)
    x = (2.0 * codes - 1).permute(0, 3, 1, 2)
    theirs = module(x if len(layer.weights.shape) == 4 else x.flatten(1)).detach()
    theirs = theirs.permute(0, 2, 3, 1) if theirs.ndim == 4 else theirs
    tolerance = 1e-5 if layer.error == 0 else 0.02
    torch.testing.assert_close(
        ours.reshape(theirs.shape).float(), theirs, rtol=tolerance, atol=3 * tolerance
    )


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("repeats", [list(REPEATS.values()), REPEATS])
def test_layers_of_different_p(repeats: Any, single: bool) -> None:
    module = network()
    for part in module:
        part.single = single
    layers = tiled_layers(module.state_dict(), TileSettings(repeats, single=single))
    assert {layer.name: layer.repeats for layer in layers} == REPEATS
    for layer in layers:
        assert_computes(layer, module.get_submodule(layer.name))
        assert layer.error == 0 or (layer.name == "4" and not single)


def test_one_p_for_all_is_another_network() -> None:
    module = network()
    layers = tiled_layers(module.state_dict(), 2, min_size=0)
    with pytest.raises(AssertionError):
        assert_computes(layers[1], module[1])


WORDS = {
    "list": ["--repeats", "1,4,2,3"],
    "names": ["--repeats", "4=3,0=1,2=2,1=4"],
    "file": ["--config", "net.yaml"],
}


@pytest.mark.parametrize("name", WORDS)
def test_the_command_takes_p_by_layer(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(
        "layer_compression_factors: 1,4,2,3\nalpha_type: multiple\nalpha_param: weight\n"
    )
    module = network()
    report = command(capsys, saved(module, tmp_path), "-o", tmp_path / "layers", *WORDS[name])
    assert {row["name"]: row["repeats"] for row in report["layers"]} == REPEATS
    assert {(row["apart"], row["outputs_apart"]) for row in report["layers"]} == {(0, 0)}
    assert [row["outputs"] > 0 for row in report["layers"]] == [True] * 4
    assert report["assumed"][0].startswith("p: by net.yaml" if name == "file" else "p: given")
    who = "(by net.yaml)" if name == "file" else "(as in the published configurations"
    assert who in next(line for line in report["assumed"] if line.startswith("alphas: "))
    assert any(line.startswith("geometry: ") for line in report["assumed"])
    assert "authors' arithmetic" in report["compared"]
    assert report["left_out"] == {"3.weight": "real numbers", "3.bias": "a real bias"}
    weights = load_network(report["layers"][1]["file"]).nodes[0].layer.weights
    assert np.array_equal(weights.dense(), module[1].real().sign().numpy())


def test_p_must_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = saved(network(), tmp_path), tmp_path / "layers"
    text = message(lambda: import_checkpoint(path, out, "tiled"), NetworkError)
    assert "p is not in a training checkpoint" in text
    text = message(lambda: import_checkpoint(path, out, "tiled", repeats=4), NetworkError)
    assert "no layer has 64000 weights" in text
    assert app.run(["import", str(path), "--rule", "tiled"]) == 2
    assert "p is not in a training checkpoint" in capsys.readouterr().err
    assert app.run(["import", "a.onnx", "--min-size", "3"]) == 2
    assert "--min-size: only for a checkpoint" in capsys.readouterr().err
    assert not out.exists()


def test_options_that_say_the_same_are_refused(tmp_path: Path) -> None:
    path, config = saved(network(), tmp_path), tmp_path / "net.yaml"
    config.write_text("compression_factor: 2")
    for rule, options in (
        ("tiled", {"config": config, "repeats": 2}),
        ("tiled", {"config": config, "alphas": "single"}),
        ("tiled", {"repeats": 1, "shapes": {"0": (8, 3)}}),
        ("tiled", {"repeats": 1, "trained": path}),
        ("codebook", {"repeats": 1}),
    ):
        text = message(
            lambda r=rule, o=options: import_checkpoint(path, tmp_path, r, **o), NetworkError
        )
        assert "leave it out" in text
    text = message(
        lambda: import_checkpoint(path, tmp_path, "tiled", repeats=1, alphas="x"), NetworkError
    )
    assert "alphas are 'multiple' or 'single'" in text


def test_a_wrong_rule_is_found_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out, made = saved(network(), tmp_path), tmp_path / "layers", papers.of_tile

    def flipped(name: str, shape: Any, tile: Any, alphas: Any, bits: int) -> Any:
        tile = tile.copy()
        tile[5] ^= name == "1"
        return made(name, shape, tile, alphas, bits)

    monkeypatch.setattr(papers, "of_tile", flipped)
    text = message(lambda: import_checkpoint(path, out, "tiled", repeats="1,4,2,3"), NetworkError)
    assert text.startswith(f"{path}: layer '1': 4 of 576 weights and ")
    assert not out.exists()

    def swapped(name: str, shape: Any, tile: Any, alphas: Any, bits: int) -> Any:
        return made(name, shape, tile, alphas[::-1].copy(), bits)

    monkeypatch.setattr(papers, "of_tile", swapped)
    text = message(lambda: import_checkpoint(path, out, "tiled", repeats="1,4,2,3"), NetworkError)
    assert text.startswith(f"{path}: layer '1': 576 of 576 weights")


def test_what_a_network_has_not_is_left_out_by_name(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = {"A.x.scores": torch.randn(4, 8), "a.x.scores": torch.randn(4, 8)}
    state |= {"stem.scores": torch.randn(4, 3, 13, 7), "seq.scores": torch.randn(4, 3, 3)}
    state |= {key.replace("scores", "weight"): torch.randn(*x.shape) for key, x in state.items()}
    torch.save(state, tmp_path / "net.pth")
    report = import_checkpoint(tmp_path / "net.pth", tmp_path, "tiled", repeats=2, min_size=0)
    files = [Path(row["file"]).name for row in report["layers"]]
    assert files == ["a.x.safetensors", "a.x-2.safetensors"]
    assert report["left_out"]["stem.scores"] == "kernels of 13x7; networks have up to 11x11"
    assert report["left_out"]["seq.weight"].startswith("weights of 3 dimensions")
    only = {key: x for key, x in state.items() if key.startswith("stem")}
    torch.save(only, tmp_path / "net.pth")
    call = partial(import_checkpoint, tmp_path / "net.pth", tmp_path, "tiled", repeats=1)
    assert "no layer is one that a network has (stem.scores: kernels" in message(call, NetworkError)


def test_sums_within_rounding_are_counted() -> None:
    scores = torch.tensor([1.0, 1.0, 2.0, 1.0, -3.0, -2.0]).reshape(3, 2)
    layers = tiled_layers({"a.scores": scores, "a.weight": torch.ones(3, 2)}, [3])
    assert layers[0].weights.dense().tolist() == [[-1, -1]] * 3
    assert layers[0].authors.open == 6
    assert layers[0].notes[0].startswith("2 of 2 sums of scores lie within the rounding")


def test_alphas_that_vanish() -> None:
    state = {"a.scores": torch.randn(3, 4), "a.weight": torch.zeros(3, 4)}
    for layer in tiled_layers(state, [2]):
        assert not layer.reals.any()
    state["a.weight"][0] = 1.0
    assert "its least alpha 0 is nothing" in message(lambda: tiled_layers(state, [2]), NetworkError)


class Chain(nn.Module):
    """A network whose arithmetic is integer but for the factors of its tiled layers."""

    def __init__(self, middle: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.sign, self.flatten = SignActivation(), Flatten()
        self.stem = nn.Conv2d(1, 4, 3, bias=False)
        self.bn0, self.bn1 = nn.BatchNorm2d(4), nn.BatchNorm2d(8)
        self.conv, self.fc = middle, last

    def forward(self, x: Tensor) -> Tensor:
        x = self.sign(self.bn0(self.stem(x)))
        return self.fc(self.flatten(self.sign(self.bn1(self.conv(x)))))


def chain() -> tuple[Chain, Any]:
    """A network of tiles of different p, and its layers."""
    torch.manual_seed(6)
    source = Chain(Conv(4, 8, 3, 4), Fc(8 * 16, 6, 2)).eval()
    source.stem.weight.data = source.stem.weight.data.sign()
    for norm in (source.bn0, source.bn1):
        norm.running_mean = torch.randn(norm.num_features)
    return source, tiled_layers(source.state_dict(), {"conv": 4, "fc": 2})


def plain() -> Chain:
    """The module that a checkpoint is put into."""
    return Chain(nn.Conv2d(4, 8, 3, padding=1, bias=False), nn.Linear(128, 6, bias=False))


def test_a_whole_network_of_tiles_has_the_sources_classes() -> None:
    source, layers = chain()
    result = import_torch(
        with_layers(plain(), layers, source.state_dict()), torch.zeros(1, 1, 6, 6)
    )
    agreement = check_import(result, images=40)["agreement"]
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    frames = np.random.default_rng(1).integers(0, 256, (40, 6, 6, 1), np.uint8)
    run, _ = result.source(40)
    with torch.no_grad():
        x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
        theirs = source(x).numpy()
    ours = run(frames)[result.end.output].reshape(40, -1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_a_wrong_layer_in_a_whole_network_is_found() -> None:
    source, layers = chain()
    conv = layers[0].weights
    wrong = TiledWeights(conv.shape, 1 - conv.tile, conv.scales)
    layers = [replace(layers[0], weights=wrong), layers[1]]
    module = with_layers(plain(), layers, source.state_dict())
    agreement = check_import(import_torch(module, torch.zeros(1, 1, 6, 6)), images=40)["agreement"]
    assert agreement["elements_apart"] > 100


@pytest.mark.parametrize("change", [{"padding": "same"}, {"padding_mode": "circular"}])
def test_geometry_that_a_layer_has_not_is_refused(change: dict[str, Any]) -> None:
    source, layers = chain()
    module = plain()
    module.conv = nn.Conv2d(4, 8, 3, bias=False, **{"padding": 1, **change})
    text = message(lambda: with_layers(module, layers, source.state_dict()), NetworkError)
    assert text == "layer 'conv' needs zeros as padding, in numbers, and no bias"


@pytest.mark.parametrize("change", [{"dilation": 2, "padding": 2}, {"padding": (2, 0)}])
def test_geometry_of_the_module_is_that_of_the_layer(change: dict[str, Any]) -> None:
    layers, module = chain()[1], plain()
    module.conv = nn.Conv2d(4, 8, 3, bias=False, **change)
    rest = {key: x for key, x in module.state_dict().items() if not key.startswith("conv.")}
    conv = with_layers(module, layers[:1], rest).get_submodule("conv")
    x = torch.randn(2, 4, 4, 4).sign()
    scaled = torch.from_numpy(layers[0].reals).float()
    wanted = nn.functional.conv2d(x, scaled, **change)
    np.testing.assert_allclose(conv(x).detach().numpy(), wanted.numpy(), rtol=1e-4, atol=1e-4)


def test_the_report_reads_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path: Sequence[str] = ["import", str(saved(network(), tmp_path)), "-o", str(tmp_path / "l")]
    assert app.run([*path, "--rule", "tiled", "--repeats", "1,4,2,3"]) == 0
    text = capsys.readouterr().out
    for part in ("assumed: p: given;", "compared: weights and outputs", "4: alphas of a tile"):
        assert part in text
    assert subbit.import_checkpoint is import_checkpoint
