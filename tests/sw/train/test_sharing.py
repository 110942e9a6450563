"""Training for sharing: rows that are alike, and fewer adders where weights are wires."""

from pathlib import Path

import numpy as np
import pytest
import torch

from subbit.hw.unrolled.network import network_of
from subbit.sw.ir import BinaryWeights, Conv2d, Linear, Network, load_network
from subbit.sw.ir.planes import signed_planes
from subbit.sw.nn.layers import BinaryLinear, CodebookConv2d, DotLayer, QuantLinear, TiledLinear
from subbit.sw.nn.sharing import SharingPenalty, tree_differences
from subbit.sw.train.train import train_network

LAYERS = {
    "plain": lambda: BinaryLinear(40, 16),
    "tiled": lambda: TiledLinear(40, 16, repeats=4, min_size=10),
    "codebook": lambda: CodebookConv2d(4, 16, tau=3),
    "three_bits": lambda: QuantLinear(40, 16, bits=3),
}


def with_penalty(layer: DotLayer) -> tuple[SharingPenalty, torch.Tensor]:
    penalty = SharingPenalty(layer)
    inputs = (4, 5, 5) if isinstance(layer, CodebookConv2d) else (layer.encoder.shape[1],)
    layer(torch.ones(2, *inputs))
    return penalty, penalty()


@pytest.mark.parametrize("kind", LAYERS)
def test_the_penalty_is_a_share_with_gradients(kind: str) -> None:
    torch.manual_seed(3)
    layer = LAYERS[kind]()
    _, found = with_penalty(layer)
    assert 0 < found.item() < 0.5
    found.backward()
    gradients = [p.grad for p in layer.parameters() if p.grad is not None]
    assert any(bool((gradient != 0).any()) for gradient in gradients)


def test_rows_that_are_alike_have_none() -> None:
    layer = BinaryLinear(12, 5)
    with torch.no_grad():
        layer.encoder.latent.copy_(
            layer.encoder.latent[:1] * torch.tensor([[1], [-1], [1], [1], [-1]])
        )
    assert with_penalty(layer)[1].item() == 0
    one = BinaryLinear(12, 1)
    assert with_penalty(one)[1].item() == 0


def test_a_step_against_the_gradient_brings_rows_together() -> None:
    torch.manual_seed(4)
    layer = BinaryLinear(64, 32)
    weights = layer.encoder.latent
    before, values = tree_differences(layer.encoder.weights())[0], []
    for _ in range(40):
        found = with_penalty(layer)[1]
        values.append(found.item())
        found.backward()
        with torch.no_grad():
            weights -= 30 * weights.grad
        weights.grad = None
    assert values[-1] < 0.4 * values[0]
    assert tree_differences(layer.encoder.weights())[0] < 0.4 * before


def test_differences_of_known_rows() -> None:
    row = np.array([1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0], np.uint8)
    near = row.copy()
    near[3] = 1
    assert tree_differences(BinaryWeights(np.stack([row, near, 1 - row]))) == (14 + 1, 42)
    planes = signed_planes(np.stack([2 * row.astype(np.int64) - 1] * 2), 1)
    assert tree_differences(planes) == (28, 56)


def adders(network: Network) -> int:
    """LUT4s of the adders of all layers as wires."""
    layers = [node.layer for node in network.nodes if isinstance(node.layer, Conv2d | Linear)]
    weights = [layer.weights.dense().reshape(layer.weights.shape[0], -1) for layer in layers]
    inputs = [4, *[1] * (len(weights) - 1)]
    return sum(network_of(w, m, "ecp5").cost.lut4 for w, m in zip(weights, inputs, strict=True))


def test_trained_for_sharing_takes_fewer_adders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for sharing in (0.0, 2.0):
        out = tmp_path / f"{sharing}.safetensors"
        result = train_network("digits-plain", out, epochs=6, seed=1, sharing=sharing)
        found[sharing] = adders(load_network(out)), result.correct
        command = result.network.metadata["training"]["command"]
        assert ("--sharing 2" in command) == (sharing > 0)
    print(found)
    assert found[2.0][0] < 0.88 * found[0.0][0]
    assert found[2.0][1] > 0.9 * found[0.0][1]
