"""Imports with paths in fixed point: what they say, and that the network is itself exact."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.importers.api import check_import, import_file
from subbit.sw.importers.torch.module import from_torch, import_torch
from subbit.sw.ir import Network, Requantise
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan

EXAMPLE = torch.zeros(1, 2, 5, 4)


class Residual(nn.Module):
    """Two convolutions with real-valued paths between and around them."""

    def __init__(self, bend: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = (nn.Conv2d(n, 4, 3, padding=1, bias=False) for n in (2, 4))
        self.norm1, self.norm2, self.bend = nn.BatchNorm2d(4), nn.BatchNorm2d(4), bend
        self.last = nn.Linear(80, 3)
        for layer in (self.first, self.second, self.last):
            layer.weight.data = torch.sign(layer.weight.data)
        for norm in (self.norm1, self.norm2):
            norm.weight.data.uniform_(-2, 2)
            norm.bias.data.normal_()
            norm.running_var.uniform_(1, 9)

    def forward(self, x: Tensor) -> Tensor:
        """See nn.Module."""
        x = self.bend(self.norm1(self.first(x)))
        x = self.bend(x + self.norm2(self.second(x)))
        return self.last(x.flatten(1))


def parametric() -> nn.PReLU:
    """Slopes of each channel, one of them negative."""
    module = nn.PReLU(4)
    module.weight.data = torch.tensor([0.1, 0.5, -0.2, 0.0])
    return module


def check_units(network: Network) -> None:
    """The units of a plan give the logits of the golden model, in whole beats."""
    shape = (3, *network.input_type.shape)
    codes = np.random.default_rng(1).integers(0, 256, shape)
    (logits,) = network.nodes[-1].inputs
    wanted = np.asarray(evaluate(network, codes)[logits]).reshape(3, -1)
    pipeline = Pipeline(network, smallest_plan(network))
    found = pipeline.reference(codes.reshape(-1, pipeline.i.lanes))[-1]
    np.testing.assert_array_equal(found.reshape(3, -1)[:, : wanted.shape[1]], wanted)


@pytest.mark.parametrize("bend", [nn.ReLU(), nn.LeakyReLU(0.1), parametric()])
def test_paths_are_within_half_a_step_of_the_source(bend: nn.Module) -> None:
    result = import_torch(Residual(bend).eval(), EXAMPLE, fixed=12)
    report = check_import(result, images=9)
    paths = result.notes["fixed"]
    assert len(paths) == 4
    rows = {row["name"]: row for row in report["layers"]}
    assert rows["conv1"]["deviation"] is None
    assert rows["conv1"]["compared"]
    # Behind an exact layer a path is off by its own rounding, and by that of its scales.
    assert 0.3 < rows["path1"]["last_places"] < 0.53
    assert rows["path1"]["deviation"] < 0.53 * paths["path1"]["step"]
    assert rows["path1"]["deviation"] == pytest.approx(
        rows["path1"]["last_places"] * paths["path1"]["step"]
    )
    assert 0 < rows["add1"]["last_places"] < 12
    assert report["agreement"]["agrees"]
    assert report["agreement"]["fixed"]
    check_units(result.network)


def test_more_bits_are_nearer_and_keep_the_classes() -> None:
    far = []
    for bits in (6, 10, 16):
        result = import_torch(Residual(parametric()).eval(), EXAMPLE, fixed=bits)
        report = check_import(result, images=20)
        widths = [row["bits"] for row in result.notes["fixed"].values()]
        assert max(widths) == bits
        far.append(next(row["deviation"] for row in report["layers"] if row["name"] == "add1"))
    assert far[0] > 4 * far[1] > 16 * far[2]
    assert report["agreement"]["classes_apart"] == 0


def test_onnx_and_torch_give_one_network(tmp_path: Path) -> None:
    pytest.importorskip("qonnx")
    module = Residual(parametric()).eval()
    torch.onnx.export(module, (EXAMPLE,), str(tmp_path / "a.onnx"), dynamo=False)
    found = import_file(tmp_path / "a.onnx", fixed=10)
    kinds = [node.layer.kind for node in found.network.nodes]
    assert kinds.count("requantise") == 4
    assert check_import(found, images=5)["agreement"]["agrees"]
    with pytest.raises(NetworkError, match="or take such paths in fixed point, with --fixed BITS"):
        import_file(tmp_path / "a.onnx")
    for bits in (1, 25):
        with pytest.raises(NetworkError, match=f"have 2 to 24 bits, not {bits}"):
            import_file(tmp_path / "a.onnx", fixed=bits)


def test_a_relu_is_a_limit() -> None:
    network = import_torch(Residual(nn.ReLU()).eval(), EXAMPLE, fixed=8).network
    layer = network.node("path1").layer
    assert isinstance(layer, Requantise)
    assert (layer.lines, layer.low) == (1, 0)


def test_what_is_exact_stays_exact() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(40, 3, bias=False)).eval()
    module[1].weight.data = torch.sign(module[1].weight.data)
    plain, fixed = (import_torch(module, EXAMPLE, fixed=bits) for bits in (None, 8))
    assert plain.network.digest == fixed.network.digest
    assert "fixed" not in fixed.notes


def test_curves_are_refused() -> None:
    for bend, name in ((nn.ReLU6(), "bend"), (nn.Sigmoid(), "bend")):
        with pytest.raises(NetworkError, match=f"{name}.* is not made of two straight lines"):
            import_torch(Residual(bend).eval(), EXAMPLE, fixed=8)


def test_from_torch_notes_what_it_did() -> None:
    network = from_torch(Residual(nn.LeakyReLU(0.1)).eval(), EXAMPLE, fixed=8)
    notes = network.metadata["import"]
    assert set(notes["fixed"]) <= {node.name for node in network.nodes}
    assert all(row["deviation"] >= 0 for row in notes["deviations"].values())
