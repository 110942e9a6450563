"""Post-training quantisation: float networks against what is made of them, step by step."""

import json
from collections.abc import Callable
from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import subbit
from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.export import export_module
from subbit.sw.ir import Encoding, PlanesWeights, TensorType, load_network
from subbit.sw.nn.scaled import ScaledEncoder, best_steps
from subbit.sw.train.bit_search import search_bits, stored_bits
from subbit.sw.train.float_graph import best_reach, quantised_graph
from subbit.sw.train.quantise import quantise_model
from tests.paths import EXAMPLES
from tests.sw.importers.test_torch import settled
from tests.sw.samples import message

MODEL = f"{EXAMPLES / 'own-model' / 'my_float.py'}:trained"
PIXELS = TensorType.codes(8, 8, 2, 4, Encoding.UNSIGNED)
UNIT = 1 / 15


def frames(count: int) -> Tensor:
    """Random codes."""
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 16, (count, 2, 8, 8), generator=draw).float()


class Residual(nn.Module):
    """Two paths, of which one is a convolution with a stride, and means in two spellings."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.body = nn.Conv2d(8, 8, 3, padding=1, stride=2)
        self.short = nn.Conv2d(8, 8, 1, stride=2, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(8), nn.BatchNorm2d(8)])
        self.last = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.relu(self.norms[0](self.body(x)) + self.norms[1](self.short(x)))
        x = functional.avg_pool2d(x, 2)
        return self.last(x.mean((2, 3)))


def chain() -> nn.Module:
    """Biases, poolings and Dropout in a row; the input is normalised first."""
    return nn.Sequential(
        nn.BatchNorm2d(2),
        *(nn.Conv2d(2, 8, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.3)),
        *(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.Hardtanh()),
        *(nn.Conv2d(8, 6, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 5, bias=False)),
    )


def perceptron() -> nn.Module:
    """Linear layers on the pixels."""
    return nn.Sequential(nn.Flatten(), nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, 5))


NETS: dict[str, Callable[[], nn.Module]] = {
    "residual": Residual,
    "chain": chain,
    "perceptron": perceptron,
}


@pytest.mark.parametrize("name", NETS)
def test_eight_bits_come_near_and_become_exact_networks(name: str) -> None:
    torch.manual_seed(len(name))
    module, codes = settled(NETS[name]()).eval(), frames(60)
    made = quantised_graph(module, codes * UNIT, UNIT, 8, 8)
    with torch.no_grad():
        wanted, found = module(codes * UNIT), made.module(codes)
    error = (wanted - found).square().mean().sqrt() / (wanted.std() + 1e-9)
    assert error < 0.1
    few = quantised_graph(module, codes * UNIT, UNIT, 3, 3)
    integers = codes.permute(0, 2, 3, 1).to(torch.uint8).numpy()
    for graph in (made, few):
        exported = export_module(graph.module, PIXELS, "test", codes=integers)
        assert exported.require_exact(integers).images == 60
    assert list(made.encoders) == [
        n for n, part in module.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    assert exported.network.weight_bits == stored_bits(few.encoders)
    assert not any(isinstance(part, ScaledEncoder) for part in module.modules())


def test_a_bias_changes_nothing_while_a_quantised_network_trains() -> None:
    torch.manual_seed(2)
    module, codes = perceptron().eval(), frames(64)
    made = quantised_graph(module, codes * UNIT, UNIT, 8, 8).module
    with torch.no_grad():
        one, other = made.eval()(codes), made.train()(codes)
    assert torch.allclose(one, other, atol=0.15 * float(one.std()))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_steps_are_the_best_of_many(bits: int) -> None:
    weights = torch.randn(6, 40, generator=torch.Generator().manual_seed(bits))
    encoder = ScaledEncoder(weights, bits=bits, gain=0.5).eval()
    integers, factors = (x.detach() for x in encoder())
    top = (1 << bits) - 1
    assert set(integers.unique().tolist()) <= set(range(-top, top + 1, 2))
    error = (weights - integers * factors[:, None] / 0.5).square().sum(1)
    for share in (0.8, 1.25):
        steps = best_steps(weights, bits)[:, None] * share
        codes = ((weights / steps + top) / 2 + 0.5).floor().clamp(0, top)
        assert (error <= (weights - (2 * codes - top) * steps).square().sum(1) + 1e-4).all()
    assert (encoder.weights().dense() == integers.numpy()).all()
    encoder.train()()[0].sum().backward()
    assert encoder.latent.grad is not None


def test_a_range_is_cut_where_that_is_better() -> None:
    numbers = torch.cat([torch.rand(4000), torch.tensor([5.0])])
    assert best_reach(numbers, 2, signed=False) < 2
    assert best_reach(torch.rand(4000), 8, signed=False) > 0.9


def test_a_budget_goes_to_the_layers_that_need_it() -> None:
    draw = torch.Generator().manual_seed(1)
    encoders = {
        name: ScaledEncoder(torch.randn(8, size, generator=draw), bits=8)
        for name, size in (("large", 100), ("needed", 20), ("small", 5))
    }
    weight = {"large": 1.0, "needed": 50.0, "small": 1.0}
    told: list[tuple[int, int]] = []

    def loss() -> float:
        return sum(weight[name] / (1 << e.bits) for name, e in encoders.items())

    rows = search_bits(encoders, 3.0, loss, lambda *done: told.append(done))
    bits = {row.layer: row.bits for row in rows}
    assert stored_bits(encoders) <= 3.0 * sum(prod(e.shape) for e in encoders.values())
    assert bits["needed"] > bits["large"]
    assert bits == {name: e.bits for name, e in encoders.items()}
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert "1 to 8 bits on average, not 0.5" in message(
        lambda: search_bits(encoders, 0.5, loss), NetworkError
    )


def test_the_command_says_what_each_step_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "few.safetensors"
    arguments = ["quantise", MODEL, "--out", str(out), "--weight-bits", "2", "--epochs", "1"]
    arguments += ["--activation-bits", "3", "--calibration", "100"]
    assert app.run([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    names = [row["name"] for row in report["steps"]]
    assert names[:4] == [
        "float",
        "8 bits",
        "activations of 3 bits",
        "weights of 2 bits on average",
    ]
    assert names[-1] == "trained on for 1 epoch"
    right = [row["correct"] for row in report["steps"]]
    assert right[0] > 0.95 * 359
    assert right[1] > right[0] - 8
    assert right[-1] > 0.9 * 359
    assert sum(row["cost"] for row in report["steps"]) == pytest.approx(
        (right[0] - right[-1]) / 359, abs=1e-4
    )
    network = load_network(out)
    assert network.weight_bits == report["steps"][-1]["weight_bits"] <= 2 * network.weight_count
    assert network.metadata["quantised"]["layers"] == report["layers"]
    assert {row["layer"] for row in report["layers"]} == {"stem", "body", "hidden", "logits"}
    weights = [node.layer.weights for node in network.nodes if node.layer.weight_count]
    assert any(isinstance(found, PlanesWeights) for found in weights)


class Loop(nn.Module):
    """Control flow by the data."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def flat(first: nn.Module, size: int, *rest: nn.Module) -> nn.Module:
    """A layer, others, and logits."""
    return nn.Sequential(first, *rest, nn.Flatten(), nn.Linear(size, 10))


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (flat(nn.Conv2d(1, 4, 2), 196), "layer '0' is a convolution of kernel (2, 2)"),
        (
            flat(nn.Conv2d(1, 4, 3, padding=2), 400),
            "odd square kernels, one stride, and no padding or half the kernel become hardware",
        ),
        (flat(nn.Conv2d(1, 4, 3, padding=1), 256, Loop()), "torch.fx cannot trace Sequential"),
        (nn.Sequential(nn.Linear(3, 10)), "the float network does not run: "),
        (
            nn.Sequential(nn.Conv2d(1, 4, 3)),
            "the float network must give the logits (batch, classes)",
        ),
    ],
)
def test_what_cannot_be_quantised(module: nn.Module, expected: str, tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    assert expected in message(lambda: quantise_model(module, out), NetworkError)


def test_wrong_settings(tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    net = perceptron()
    call = subbit.quantise_model
    assert "activations have 1 to 8 bits" in message(
        lambda: call(net, out, activation_bits=9), NetworkError
    )
    assert "at least 2 images" in message(lambda: call(net, out, calibration=1), NetworkError)
