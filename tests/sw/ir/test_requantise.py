"""Requantisation as a rule: types, refusals, the file, and the golden model."""

from pathlib import Path

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.ir import (
    BinaryWeights,
    Flatten,
    Linear,
    Network,
    Requantise,
    TensorType,
    load_network,
    save_network,
)
from subbit.sw.ir.random_weights import random_requantise
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan


def network(lines: int) -> Network:
    """Sums on other scales."""
    rng = np.random.default_rng(5)
    layers = {
        "flatten": Flatten(),
        "fc": Linear(BinaryWeights(rng.integers(0, 2, (6, 12)))),
        "scaled": random_requantise(rng, 6, 36, 5, lines=lines),
    }
    return Network.chain("scaled", TensorType.codes(2, 3, 2, 2), layers)


@pytest.mark.parametrize("lines", [1, 2])
def test_the_file_and_the_units(tmp_path: Path, lines: int) -> None:
    scaled = network(lines)
    save_network(scaled, tmp_path / "scaled.safetensors")
    assert load_network(tmp_path / "scaled.safetensors").digest == scaled.digest
    codes = np.random.default_rng(6).integers(0, 4, (9, 2, 3, 2))
    tensors = evaluate(scaled, codes)
    sums, wanted = (np.asarray(tensors[name]).reshape(-1, 6) for name in ("fc", "scaled"))
    layer = scaled.node("scaled").layer
    assert isinstance(layer, Requantise)
    for x, y in zip(sums.tolist(), wanted.tolist(), strict=True):
        for c, number in enumerate(x):
            line = lines - 1 if number < layer.knee[c] else 0
            total = int(layer.scale[c, line]) * number + int(layer.offset[c, line])
            assert y[c] == min(max(total // 2**layer.shift, layer.low), layer.high)
    pipeline = Pipeline(scaled, smallest_plan(scaled))
    found = pipeline.reference(codes.reshape(-1, pipeline.i.lanes))[-1]
    np.testing.assert_array_equal(found.reshape(-1), wanted.reshape(-1))


def test_the_range_is_what_the_lines_reach() -> None:
    bent = Requantise([[4, 1]], [[2, -8]], [-3], 2, -100, 9)
    kind = bent.infer((TensorType.integers(1, 1, 1, -20, 30),))
    found = bent.apply(np.arange(-20, 31)[:, None])
    assert (kind.low, kind.high) == (int(found.min()), int(found.max())) == (-7, 9)


def made(**change: object) -> Requantise:
    """A layer of two channels, with something changed."""
    row = {"scale": [[1], [2]], "offset": [[0], [0]], "knee": [0, 0], "shift": 0}
    return Requantise(**(row | {"low": -9, "high": 9} | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"scale": [1, 2]}, r"scale must have shape \(channels, 1 or 2\), not \(2,\)"),
        ({"scale": [[1 << 17], [1]]}, "requantise scale must lie in"),
        ({"offset": [[0]]}, r"offset must have shape \(2, 1\)"),
        ({"knee": [1, 0]}, "knees for a single line"),
        ({"shift": 47}, "shift must be an integer in 0..46, not 47"),
        ({"low": 10}, "low <= high, not 10 > 9"),
        ({"high": True}, "high must be an integer"),
    ],
)
def test_what_it_refuses(change: dict[str, object], text: str) -> None:
    with pytest.raises(NetworkError, match=text):
        made(**change)


def test_what_inputs_it_refuses() -> None:
    with pytest.raises(NetworkError, match="takes integers"):
        made().infer((TensorType.codes(1, 1, 2, 1),))
    with pytest.raises(NetworkError, match="scales for 2 channels, not 3"):
        made().infer((TensorType.integers(1, 1, 3, 0, 1),))
    wide = TensorType.integers(1, 1, 2, -(1 << 40), 1 << 40)
    with pytest.raises(NetworkError, match="bits"):
        made(scale=[[1 << 10], [1]]).infer((wide,))
