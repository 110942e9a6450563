"""Checkpoints of small modules with the names and rules of the papers' code."""

import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.importers.api import check_import
from subbit.sw.importers.papers.compared import layer_row
from subbit.sw.importers.papers.papers import codebook_layers, packed_tile, tiled_layers
from subbit.sw.importers.papers.papers_module import layer_network, paper_report, with_layers
from subbit.sw.importers.papers.state import read_state
from subbit.sw.importers.torch.module import import_torch
from subbit.sw.ir import BinaryWeights, CodebookWeights, TiledWeights, load_network
from subbit.sw.nn.activations import SignActivation
from tests.sw.samples import message


class Binarize(nn.Module):
    """Learnable patterns, and the signs that a module remembers beside them."""

    def __init__(self, tau: int) -> None:
        super().__init__()
        self.patterns = nn.Parameter(torch.randn(1 << tau, 9))
        self.patterns.data[0, :2] = torch.tensor([5e-4, -5e-4])
        self.memory = self.patterns.data.sign()
        self.memory[0, :2] = torch.tensor([-1.0, 1.0])

    def forward(self, w: Tensor) -> Tensor:
        sure = self.patterns.abs() >= 1e-3
        words = torch.where(sure, self.patterns.sign(), self.memory)
        distances = torch.cdist(w.reshape(-1, 9).double(), words.double())
        alpha = w.abs().mean((1, 2, 3), keepdim=True)
        return alpha * words[distances.argmin(1)].reshape(w.shape)


class SubBitConv(nn.Conv2d):
    """A 3x3 convolution of codewords."""

    def __init__(self, channels: int, outputs: int, tau: int) -> None:
        super().__init__(channels, outputs, 3, padding=1, bias=False)
        self.binarize = Binarize(tau)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.binarize(self.weight), None, 1, 1)


class Block(nn.Module):
    """The tensors of a block; what it computes does not matter here."""

    def __init__(self, channels: int, outputs: int, tau: int) -> None:
        super().__init__()
        self.move0, self.move1 = Bias(channels), Bias(outputs)
        self.binary_conv = SubBitConv(channels, outputs, tau)
        self.bn1, self.prelu = nn.BatchNorm2d(outputs), nn.PReLU(outputs)
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(channels, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        )


class Bias(nn.Module):
    """A bias for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))


class Residual(nn.Module):
    """The whole checkpoint's names."""

    def __init__(self, tau: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 7, bias=False), nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Block(4, 4, tau), Block(4, 6, tau))
        self.fc = nn.Linear(6, 10)


