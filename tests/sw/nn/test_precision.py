"""The export of networks of several bits, with sums and joins, agrees with the float module."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import (
    Add,
    CodebookWeights,
    DepthwiseConv2d,
    Encoding,
    Padding,
    PlanesWeights,
    TensorType,
    Threshold,
)
from subbit.sw.nn import layers as la
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.encoders import TiledEncoder
from subbit.sw.nn.joins import AvgPool2d, Concat, GlobalAvgPool, Residual, Select
from subbit.sw.nn.quantised import PlanesEncoder
from tests.sw.importers.test_export import (
    codes_by_module,
    codes_by_thresholds,
    folded,
    shuffled,
)
from tests.sw.nn.nn_checks import assert_same

PIXELS = TensorType.codes(8, 8, 2, 4, Encoding.UNSIGNED)
ALL_BITS = tuple(range(1, 9))


def activation(bits: int, kind: la.Range = la.Range.HARD_TANH) -> la.QuantActivation:
    """An activation without the warning that belongs to its range."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return la.QuantActivation(bits, kind)


class TestThresholds:
    @pytest.mark.parametrize("bits", ALL_BITS)
    @pytest.mark.parametrize("kind", la.Range)
    @pytest.mark.parametrize("norm", [la.BatchNorm, nn.BatchNorm2d])
    def test_every_integer_gets_the_modules_code(
        self, bits: int, kind: la.Range, norm: type[nn.BatchNorm2d]
    ) -> None:
        torch.manual_seed(bits)
        part = shuffled(norm(20), bits)
        part.running_var *= 2000
        chosen = activation(bits, kind)
        parts = la.QuantConv2d(3, 20, bits=3), part, chosen
        layer, dots = folded(*parts)
        every = np.arange(dots.low, dots.high + 1)
        wanted = codes_by_module(every, *parts)
        assert np.array_equal(codes_by_thresholds(layer, every), wanted)
        assert layer.bits == bits
        assert layer.encoding is chosen.encoding
        assert (np.diff(layer.thresholds) >= 0).all()
        assert layer.thresholds.min() >= dots.low
        assert layer.thresholds.max() <= dots.high + 1
        constant = kind is la.Range.RELU and bits == 1  # its one bit is always 1
        assert layer.rising.all() == constant
        assert (wanted == wanted[0]).all(0)[::5].all()  # gamma 0

    def test_boundaries_exactly_on_integers(self) -> None:
        # 2-bit codes change at -2/3, 0, 2/3 = -2, 0, 2 thirds, upwards and downwards.
        norm = la.BatchNorm(2, eps=0.0).eval()
        norm.running_var[:] = 9.0
        norm.weight.data = torch.tensor([1.0, -1.0])
        dot = la.QuantConv2d(3, 2, bits=2, integers=True)
        layer, _ = folded(dot, norm, activation(2))
        codes = codes_by_module(np.array([-2, 0, 2]), dot, norm, activation(2))
        assert layer.rising.tolist() == [1, 0]
        assert codes[1].tolist() == [2, 2]
        assert layer.thresholds[0].tolist() == [-2, 0, 2]
        assert codes[:, 0].tolist() == [1, 2, 3]
        assert layer.thresholds[1].tolist() == [-1, 1, 3]
        assert codes[:, 1].tolist() == [3, 2, 1]


def norm(channels: int, bits: int, kind: la.Range = la.Range.HARD_TANH) -> list[nn.Module]:
    """A random BatchNorm, scaled for integers of some size, and an activation."""
    part = shuffled(la.BatchNorm(channels), channels + bits)
    part.running_var *= 900
    part.running_mean *= 20
    return [part, activation(bits, kind)]


def stem(bits: int, kind: la.Range = la.Range.HARD_TANH) -> list[nn.Module]:
    """A convolution from the pixels to 12 channels."""
    return [la.QuantConv2d(2, 12, bits=3, padding=Padding.ZERO), *norm(12, bits, kind)]


def inner(bits: int, **more: object) -> nn.Module:
    """A convolution of 12 channels whose dot products may be added."""
    geometry = {"padding": Padding.ZERO, "integers": True, "input_bits": bits, **more}
    return la.QuantConv2d(12, 12, bits=2, **geometry)


def planes(*kinds: str) -> la.CodedConv2d:
    """A convolution of 12 channels with a bit plane of each kind."""
    shape = (12, 12, 3, 3)
    made = {
        "codebook": lambda: CodebookEncoder(shape, tau=4),
        "tiled": lambda: TiledEncoder(shape, repeats=4, min_size=1),
    }
    encoder = PlanesEncoder([made[kind]() for kind in kinds])
    return la.CodedConv2d(encoder, padding=Padding.MINUS, input_bits=3)


