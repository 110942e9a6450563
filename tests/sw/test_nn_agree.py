"""The comparison that ends every training run finds what differs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import Network, Node, Threshold
from subbit.sw.nn import export
from subbit.sw.nn.agree import compare
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import find_recipe

RECIPE = find_recipe("digits-tiled")


def trained(seed: int) -> nn.Sequential:
    """A module whose BatchNorms have seen some data."""
    torch.manual_seed(seed)
    module = build_model(RECIPE, seed).train()
    for _ in range(3):
        module(torch.randint(0, 16, (50, 1, 8, 8)).float())
    return module.eval()


def planted(network: Network) -> Network:
    """The network with one layer of thresholds off by two, the next dot product."""
    nodes = list(network.nodes)
    position = next(i for i, node in enumerate(nodes) if node.name == "act2")
    layer = nodes[position].layer
    assert isinstance(layer, Threshold)
    thresholds = layer.thresholds.copy()
    thresholds += 2
    nodes[position] = Node("act2", Threshold(thresholds, layer.rising), nodes[position].inputs)
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