def tiled(layer: Any, repeats: int, alpha: str) -> Tensor:
    """The weights that the reference rules give."""
    n = layer.scores.numel()
    s = layer.scores.detach().reshape(repeats, n // repeats).sum(0)
    tile = torch.where(s > 0, 1.0, -1.0).repeat(repeats)
    source = (layer.weight if alpha == "weight" else layer.scores).detach()
    alphas = source.abs().reshape(repeats, -1).mean(1).repeat_interleave(n // repeats)
    return (alphas * tile).reshape(layer.scores.shape)


class TiledConv(nn.Conv2d):
    """A convolution with scores."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named, bias=False)
        self.scores = nn.Parameter(torch.randn_like(self.weight))


class TiledLinear(nn.Linear):
    """A linear layer with scores."""

    def __init__(self, *args: int) -> None:
        super().__init__(*args, bias=False)
        self.scores = nn.Parameter(torch.randn_like(self.weight))


@pytest.mark.parametrize("tau", [3, 5])
def test_every_codebook_layer(tau: int) -> None:
    torch.manual_seed(tau)
    module = Residual(tau)
    memory = {
        f"layer1.{i}.binary_conv": module.layer1[i].binary_conv.binarize.memory for i in (0, 1)
    }
    layers = codebook_layers(module.state_dict(), memory)
    assert [layer.name for layer in layers] == list(memory)
    for layer in layers:
        conv = module.get_submodule(layer.name)
        wanted = conv.binarize(conv.weight.detach()).detach().numpy()
        found = layer.weights.dense() * layer.factors[:, None, None, None]
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        assert layer.weights.stored_bits == tau * layer.weights.count // 9 + 9 * 2**tau
        assert not layer.notes


def test_what_a_checkpoint_leaves_open_is_said() -> None:
    torch.manual_seed(1)
    state = Residual(4).state_dict()
    layers = codebook_layers(state)
    patterns = state["layer1.0.binary_conv.binarize.patterns"]
    count = int((patterns.abs() < 1e-3).sum())
    assert count >= 2
    assert f"{count} of 144 codeword bits lie within +-0.001" in layers[0].notes[0]
    left = paper_report(state, layers)["left_out"]
    assert left["conv1.weight"] == "a full-precision convolution"
    assert left["layer1.0.downsample.1.weight"] == "a full-precision convolution"
    assert left["layer1.1.prelu.weight"] == "a real slope on a real-valued path"
    assert not any("binary_conv" in name for name in left)


def test_one_layer_computes_what_the_module_does() -> None:
    torch.manual_seed(2)
    conv = SubBitConv(4, 6, 4).eval()
    layer = codebook_layers({f"x.{k}": v for k, v in conv.state_dict().items()})[0]
    conv.binarize.memory = torch.where(conv.binarize.patterns.data >= 0, 1.0, -1.0)
    codes = torch.randint(0, 2, (3, 5, 5, 4))
    ours = evaluate(layer_network(layer, 5), codes)["conv1"].double() * torch.tensor(layer.factors)
    theirs = conv((2.0 * codes - 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    torch.testing.assert_close(ours.float(), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("alpha", ["weight", "scores"])
@pytest.mark.parametrize(("repeats", "exact"), [(1, True), (2, True), (4, True), (3, False)])
def test_every_tiled_layer(repeats: int, exact: bool, alpha: str) -> None:
    torch.manual_seed(3)
    module = nn.Sequential(TiledConv(6, 8, 3), nn.ReLU(), TiledLinear(24, 4))
    for layer in tiled_layers(module.state_dict(), repeats, min_size=0, alpha=alpha):
        wanted = tiled(module.get_submodule(layer.name), repeats, alpha).numpy()
        factors = layer.factors.reshape(-1, *[1] * (wanted.ndim - 1))
        found = layer.weights.dense() * factors
        crossing = len(wanted) % repeats != 0
        assert crossing is not exact or layer.error == 0
        tolerance = max(2 * layer.error, 1e-6)
        np.testing.assert_allclose(found, wanted, rtol=tolerance)
        assert layer.error < 0.01
        kind = BinaryWeights if repeats == 1 else TiledWeights
        assert isinstance(layer.weights, kind)


def test_small_layers_stay_binary() -> None:
    state = nn.Sequential(TiledConv(6, 8, 3), TiledLinear(24, 4)).state_dict()
    kinds = [layer.weights.encoding for layer in tiled_layers(state, 4, min_size=100)]
    assert kinds == ["tiled", "binary"]


@pytest.mark.parametrize("order", ["big", "little"])
def test_packed_tiles(order: str) -> None:
    bits = np.random.default_rng(1).integers(0, 2, 27).astype(np.uint8)
    packed = np.packbits(bits, bitorder=order)  # type: ignore[call-overload]
    layer = packed_tile("fc1", packed, [0.5, 0.25], (2, 27), order)
    assert layer.weights.dense().tolist() == [list(2 * bits.astype(int) - 1)] * 2
    assert layer.factors.tolist() == [0.5, 0.25]
    text = message(lambda: packed_tile("fc1", packed, [1.0], (5, 27)), NetworkError)
    assert text == "layer 'fc1': 32 bits and 1 repeats are no tile of (5, 27)"


class Chain(nn.Module):
    """A whole network of a checkpoint's layers whose arithmetic is that of a Network."""

    def __init__(self) -> None:
        super().__init__()
        self.sign = SignActivation()
        self.stem = nn.Conv2d(1, 4, 3, bias=False)
        self.bn0, self.bn1 = nn.BatchNorm2d(4), nn.BatchNorm2d(6)
        self.binary_conv = nn.Conv2d(4, 6, 3, padding=1, bias=False)
        self.fc = nn.Linear(6 * 9, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sign(self.bn0(self.stem(x)))
        x = self.sign(self.bn1(self.binary_conv(x)))
        return self.fc(functional.max_pool2d(x, 2).flatten(1))


def test_a_whole_network() -> None:
    torch.manual_seed(4)
    source = Chain()
    source.stem.weight.data = source.stem.weight.data.sign()
    source.fc.weight.data = source.fc.weight.data.sign()
    source.binary_conv = SubBitConv(4, 6, 3)
    source.binary_conv.binarize.memory = torch.where(
        source.binary_conv.binarize.patterns.data >= 0, 1.0, -1.0
    )
    for norm in (source.bn0, source.bn1):
        norm.running_mean = torch.randn(norm.num_features)
        norm.weight.data = torch.randn(norm.num_features)
    state = source.state_dict()
    module = with_layers(Chain(), codebook_layers(state), state)
    x = torch.rand(20, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(module(x), source.eval()(x), rtol=1e-4, atol=1e-4)
    result = import_torch(module, torch.zeros(1, 1, 8, 8))
    agreement = check_import(result, images=40)["agreement"]
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    assert result.network.node("conv2").layer.weights.encoding == "codebook"


def test_modules_of_other_names_are_refused() -> None:
    state = {"x.weight": torch.randn(4, 4, 3, 3), "x.binarize.patterns": torch.randn(8, 9)}
    text = message(lambda: with_layers(Chain(), codebook_layers(state), state), NetworkError)
    assert text == "the module has no layer 'x'; name it as there"


class Bomb:
    """Makes a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.path.touch, ())


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that must be refused, and what the message says."""
    made = {name: folder / f"{name}.pth" for name in ("bomb", "old", "cut", "zip", "list", "wide")}
    torch.save({"x": Bomb(folder / "went-off")}, made["bomb"])
    made["old"].write_bytes(pickle.dumps({"x": Bomb(folder / "went-off")}))
    torch.save({"x": torch.zeros(1000)}, made["cut"])
    made["cut"].write_bytes(made["cut"].read_bytes()[:-200])
    with zipfile.ZipFile(made["zip"], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"0" * 1_000_000)
    torch.save([1, 2], made["list"])
    torch.save({"x": torch.zeros(1).expand(1 << 30)}, made["wide"])
    nan = folder / "nan.safetensors"
    save_file({"x": torch.tensor([float("nan")])}, nan)
    return {
        "bomb": (made["bomb"], "would execute code"),
        "old": (made["old"], "not written by torch.save"),
        "cut": (made["cut"], "a damaged archive"),
        "zip": (made["zip"], "a compressed archive"),
        "list": (made["list"], "it holds a list"),
        "wide": (made["wide"], "holds only 1 numbers"),
        "nan": (nan, "holds NaN"),
        "none": (folder / "none.pth", "No such file"),
    }


@pytest.mark.parametrize("name", ["bomb", "old", "cut", "zip", "list", "wide", "nan", "none"])
def test_bad_checkpoints(name: str, tmp_path: Path) -> None:
    path, expected = bad_files(tmp_path)[name]
    text = message(lambda: read_state(path), NetworkError)
    assert text.startswith(f"{path}: ")
    assert expected in text
    assert not (tmp_path / "went-off").exists()


def test_state_dicts_are_found(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"epoch": 3, "state_dict": {"module.a.weight": torch.ones(2)}}, path)
    assert list(read_state(path)) == ["a.weight"]
    save_file({"a.weight": torch.ones(2)}, tmp_path / "net.safetensors")
    assert list(read_state(tmp_path / "net.safetensors")) == ["a.weight"]


def test_the_command_writes_every_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(5)
    path, out = tmp_path / "net.pth", tmp_path / "layers"
    torch.save({"state_dict": Residual(4).state_dict()}, path)
    arguments = ["import", str(path), "--rule", "codebook", "-o", str(out)]
    assert app.run([*arguments, "--side", "6", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["apart"] for row in report["layers"]] == [0, 0]
    assert report["weight_bits"] == 4 * (16 + 24) + 2 * 9 * 16
    network = load_network(report["layers"][1]["file"])
    assert network.input_type.shape == (6, 6, 4)
    assert app.run(arguments) == 0
    assert "left out: fc.weight: a full-precision classifier" in capsys.readouterr().out
    assert app.run([*arguments, "--fixed", "8"]) == 2
    assert "--fixed: a checkpoint's layers come one by one" in capsys.readouterr().err


def test_the_command_takes_tiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.safetensors"
    save_file(nn.Sequential(TiledConv(6, 8, 3), TiledLinear(24, 4)).state_dict(), path)
    options = ["--repeats", "3", "--min-size", "0", "--alpha", "scores", "--json"]
    assert app.run(["import", str(path), "--rule", "tiled", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["apart"] for row in report["layers"]] == [0, 0]
    assert report["left_out"] == {}


def test_missing_tensors_are_named() -> None:
    for call in (
        lambda: codebook_layers({"a.weight": torch.ones(1)}),
        lambda: tiled_layers({"a.weight": torch.ones(1)}, 4),
        lambda: codebook_layers({"a.binarize.patterns": torch.ones(8, 9)}),
    ):
        assert "name a" in message(call, NetworkError)


def test_a_wrong_codebook_layer_is_found() -> None:
    torch.manual_seed(7)
    layer = codebook_layers(Residual(4).state_dict())[0]
    assert layer_row(layer)["apart"] == 0
    found = layer.weights
    wrong = CodebookWeights(found.codewords, np.roll(found.indices, 1, axis=0))
    row = layer_row(replace(layer, weights=wrong))
    assert row["apart"] > 20
    assert row["outputs_apart"] > 20
    row = layer_row(replace(layer, factors=layer.factors * 1.01))
    assert row["apart"] == row["weights"]
    assert row["outputs_apart"] > row["outputs"] // 2  # an output of 0 stays one


def test_kernels_between_two_codewords_are_counted() -> None:
    patterns = torch.ones(4, 9)
    patterns[1:3, 4] = -1  # the same codeword twice leaves nothing open
    latent = torch.randn(2, 3, 3, 3)
    latent[0, 1, 1, 1] = 0
    state = {"x.weight": latent, "x.binarize.patterns": patterns}
    layer = codebook_layers(state)[0]
    assert layer.notes == ["1 of 6 kernels lie as near to a second codeword, as far as floats tell"]
    assert layer.authors.open == 9
