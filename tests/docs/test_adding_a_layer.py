"""The worked example of docs/extend/adding-a-layer.md, run as it stands there."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    BinaryWeights,
    Flatten,
    Linear,
    Network,
    TensorType,
    kinds,
    load_network,
    save_network,
)
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from tests.hw.harness import check_unit

PAGE = Path(__file__).parents[2] / "docs" / "extend" / "adding-a-layer.md"


@pytest.fixture
def clamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type:
    """The layer class of the page, with all its files in place."""
    blocks = re.findall(r"```python\n# file: (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = [name for name, _ in blocks]
    assert len(names) == 6, names
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))
    for name, text in blocks[:-1]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        package = importlib.import_module("subbit." + ".".join(Path(name).parent.parts))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(file.parent)])
    exec(compile(blocks[-1][1], str(PAGE), "exec"), {})
    layer: type = importlib.import_module("subbit.sw.ir.layers.clamp").Clamp
    return layer


def test_the_example_of_the_page_works(clamp: type, tmp_path: Path) -> None:
    golden = importlib.import_module("subbit.sw.golden")
    chance = np.random.default_rng(5)
    linear = Linear(BinaryWeights(chance.integers(0, 2, (6, 12))))
    layers = {"flatten": Flatten(), "fc": linear, "clamp": clamp(-3, 4)}
    network = Network.chain("clamped", TensorType.codes(2, 3, 2, 2), layers)
    assert (network.output_type.low, network.output_type.high) == (-3, 4)
    save_network(network, tmp_path / "clamped.safetensors")
    assert load_network(tmp_path / "clamped.safetensors").digest == network.digest
    codes = chance.integers(0, 4, (5, 2, 3, 2))
    values = golden.evaluate(network, codes)
    assert values["clamp"].min() == -3
    assert values["clamp"].max() == 4
    steps = Pipeline(network, smallest_plan(network)).steps
    step = next(step for step in steps if step.tensor == "clamp")
    beats = np.asarray(values["fc"]).reshape(-1, step.unit.i.lanes)
    np.testing.assert_array_equal(
        step.unit.reference(beats), np.asarray(values["clamp"]).reshape(-1, step.unit.o.lanes)
    )
    check_unit(step.unit, beats)


def test_the_example_refuses_what_it_should(clamp: type) -> None:
    codes = TensorType.codes(1, 1, 4, 1)
    with pytest.raises(NetworkError, match="clamp takes integers"):
        clamp(0, 1).infer((codes,))
    with pytest.raises(NetworkError, match="low <= high"):
        clamp(2, 1).infer((TensorType.integers(1, 1, 4, -5, 5),))
