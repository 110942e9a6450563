"""Modules that torch.ao prepared for quantisation-aware training against their networks."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.ao import quantization as ao

import subbit
from subbit.sw.errors import NetworkError
from subbit.sw.ir import PlanesWeights, Threshold
from tests.sw.samples import message

IMAGE = torch.zeros(1, 2, 8, 8)


class Net(nn.Module):
    """A convolution and a linear layer between torch.ao's stubs."""

    def __init__(self) -> None:
        super().__init__()
        self.quant, self.dequant = ao.QuantStub(), ao.DeQuantStub()
        self.conv, self.norm, self.relu = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        self.last = nn.Linear(144, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(self.quant(x))))
        return self.dequant(self.last(torch.flatten(x, 1)))


def grid(bits: int, *, signed: bool, per_channel: bool = False) -> Any:
    """Fake quantisers of so many bits."""
    top = (1 << (bits - 1)) - 1
    low, high = (-top, top) if signed else (0, 2 * top + 1)
    if per_channel:
        observer, scheme = ao.MovingAveragePerChannelMinMaxObserver, torch.per_channel_symmetric
    else:
        scheme = torch.per_tensor_symmetric if signed else torch.per_tensor_affine
        observer = ao.MovingAverageMinMaxObserver
    kind = torch.qint8 if signed else torch.quint8
    return ao.FakeQuantize.with_args(
        observer=observer, quant_min=low, quant_max=high, dtype=kind, qscheme=scheme
    )


def prepared(activations: Any, weights: Any, fused: bool = False) -> nn.Module:
    """The module as training leaves it."""
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = Net().train()
        if fused:
            module = ao.fuse_modules_qat(module, [["conv", "norm", "relu"]])
        module.qconfig = ao.QConfig(activation=activations, weight=weights)
        module = ao.prepare_qat(module)
    for _ in range(4):
        module(torch.rand(16, 2, 8, 8))
    return module.eval()


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("activation_bits", "weight_bits"), [(4, 4), (6, 2), (8, 8)])
def test_a_prepared_module_agrees(
    activation_bits: int, weight_bits: int, per_channel: bool
) -> None:
    weights = grid(weight_bits, signed=True, per_channel=per_channel)
    module = prepared(grid(activation_bits, signed=False), weights)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network = subbit.from_torch(module, IMAGE)
    agreement = network.metadata["import"]["agreement"]
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    assert agreement["elements"] > 1000
    assert isinstance(network.node("conv1").layer.weights, PlanesWeights)
    first = network.node("act1").layer
    assert isinstance(first, Threshold)
    assert first.bits <= activation_bits
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_a_fused_module_is_refused() -> None:
    module = prepared(grid(4, signed=False), grid(4, signed=True), fused=True)
    text = message(lambda: subbit.from_torch(module, IMAGE), NetworkError)
    assert "torch.ao fused it of several layers; prepare the network without fuse_modules" in text
