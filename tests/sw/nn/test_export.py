"""The export: integers that agree with the float module on all accumulators and activations."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    Affine,
    Encoding,
    Padding,
    TensorType,
    Threshold,
    TiledWeights,
    load_network,
)
from subbit.sw.nn import export
from subbit.sw.nn.fold import fold_threshold
from subbit.sw.nn.layers import (
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    CodebookConv2d,
    Flatten,
    MaxPool2d,
    Scale,
    SignActivation,
    TiledConv2d,
    TiledLinear,
)
from subbit.sw.nn.real import real_part
from tests.paths import DOCS
from tests.sw.nn.nn_checks import assert_same

PIXELS = TensorType.codes(8, 8, 2, 4, Encoding.UNSIGNED)


def shuffled(norm: nn.Module, seed: int) -> nn.Module:
    """The BatchNorm with random statistics and factors: negative, zero and huge ones among them."""
    draw = torch.Generator().manual_seed(seed)
    size = len(norm.weight)
    norm.weight.data = torch.randn(size, generator=draw)
    norm.weight.data[::5] = 0.0
    norm.bias.data = torch.randn(size, generator=draw)
    norm.bias.data[::10] = 0.0
    norm.bias.data[1::7] *= 1000
    norm.running_mean = torch.randn(size, generator=draw)
    norm.running_var = torch.rand(size, generator=draw) + 0.01
    return norm


def pixels(count: int, seed: int = 0) -> np.ndarray:
    """Random input codes."""
    return np.random.default_rng(seed).integers(0, 16, (count, 8, 8, 2)).astype(np.uint8)


class TestThresholds:
    @pytest.mark.parametrize("norm", [BatchNorm, nn.BatchNorm2d])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_every_integer_agrees_with_the_float_module(
        self, norm: type[nn.BatchNorm2d], seed: int
    ) -> None:
        torch.manual_seed(seed)
        dot = BinaryConv2d(3, 20).eval()
        tail = [shuffled(norm(20), seed).eval()]
        dots = TensorType.integers(1, 1, 20, -27 * 15, 27 * 15)
        with torch.no_grad():
            real = real_part(dot, tail)
            layer = fold_threshold(real, dots)
            every = range(dots.low, dots.high + 1)
            wanted = torch.stack([real(torch.full((20,), n)) >= 0 for n in every]).numpy()
        got = (np.array(every)[:, None] >= layer.thresholds[:, 0]) == layer.rising
        assert np.array_equal(got, wanted)
        assert not layer.rising.all()
        ends = {dots.low, dots.high + 1}
        assert ends <= set(layer.thresholds[:, 0].tolist())
        assert layer.thresholds.min() >= dots.low
        assert layer.thresholds.max() <= dots.high + 1

    def test_a_boundary_exactly_on_an_integer(self) -> None:
        # x - 3 and 3 - x: both are +1 at 3, where the real value is 0.
        dot = BinaryConv2d(1, 2).eval()
        dot.encoder.latent.data.fill_(1.0)
        norm = BatchNorm(2, eps=0.0).eval()
        norm.weight.data = torch.tensor([1.0, -1.0])
        norm.running_mean = torch.tensor([3.0, 3.0])
        with torch.no_grad():
            layer = fold_threshold(real_part(dot, [norm]), TensorType.integers(1, 1, 2, -9, 9))
        assert layer.thresholds.tolist() == [[3], [4]]
        assert layer.rising.tolist() == [1, 0]


def convolutions() -> dict[str, nn.Module]:
    """An inner convolution 20 -> 8 of each encoding."""
    return {
        "plain": BinaryConv2d(20, 8, padding=Padding.ZERO),
        "minus": BinaryConv2d(20, 8, 5, padding=Padding.MINUS),
        "stride": BinaryConv2d(20, 8, stride=2, padding=Padding.PLUS),
        "codebook": CodebookConv2d(20, 8, tau=3, padding=Padding.ZERO),
        "tiled": TiledConv2d(20, 8, repeats=4, min_size=1, padding=Padding.ZERO),
        "crossing": TiledConv2d(20, 8, repeats=5, min_size=1, padding=Padding.ZERO),
    }


def network(name: str, pool: str, last: list[nn.Module]) -> nn.Sequential:
    """A random network with that inner convolution and that place of the pooling."""
    norm, sign = shuffled(BatchNorm(20), 3), SignActivation()
    rising = shuffled(BatchNorm(20, positive=True), 3)
    blocks = {
        "before norm": [MaxPool2d(), norm, sign],
        "before positive norm": [MaxPool2d(), rising, sign],
        "before sign": [norm, MaxPool2d(), sign],
        "after sign": [norm, sign, nn.MaxPool2d(2)],
    }
    inner = nn.Sequential(convolutions()[name], shuffled(nn.BatchNorm2d(8), 4), SignActivation())
    stem = BinaryConv2d(2, 20, padding=Padding.ZERO)
    return nn.Sequential(stem, *blocks[pool], inner, Flatten(), *last)


class TestNetworks:
    @pytest.mark.parametrize("name", convolutions())
    @pytest.mark.parametrize(
        "pool", ["before norm", "before positive norm", "before sign", "after sign"]
    )
    def test_all_activations_and_orders_agree(self, name: str, pool: str) -> None:
        torch.manual_seed(len(name + pool))
        size = 8 * (4 if name == "stride" else 16)
        last = [BinaryLinear(size, 10, shared=True), Scale(0.3)]
        module = network(name, pool, last)
        codes = pixels(40)
        exported = export(module, PIXELS, "test", {"classes": []}, codes=codes)
        assert_same(module, exported, codes)
        names = [node.name for node in exported.nodes]
        blocks = ["pool1", "act1"] if pool == "before norm" else ["act1", "pool1"]
        assert names == ["conv1", *blocks, "conv2", "act2", "flatten", "fc1", "argmax"]
        assert exported.metadata["classes"] == []
        if name == "crossing":
            assert exported.metadata["export"]["tile_scale_error"].keys() == {"conv2"}

    def test_a_module_in_training_stays_in_training(self) -> None:
        module = network("plain", "after sign", [BinaryLinear(128, 10, shared=True)]).train()
        export(module, PIXELS, "test")
        assert all(part.training for part in module.modules())

    @pytest.mark.parametrize("hidden", [BinaryLinear, TiledLinear])
    def test_hidden_layer_and_affine_logits(self, hidden: type[nn.Module]) -> None:
        torch.manual_seed(5)
        more = {"repeats": 4, "min_size": 1} if hidden is TiledLinear else {}
        last = [hidden(128, 16, **more), shuffled(BatchNorm(16), 6), SignActivation()]
        last += [BinaryLinear(16, 10), nn.BatchNorm1d(10)]
        module = network("plain", "before sign", last)
        last[-1].weight.data = torch.linspace(-1, 2, 10)
        last[-1].bias.data = torch.randn(10)
        codes = pixels(60)
        exported = export(module, PIXELS, "test", codes=codes)
        assert [node.name for node in exported.nodes][-5:] == [
            "fc1",
            "act_fc1",
            "fc2",
            "affine",
            "argmax",
        ]
        assert_same(module, exported, codes)
        note = exported.metadata["export"]["affine"]
        assert note["orders_kept"] == note["images"] == 60
        affine = exported.node("affine").layer
        assert isinstance(affine, Affine)
        assert int(np.abs(affine.scale).max()).bit_length() + 1 == note["scale_bits"] < 18

    def test_tiled_weights_are_stored_once(self) -> None:
        module = network("tiled", "after sign", [BinaryLinear(128, 10, shared=True)])
        weights = export(module, PIXELS, "test").node("conv2").layer.weights
        assert isinstance(weights, TiledWeights)
        assert weights.stored_bits == 20 * 9 * 8 // 4
        assert not weights.scaled


class TestRefusals:
    def refused(self, *modules: nn.Module) -> str:
        """The message with which the export refuses the modules."""
        with pytest.raises(NetworkError) as caught:
            export(nn.Sequential(*modules), PIXELS, "test")
        return str(caught.value)

    def test_unknown_modules_are_named(self) -> None:
        assert "cannot export Conv2d" in self.refused(nn.Conv2d(2, 4, 3))
        stem = (BinaryConv2d(2, 4), SignActivation())
        assert "use subbit.sw.nn.layers.Flatten" in self.refused(*stem, nn.Flatten())

    def test_order_of_modules(self) -> None:
        conv, sign, norm = BinaryConv2d(2, 4), SignActivation(), BatchNorm(4)
        assert "there is no activation after 'conv1'" in self.refused(conv, BinaryConv2d(4, 4))
        assert "must follow a convolution" in self.refused(sign)
        assert "must follow a convolution" in self.refused(norm)
        assert "behind the activation of 'conv1'" in self.refused(conv, Flatten())
        assert "behind the last BatchNorm" in self.refused(conv, norm, MaxPool2d(), norm)
        assert "pooled twice" in self.refused(conv, norm, MaxPool2d(), MaxPool2d())
        assert "there are two 'pool1'" in self.refused(conv, sign, MaxPool2d(), MaxPool2d())
        assert "last layer must be" in self.refused(conv, sign)
        assert "logits cannot be pooled" in self.refused(conv, norm, MaxPool2d())
        assert "2x2 with stride 2" in self.refused(conv, sign, nn.MaxPool2d(3))

    def test_numbers_that_are_none(self) -> None:
        conv = BinaryConv2d(2, 4)
        conv.encoder.latent.data[0, 0, 0, 0] = float("nan")
        message = self.refused(conv, SignActivation())
        assert message.startswith("parameter '0.encoder.latent' holds NaN or infinite numbers")


def test_positive_batchnorm_trains_as_it_evaluates() -> None:
    torch.manual_seed(1)
    x = torch.randn(16, 20, 4, 4)
    ours, theirs = shuffled(BatchNorm(20, positive=True), 3), shuffled(nn.BatchNorm2d(20), 3)
    theirs.weight.data.abs_()
    assert torch.allclose(ours.train()(x), theirs.train()(x), atol=1e-3)
    assert torch.allclose(ours.running_var, theirs.running_var)
    assert torch.allclose(ours.running_mean, theirs.running_mean)
    assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-3)


def test_thresholds_are_one_bit() -> None:
    module = network("plain", "after sign", [BinaryLinear(128, 10, shared=True)])
    layer = export(module, PIXELS, "test").node("act1").layer
    assert isinstance(layer, Threshold)
    assert layer.bits == 1


def test_the_example_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / "use" / "training.md"
    _, _, rest = page.read_text().partition("```python\n")
    monkeypatch.chdir(tmp_path)
    exec(compile(rest.partition("```")[0], str(page), "exec"), {})
    assert load_network("mine.safetensors").output_type.channels == 1
