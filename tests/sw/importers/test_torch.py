"""Torch modules against their networks: every layer, of ours and of torch's own."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import subbit
from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import check_import
from subbit.sw.importers.torch.module import import_torch
from subbit.sw.ir import CodebookWeights, Padding, PlanesWeights, TiledWeights
from subbit.sw.nn import layers
from subbit.sw.nn.activations import QuantActivation, Range, SignActivation
from subbit.sw.nn.joins import AvgPool2d, GlobalAvgPool, Residual
from tests.sw.importers.operator_graphs import Between
from tests.sw.samples import message

IMAGE = torch.zeros(1, 2, 8, 8)
CODES = {"span": (0.0, 255.0)}


def settled(module: nn.Module) -> nn.Module:
    """The module with statistics of its norms as training leaves them, some factors negative."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d | layers.BatchNorm):
            size = part.num_features
            part.running_mean = torch.randn(size)
            part.running_var = torch.rand(size) * 50 + 1
            part.weight.data = torch.randn(size)
            part.bias.data = torch.randn(size)
    return module


def binary(part: nn.Module, bits: int = 1) -> nn.Module:
    """A torch layer with weights of few bits times a factor an output."""
    w = part.weight.data
    top = max((1 << (bits - 1)) - 1, 1)
    factor = 0.1 + torch.rand(len(w), *[1] * (w.ndim - 1))
    numbers = torch.where(w >= 0, 1.0, -1.0) if bits == 1 else torch.randint(-top, top + 1, w.shape)
    # A power of two keeps the products exact, so that an output's weights are its multiples.
    part.weight.data = numbers * 2 ** torch.round(torch.log2(factor))
    return part


class Sign(nn.Module):
    """x >= 0 as -1 and +1, by functions."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * torch.floor(torch.clamp(x, -1.0, 0.0)) + 1


class Steps(nn.Module):
    """A quantiser of functions."""

    def __init__(self, scale: float, low: int, high: int) -> None:
        super().__init__()
        self.scale, self.low, self.high = scale, low, high

    def forward(self, x: Tensor) -> Tensor:
        return torch.round(torch.clamp(x / self.scale, self.low, self.high)) * self.scale


def ours() -> nn.Module:
    """Every encoding of ours, several bits, a residual join, average pooling."""
    body = nn.Sequential(
        layers.QuantConv2d(8, 8, bits=2, padding=Padding.ZERO, integers=True, input_bits=2),
        layers.BatchNorm(8),
        QuantActivation(2, Range.UNSIGNED),
        layers.DepthwiseConv2d(8, padding=Padding.ZERO, integers=True, bits=1),
    )
    return nn.Sequential(
        layers.BinaryConv2d(2, 8, padding=Padding.ZERO),
        layers.BatchNorm(8),
        QuantActivation(2, Range.UNSIGNED),
        Residual(body, shift=2),
        layers.BatchNorm(8),
        SignActivation(),
        layers.CodebookConv2d(8, 8, tau=4, padding=Padding.MINUS),
        layers.MaxPool2d(),
        layers.BatchNorm(8),
        SignActivation(),
        AvgPool2d(2),
        layers.BatchNorm(8),
        QuantActivation(3),
        layers.Flatten(),
        layers.TiledLinear(32, 8, repeats=4, min_size=0),
        layers.BatchNorm(8),
        SignActivation(),
        layers.BinaryLinear(8, 5, shared=True),
        layers.Scale(0.3),
    )


def pooled() -> nn.Module:
    """Ours, ending in a global average."""
    return nn.Sequential(
        layers.QuantConv2d(2, 6, bits=3, integers=True),
        layers.BatchNorm(6),
        SignActivation(),
        GlobalAvgPool(),
        layers.Flatten(),
        layers.BatchNorm(6),
        SignActivation(),
        layers.BinaryLinear(6, 5),
        layers.BatchNorm(5),
    )


def plain() -> nn.Module:
    """A Sequential of torch's own layers."""
    return nn.Sequential(
        binary(nn.Conv2d(2, 6, 3, padding=1)),
        nn.BatchNorm2d(6),
        nn.Hardtanh(),
        Steps(1 / 8, -8, 7),
        nn.MaxPool2d(2),
        nn.Dropout(),
        binary(nn.Conv2d(6, 6, 3, groups=6, bias=False), 3),
        nn.PReLU(6),
        Steps(0.5, -4, 3),
        nn.AvgPool2d(2),
        Steps(0.25, -4, 3),
        nn.Flatten(),
        binary(nn.Linear(6, 6), 4),
        nn.BatchNorm1d(6),
        nn.Sigmoid(),
        Steps(1 / 4, 0, 4),
        binary(nn.Linear(6, 5)),
    )


