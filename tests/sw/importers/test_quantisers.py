"""Quantisers in every spelling, compared with the source's executor."""

from pathlib import Path

import numpy as np
import pytest

from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.quantiser_graphs import QUANTISERS

OPSETS = {"Mish": 18, "HardSwish": 14, "Gelu": 20}


def graph(name: str, tmp_path: Path) -> Path:
    """A graph of the table in a file."""
    g = GraphMaker(1, 1, 8, 8, opset=OPSETS.get(name, 13))
    output = QUANTISERS[name](g, np.random.default_rng(5))
    return g.save(output, tmp_path / "net.onnx")


@pytest.mark.parametrize("name", QUANTISERS)
def test_a_quantiser_agrees(name: str, tmp_path: Path) -> None:
    agreement = checked(graph(name, tmp_path))["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)
