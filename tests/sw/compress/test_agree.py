"""The comparison that ends every training run finds what differs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.compress.agree import compare
from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import Network, Node, Threshold
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import Recipe, find_recipe

RECIPE = find_recipe("digits-tiled")
RESIDUAL = find_recipe("digits-residual")


def trained(seed: int, recipe: Recipe = RECIPE) -> nn.Sequential:
    """A module whose BatchNorms have seen some data."""
    torch.manual_seed(seed)
    module = build_model(recipe, seed).train()
    for _ in range(3):
        module(torch.randint(0, 16, (50, 1, 8, 8)).float())
    return module.eval()


def planted(network: Network, name: str = "act2") -> Network:
    """The network with one layer of thresholds off by two, the next dot product."""
    nodes = list(network.nodes)
    position = next(i for i, node in enumerate(nodes) if node.name == name)
    layer = nodes[position].layer
    assert isinstance(layer, Threshold)
    thresholds = layer.thresholds.copy()
    thresholds += 2
    nodes[position] = Node(name, Threshold(thresholds, layer.rising), nodes[position].inputs)
    return replace(network, nodes=tuple(nodes))


def test_an_off_by_one_threshold_is_found() -> None:
    module = trained(1)
    network = export(module, RECIPE.input_type, "test")
    codes = np.random.default_rng(1).integers(0, 16, (300, 8, 8, 1)).astype(np.uint8)
    same = compare(module, network, codes)
    same.require_exact()
    assert same.images == 300
    assert same.activations == 300 * (4 * 4 * 32 + 2 * 2 * 64 + 64)
    assert same.activations_apart == same.orders_apart == same.classes_apart == 0
    other = compare(module, planted(network), codes)
    assert other.activations_apart > 0
    with pytest.raises(NetworkError, match=r"differs from the module in \d+ of 249600 activations"):
        other.require_exact()


@pytest.mark.parametrize("name", ["act1", "act_add1", "act_add2", "act_gap1"])
def test_codes_behind_sums_are_compared(name: str) -> None:
    module = trained(2, RESIDUAL)
    network = export(module, RESIDUAL.input_type, "test")
    codes = np.random.default_rng(2).integers(0, 16, (100, 8, 8, 1)).astype(np.uint8)
    same = compare(module, network, codes)
    same.require_exact()
    assert same.activations == 100 * (3 * 8 * 8 * 16 + 2 * 4 * 4 * 32 + 32)
    assert compare(module, planted(network, name), codes).activations_apart > 0