class Net(nn.Module):
    """A graph with a shortcut, views, functions and constants."""

    def __init__(self) -> None:
        super().__init__()
        self.first = binary(nn.Conv2d(2, 4, 3, padding=1, bias=False))
        self.norm = nn.BatchNorm2d(4)
        self.second = binary(nn.Conv2d(4, 4, 3, bias=False, stride=2, padding=1))
        self.short = binary(nn.Conv2d(4, 4, 1, bias=False, stride=2))
        self.steps, self.sign = Steps(0.25, 0, 7), Sign()
        self.last = binary(nn.Linear(16, 5))
        self.shift = nn.Parameter(torch.randn(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = self.steps(functional.relu(self.norm(x)))
        x = self.second(x) + self.short(x)
        x = self.sign(x + self.shift)
        x = functional.avg_pool2d(x, 2)
        x = self.steps(x)
        return -(-self.last(x.view(x.size(0), -1)) / 3)


class Means(nn.Module):
    """Logits that are means of maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.sign = binary(nn.Conv2d(2, 6, 3)), Sign()
        self.end = binary(nn.Conv2d(6, 5, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.sign(self.conv(x))).mean(dim=(2, 3)).reshape(x.shape[0], -1)


CASES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "ours": (ours, CODES),
    "pooled": (pooled, CODES),
    "four bits": (ours, {"span": (0.0, 15.0), "bits": 4}),
    "plain": (plain, {}),
    "graph": (Net, {}),
    "means": (Means, {"span": (-1.0, 1.0)}),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_every_layer_agrees(name: str, seed: int) -> None:
    torch.manual_seed(seed)
    build, options = CASES[name]
    result = import_torch(settled(build()), IMAGE, **options)
    agreement = check_import(result, images=30)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    assert agreement["elements"] > 100


def test_encodings_are_kept() -> None:
    network = subbit.from_torch(settled(ours()), IMAGE, span=(0.0, 255.0), name="mine")
    kinds = {type(getattr(node.layer, "weights", None)) for node in network.nodes}
    assert kinds >= {CodebookWeights, TiledWeights, PlanesWeights}
    assert network.name == "mine"
    assert network.metadata["dataset"]["preprocess"] == {"bits": 8, "shift": 0}
    assert network.metadata["import"]["agreement"]["classes_apart"] == 0


class Branches(nn.Module):
    """Control flow that depends on the data."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Active(nn.Module):
    """Dropout that stays when nothing is trained."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, 0.5)


class Product(nn.Module):
    """Two tensors multiplied."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "real weights": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(128, 5)),
        "node '1' (Linear): its weights are not small integers times one factor an output; "
        "quantise the weights to 1 to 8 bits with one scale an output (or layer)",
    ),
    "real activations": (
        lambda: nn.Sequential(
            binary(nn.Conv2d(2, 4, 3)), nn.ReLU(), binary(nn.Conv2d(4, 4, 3)), nn.Softmax(1)
        ),
        "node '2' (Conv2d): its input is 1 of numbers that are not quantised; "
        "put a quantiser between them",
    ),
    "an unknown module": (
        lambda: nn.Sequential(nn.GLU()),
        "node '0' (GLU): there is no rule for it; replace it",
    ),
    "an active dropout": (
        lambda: nn.Sequential(binary(nn.Conv2d(2, 4, 3)), Active()),
        "node 'dropout' (dropout): it drops elements at random; "
        "call it with training=self.training",
    ),
    "double precision": (
        lambda: Between(lambda x: x.to(torch.float64)),
        "node 'to' (to): it makes numbers of type torch.float64; use float32, bool or integers",
    ),
    "a sum of booleans": (
        lambda: Between(lambda x: (x > 0) + (x > 1)),
        "node 'add' (add): it combines two booleans; make numbers of them by .float()",
    ),
    "a Softmax that is read": (
        lambda: nn.Sequential(nn.Flatten(), binary(nn.Linear(128, 5)), nn.Softmax(1), nn.ReLU()),
        "node '2' (Softmax): another node reads its result; end the module with it",
    ),
    "a Softmax at each place": (
        lambda: nn.Sequential(binary(nn.Conv2d(2, 4, 3)), nn.Softmax(1)),
        "node '1' (Softmax): it compares along axis 1 of 1x4x6x6 at 36 places; a network has no "
        "layer for that: end the graph before it, and pick on the host",
    ),
    "a layer of its own": (
        lambda: nn.Sequential(nn.Fold((2, 2), 2)),
        "node '0' (Fold): there is no rule for it; replace it",
    ),
    "a product": (
        Product,
        "node 'mul' (mul): its input is mul of numbers that are not quantised; "
        "put a quantiser between them",
    ),
    "a dilation": (
        lambda: nn.Sequential(binary(nn.Conv2d(2, 4, 2, dilation=5))),
        "node '0' (Conv2d): a convolution of kernel 2x2, strides [1, 1], pads [0, 0, 0, 0], "
        "dilations [5, 5]; use kernels of up to 11 rows and columns, strides of up to 4, dilations "
        "of up to 4, and less padding than the kernel reaches",
    ),
    "NaN": (
        lambda: nn.Sequential(nn.Flatten(), nan()),
        "parameter '1.weight' holds NaN or infinite numbers; "
        "train again with a lower learning rate",
    ),
}