def shifted_pair(kind: la.Range, padding: Padding) -> list[nn.Module]:
    """A block whose activations have another range."""
    conv = la.QuantConv2d(12, 12, bits=2, padding=padding, input_bits=3)
    return [*stem(3, kind), conv, *norm(12, 2, kind)]


BODIES: dict[str, Callable[[], list[nn.Module]]] = {
    "codebook planes": lambda: [*stem(3), planes("codebook", "codebook"), *norm(12, 4)],
    "tiled planes": lambda: [*stem(3), planes("tiled", "codebook", "tiled"), *norm(12, 4)],
    "codebook, 2-bit activations": lambda: [
        *stem(2),
        la.CodebookConv2d(12, 12, tau=3, padding=Padding.PLUS, input_bits=2),
        *norm(12, 2),
    ],
    "eight bits": lambda: [
        *stem(8),
        la.QuantConv2d(12, 40, 5, bits=8, padding=Padding.ZERO),
        *norm(40, 8),
        la.QuantConv2d(40, 12, 5, bits=8, padding=Padding.ZERO),
        *norm(12, 3),
    ],
    "shifted": lambda: shifted_pair(la.Range.SHIFTED, Padding.MINUS),
    "unsigned": lambda: shifted_pair(la.Range.UNSIGNED, Padding.ZERO),
    "relu": lambda: shifted_pair(la.Range.RELU, Padding.ZERO),
    "depthwise": lambda: [
        *stem(2),
        la.DepthwiseConv2d(12, bits=3, padding=Padding.MINUS, input_bits=2),
        *norm(12, 3),
        la.QuantConv2d(12, 12, 1, bits=2),
        *norm(12, 3),
    ],
    "averages of codes": lambda: [*stem(2), AvgPool2d(2), *norm(12, 4)],
    "averages of integers": lambda: [*stem(2), inner(2), AvgPool2d(3, 2), *norm(12, 2)],
    "max then average": lambda: [*stem(2), la.MaxPool2d(), AvgPool2d(2), *norm(12, 3)],
    "max pool before norm": lambda: [*stem(2), inner(2), la.MaxPool2d(), *norm(12, 2)],
    "skip of codes": lambda: [*stem(2), Residual(inner(2), shift=4), *norm(12, 2)],
    "skip of integers": lambda: [
        *stem(2),
        inner(2),
        Residual(nn.Sequential(*norm(12, 3), inner(3))),
        Residual(nn.Sequential(*norm(12, 2), inner(2))),
        *norm(12, 2),
    ],
    "downsampling": lambda: [
        *stem(2),
        Residual(
            nn.Sequential(inner(2, stride=2), *norm(12, 2), inner(2, padding=Padding.MINUS)),
            la.QuantConv2d(12, 12, 1, bits=4, stride=2, integers=True),
        ),
        *norm(12, 4),
    ],
    "average as the short path": lambda: [
        *stem(2),
        Residual(inner(2, stride=2), AvgPool2d(2), shift=3),
        *norm(12, 2),
    ],
    "beside each other": lambda: [
        *stem(2),
        Concat(nn.Sequential(), nn.Sequential(inner(2), *norm(12, 1)), Select([3, 0, 3])),
        la.QuantConv2d(27, 12, 3, bits=2, padding=Padding.ZERO),
        *norm(12, 3),
    ],
    "beside as integers": lambda: [
        *stem(2),
        Concat(inner(2), nn.Sequential(la.MaxPool2d(), nn.Upsample(scale_factor=2))),
        *norm(24, 2),
        nn.ChannelShuffle(4),
        nn.ConstantPad2d((0, 1, 1, 0), -3.0),
        la.QuantConv2d(24, 12, 3, bits=2),
        *norm(12, 3),
    ],
    "two activations of one sum": lambda: [
        *stem(2),
        inner(2),
        Residual(nn.Sequential(*norm(12, 2), inner(2)), nn.Sequential(*norm(12, 4))),
        *norm(12, 2),
    ],
}


def frames(count: int, seed: int = 0) -> np.ndarray:
    """Random input codes."""
    return np.random.default_rng(seed).integers(0, 16, (count, 8, 8, 2)).astype(np.uint8)


