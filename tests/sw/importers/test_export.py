"""The export: integers that agree with the float module on all accumulators and activations."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.export import export, export_module
from subbit.sw.ir import (
    Affine,
    Encoding,
    Padding,
    TensorType,
    Threshold,
    TiledWeights,
    load_network,
)
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


def codes_by_thresholds(layer: Threshold, every: np.ndarray) -> np.ndarray:
    """What the thresholds make of each integer, ``(integers, channels)``."""
    passed = (every[:, None, None] >= layer.thresholds).sum(2)
    return np.where(layer.rising == 1, passed, layer.levels - passed)


def folded(*parts: nn.Module) -> tuple[Threshold, TensorType]:
    """The thresholds of a convolution of three channels, norm and activation; their integers."""
    made = export(nn.Sequential(*parts), TensorType.codes(3, 3, 3, 4, Encoding.UNSIGNED), "test")
    layer = made.node("act1").layer
    assert isinstance(layer, Threshold)
    return layer, made.types["conv1"]


def codes_by_module(every: np.ndarray, dot: nn.Module, *tail: nn.Module) -> np.ndarray:
    """What the module makes of each integer, ``(integers, channels)``."""
    rows = torch.from_numpy(every)[:, None].expand(-1, len(dot.encoder.weights().dense()))
    with torch.no_grad():
        x = dot.apply_factors(rows.float()[:, :, None, None], dot.encoder()[1])
        for part in tail:
            x = part.eval()(x)
    return tail[-1].codes(x).flatten(1).numpy()


class TestThresholds:
    @pytest.mark.parametrize("norm", [BatchNorm, nn.BatchNorm2d])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_every_integer_agrees_with_the_float_module(
        self, norm: type[nn.BatchNorm2d], seed: int
    ) -> None:
        torch.manual_seed(seed)
        parts = BinaryConv2d(3, 20), shuffled(norm(20), seed), SignActivation()
        layer, dots = folded(*parts)
        every = np.arange(dots.low, dots.high + 1)
        assert (dots.low, dots.high) == (-27 * 15, 27 * 15)
        got = codes_by_thresholds(layer, every)
        assert np.array_equal(got, codes_by_module(every, *parts))
        assert not layer.rising.all()
        ends = {dots.low, dots.high + 1}
        assert ends <= set(layer.thresholds[:, 0].tolist())
        assert layer.thresholds.min() >= dots.low
        assert layer.thresholds.max() <= dots.high + 1

    def test_a_boundary_exactly_on_an_integer(self) -> None:
        # x - 3 and 3 - x: both are +1 at 3, where the real value is 0.
        dot = BinaryConv2d(3, 2).eval()
        dot.encoder.latent.data.fill_(1.0)
        norm = BatchNorm(2, eps=0.0).eval()
        norm.weight.data = torch.tensor([1.0, -1.0])
        norm.running_mean = torch.tensor([3.0, 3.0])
        layer, _ = folded(dot, norm, SignActivation())
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

    def test_what_cannot_be_taken_is_named(self) -> None:
        conv, sign = BinaryConv2d(2, 4), SignActivation()
        assert "node '0' (Conv2d): its weights are not" in self.refused(nn.Conv2d(2, 4, 3))
        again = self.refused(conv, BinaryConv2d(4, 4))
        assert again.startswith("node '1' (BinaryConv2d): its input is not quantised: there is no")
        dilated = nn.MaxPool2d(2, dilation=2)
        assert "dilat" in self.refused(conv, sign, dilated)
        tiled = TiledLinear(144, 8, repeats=4, min_size=1)
        assert "flatten with subbit's Flatten" in self.refused(conv, sign, nn.Flatten(), tiled)
        with pytest.raises(NetworkError, match="trained on unsigned codes"):
            export(conv, TensorType.codes(8, 8, 2, 1, Encoding.BIPOLAR), "test")

    def test_numbers_that_are_none(self) -> None:
        conv = BinaryConv2d(2, 4)
        conv.encoder.latent.data[0, 0, 0, 0] = float("nan")
        message = self.refused(conv, SignActivation())
        assert message.startswith("parameter '0.encoder.latent' holds NaN or infinite numbers")


ENDS: dict[str, Callable[[], list[nn.Module]]] = {
    "sign of the input": lambda: [shuffled(BatchNorm(2), 1), SignActivation(), *ending(2, 128)],
    "two norms around a pooling": lambda: [
        BinaryConv2d(2, 8),
        shuffled(BatchNorm(8), 1),
        MaxPool2d(),
        shuffled(nn.BatchNorm2d(8), 2),
        nn.Dropout(0.5),
        SignActivation(),
        *ending(8, 72),
    ],
    "two poolings": lambda: [
        *(BinaryConv2d(2, 8), SignActivation(), MaxPool2d(), MaxPool2d()),
        *ending(8, 8),
    ],
    "ReLU before a norm": lambda: [
        *(BinaryConv2d(2, 8), nn.ReLU(), shuffled(BatchNorm(8), 5), SignActivation(), MaxPool2d()),
        *ending(8, 72),
    ],
    "torch's Flatten": lambda: [
        *(BinaryConv2d(2, 8), shuffled(BatchNorm(8), 3), SignActivation(), MaxPool2d()),
        *(nn.Flatten(), BinaryLinear(72, 12), shuffled(nn.BatchNorm1d(12), 4), SignActivation()),
        BinaryLinear(12, 10, shared=True),
    ],
}


def ending(channels: int, size: int) -> list[nn.Module]:
    """Logits of a map of that size."""
    assert size % channels == 0
    return [Flatten(), BinaryLinear(size, 10, shared=True)]


@pytest.mark.parametrize("name", ENDS)
def test_other_orders_are_taken(name: str) -> None:
    torch.manual_seed(len(name))
    module = nn.Sequential(*ENDS[name]())
    codes = pixels(50)
    found = export_module(module, PIXELS, "test", codes=codes).require_exact(codes)
    assert found.images == 50
    assert sum(row.rounded for row in found.layers) == 0
    assert sum(row.elements for row in found.layers) > 1000


class Forward(nn.Module):
    """A residual block and branches in a forward of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = BinaryConv2d(2, 8, padding=Padding.ZERO)
        self.norms = nn.ModuleList(shuffled(BatchNorm(8), seed) for seed in range(3))
        self.signs = nn.ModuleList(SignActivation() for _ in range(3))
        shape = {"padding": Padding.MINUS, "integers": True}
        self.body = nn.ModuleList(BinaryConv2d(8, 8, **shape) for _ in range(2))
        self.last = BinaryLinear(8 * 16, 10, shared=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.signs[0](self.norms[0](self.stem(x)))
        y = self.signs[1](self.norms[1](self.body[0](x)))
        x = self.signs[2](self.norms[2](self.body[1](y) + 4 * x))
        x = torch.flatten(nn.functional.max_pool2d(x, 2), 1)
        return self.last(nn.functional.dropout(x, 0.2, training=self.training))


def test_a_forward_with_a_residual_addition() -> None:
    torch.manual_seed(8)
    module, codes = Forward(), pixels(40)
    made = export_module(module, PIXELS, "test", codes=codes)
    made.require_exact(codes)
    assert module.training
    names = [node.name for node in made.network.nodes]
    assert names[:6] == ["conv1", "act1", "conv2", "act2", "conv3", "add1"]
    assert names[6:] == ["act_add1", "pool3", "flatten", "fc1", "argmax"]


def test_a_difference_is_an_error() -> None:
    torch.manual_seed(9)
    module, codes = nn.Sequential(*ENDS["two poolings"]()), pixels(30)
    made = export_module(module, PIXELS, "test")
    module[0].encoder.latent.data.neg_()
    with pytest.raises(NetworkError, match=r"differs from the module in \d+ of \d+ numbers and"):
        made.require_exact(codes)


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


def test_the_examples_in_the_docs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / "use" / "training.md"
    monkeypatch.chdir(tmp_path)
    for rest in page.read_text().split("```python\n")[1:]:
        exec(compile(rest.partition("```")[0], str(page), "exec"), {})
    assert load_network("mine.safetensors").output_type.channels == 1