def nan() -> nn.Module:
    """A layer that was not trained well."""
    layer = nn.Linear(128, 5)
    layer.weight.data[0, 0] = float("nan")
    return layer


@pytest.mark.parametrize("name", REFUSED)
def test_the_first_thing_it_cannot_take_is_named(name: str) -> None:
    build, expected = REFUSED[name]
    text = message(lambda: import_torch(build(), IMAGE), NetworkError)
    place, _, rest = text.rpartition(": node")
    assert (f"node{rest}" if place else text) == expected
    assert not place or re.fullmatch(r"tests/sw/importers/test_torch\.py:\d+", place)


def test_the_line_of_a_forward_is_named() -> None:
    text = message(lambda: import_torch(Product(), IMAGE), NetworkError)
    first = inspect.getsourcelines(Product.forward)[1]
    assert text.startswith(f"tests/sw/importers/test_torch.py:{first + 1}: node 'mul' (mul): ")


def test_control_flow_is_named() -> None:
    text = message(lambda: import_torch(Branches(), IMAGE), NetworkError)
    line = inspect.getsourcelines(Branches.forward)[1] + 1
    assert text.startswith(
        f"tests/sw/importers/test_torch.py:{line}: torch.fx cannot trace Branches ("
    )
    assert text.endswith("take control flow out of its forward")


def test_the_module_stays_in_training() -> None:
    module = settled(pooled()).train()
    import_torch(module, IMAGE, span=(0.0, 255.0))
    assert module.training


def test_a_module_that_does_not_run_is_named() -> None:
    parts = Between(torch.sign)

    class Integers(nn.Module):
        """Integers into a layer, which torch refuses."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = parts.first, parts.last

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.flatten(torch.sign(self.first(x)).int() * 2, 1))

    result = import_torch(Integers(), torch.zeros(1, 2, 8, 8))
    text = message(lambda: check_import(result), NetworkError)
    assert text.startswith("the module does not run on images (")
    assert text.endswith("); mend its forward")