class TestNetworks:
    @pytest.mark.parametrize("name", BODIES)
    def test_all_codes_and_orders_agree(self, name: str) -> None:
        torch.manual_seed(len(name))
        body = nn.Sequential(*BODIES[name]())
        head = [GlobalAvgPool(), *norm(12, 4), la.Flatten(), la.QuantLinear(12, 10, bits=3)]
        module = nn.Sequential(body, *head, la.Scale(0.1))
        for part in module.modules():
            if isinstance(part, la.QuantEncoder):
                part.latent.data *= 2
        codes = frames(30)
        exported = export(module, PIXELS, "test", codes=codes)
        assert_same(module, exported, codes)
        busy = [node for node in exported.nodes if isinstance(node.layer, Threshold)]
        assert len(busy) == sum(isinstance(p, la.Activation) for p in module.modules())

    def test_logits_of_a_global_average(self) -> None:
        torch.manual_seed(3)
        last = [la.QuantConv2d(12, 10, 1, bits=2, integers=True), GlobalAvgPool(), la.Flatten()]
        module = nn.Sequential(*stem(2), *last, nn.BatchNorm1d(10))
        codes = frames(50)
        exported = export(module, PIXELS, "test", codes=codes)
        assert_same(module, exported, codes)
        names = [node.name for node in exported.nodes]
        assert names == ["conv1", "act1", "conv2", "gap1", "argmax"]
        module[-1].weight.data = torch.linspace(-1, 2, 10)
        exported = export(module, PIXELS, "test", codes=codes)
        assert exported.nodes[-2].name == "affine"
        assert_same(module, exported, codes)

    def test_kinds_of_layers(self) -> None:
        def layers(name: str) -> dict[str, object]:
            head = [GlobalAvgPool(), *norm(12, 4), la.Flatten(), la.BinaryLinear(12, 10)]
            network = export(nn.Sequential(*BODIES[name](), *head), PIXELS, "test")
            return {node.name: node.layer for node in network.nodes}

        depthwise = layers("depthwise")["dw1"]
        assert isinstance(depthwise, DepthwiseConv2d)
        assert depthwise.weights.shape == (12, 1, 3, 3)
        found = layers("codebook planes")["conv2"].weights
        assert isinstance(found, PlanesWeights)
        assert all(isinstance(plane, CodebookWeights) for plane in found.planes)
        assert layers("skip of codes")["add1"] == Add(0, 4)
        assert {"act2", "act2_2"} <= layers("two activations of one sum").keys()


class TestRefusals:
    def refused(self, *modules: nn.Module) -> str:
        """The message with which the export refuses the modules."""
        with pytest.raises(NetworkError) as caught:
            export(nn.Sequential(*modules), PIXELS, "test")
        return str(caught.value)

    def test_sums_need_integers(self) -> None:
        plain = la.QuantConv2d(12, 12, bits=2, padding=Padding.ZERO)
        for last in (AvgPool2d(2), GlobalAvgPool()):
            message = self.refused(*stem(2), plain, last)
            assert "it sums integers, and before it is a real factor, a BatchNorm" in message
            assert "build the layer before it with integers=True" in message
        factors = "it adds dot products that have real factors; build their layers with integers"
        assert factors in self.refused(*stem(2), Residual(plain))
        bodies = nn.Sequential(*norm(12, 2), inner(2))
        assert factors in self.refused(*stem(2), plain, Residual(bodies))
        mean = [inner(2), la.BatchNorm(12), AvgPool2d(2)]
        assert "it sums integers" in self.refused(*stem(2), *mean)

    def test_shapes_that_do_not_join(self) -> None:
        join = Residual(inner(2, stride=2))
        assert "give both paths the same shape" in self.refused(*stem(2), join)
        with pytest.raises(NetworkError, match=r"end in \(12, 4, 4\) and \(12, 8, 8\)"):
            nn.Sequential(*stem(2), join)(torch.zeros(1, 2, 8, 8))

    def test_padding_of_another_width(self) -> None:
        conv = la.QuantConv2d(12, 12, bits=2, padding=Padding.MINUS)
        assert "pads codes of 3 bits as if they had 1" in self.refused(*stem(3), conv)
        unsigned = stem(3, la.Range.UNSIGNED)
        conv = la.QuantConv2d(12, 12, bits=2, padding=Padding.MINUS, input_bits=3)
        assert "use zero padding for unsigned ones" in self.refused(*unsigned, conv)

    def test_sums_beyond_a_floats_integers(self) -> None:
        conv = la.QuantConv2d(12, 12, 5, bits=8, padding=Padding.ZERO, integers=True)
        assert "beyond the 24 bits that are exact" in self.refused(*stem(8), conv, GlobalAvgPool())

    def test_pooling_of_nothing(self) -> None:
        with pytest.raises(NetworkError, match="the kernel of average pooling is 1 to 1024"):
            AvgPool2d(0)
        with pytest.raises(NetworkError, match="overlap have up to 8 rows and columns, not 9"):
            AvgPool2d(9, 1)
