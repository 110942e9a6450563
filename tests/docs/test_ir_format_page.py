"""docs/reference/network-format.md is true: its example runs, and its numbers are the program's."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.golden import evaluate
from subbit.sw.ir import file, limits, load_network, network, planes, types, weights
from subbit.sw.ir.kinds import KINDS
from subbit.sw.ir.layers import affine, threshold
from tests.paths import DOCS
from tests.sw.samples import chain

PAGE = (DOCS / "reference" / "network-format.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of the page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's Python defines, after both blocks ran in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "network-format.md", "exec"), names)
    return names


def test_the_example_reads_what_it_wrote(results: dict[str, Any], tmp_path: Path) -> None:
    loaded = load_network(tmp_path / "small.safetensors")
    tensors = evaluate(loaded, np.array([1, 0, 1, 0]).reshape(1, 1, 1, 4))
    assert results["header"] == json.loads(blocks("json")[0])
    assert results["logits"] == tensors["fc"].flatten().tolist() == [2, 2]
    assert results["label"] == int(tensors["top"]) == 0


def test_the_digest_can_be_computed_as_the_page_says() -> None:
    sample = chain(np.random.default_rng(51))
    graph = {key: value for key, value in sample.structure().items() if key != "name"}
    total = hashlib.sha256(json.dumps(graph, sort_keys=True).encode("ascii"))
    wide = {"thresholds": "<i8", "scale": "<i8", "offset": "<i8", "scales": "<i4"}
    for node in sample.nodes:
        for part, array in sorted(node.layer.tensors().items()):
            kind = wide.get(part.rpartition(".")[2], "|u1")
            total.update(f"{node.name}.{part} {kind} {array.shape}".encode("ascii"))
            total.update(array.astype(kind).tobytes())
    assert total.hexdigest() == sample.digest


def test_the_page_names_every_kind_encoding_and_limit() -> None:
    for name in (*KINDS, *weights.ENCODINGS):
        assert f"`{name}`" in PAGE
    assert (file.FORMAT_VERSION, network.MAX_NODES) == (4, 4096)
    assert (file.MAX_FILE_BYTES, file.MAX_HEADER_BYTES) == (512 << 20, 4 << 20)
    assert (types.MAX_ELEMENTS, types.MAX_INTEGER_BITS) == (1 << 26, 48)
    assert (weights.MAX_SIDE, limits.MAX_LAYER_WEIGHTS) == (1 << 20, 1 << 24)
    assert limits.MAX_NETWORK_WEIGHTS == 1 << 26
    assert (weights.MAX_SCALE, weights.MAX_TAU) == (32767, 8)
    assert (planes.MAX_PLANES, planes.PLANE_SCALES[-1]) == (9, 128)
    assert (affine.SCALE_LIMIT, affine.OFFSET_LIMIT) == (1 << 17, 1 << 39)
    assert threshold.LIMIT == 1 << 47
