"""Two networks, plans or builds side by side."""

from pathlib import Path

import pytest

from subbit.boards import board
from subbit.sw.flow.compare import FIGURES, compare, write_comparison
from subbit.sw.ir import save_network
from subbit.sw.lower.plan import save_plan, smallest_plan
from subbit.sw.planner.choose import default_plan
from tests.networks import small_network
from tests.sw.report.pages import read

BOARD = board("ulx3s-12f")


def test_two_networks(tmp_path: Path) -> None:
    plain, tiled = small_network("plain"), small_network("tiled")
    found = compare(plain, tiled, BOARD)
    rows = {row["name"]: row for row in found.rows}
    assert list(rows) == list(FIGURES)
    assert (rows["weight_bits"]["a"], rows["weight_bits"]["b"]) == (
        plain.weight_bits,
        tiled.weight_bits,
    )
    assert rows["weight_bits"]["better"] == 1
    assert rows["weight_bits"]["change"] == tiled.weight_bits / plain.weight_bits - 1
    assert (rows["weights"]["change"], rows["weights"]["better"]) == (0, None)
    assert (rows["accuracy"]["a"], rows["accuracy"]["change"]) == (None, None)
    differing = {row["name"]: row["differs"] for row in found.layers}
    assert {"encoding", "weight_bits"} <= {key for row in differing.values() for key in row}
    path = write_comparison(found, tmp_path / "two.html")
    text = read(path.read_text()).text
    assert f"{tiled.weight_bits:,} (better)" in text


def test_two_plans_of_one_network(tmp_path: Path) -> None:
    network = small_network("plain")
    save_network(network, tmp_path / "a.safetensors")
    save_plan(smallest_plan(network), tmp_path / "small.json")
    save_plan(default_plan(network, BOARD), tmp_path / "fast.json")
    found = compare(tmp_path / "small.json", tmp_path / "fast.json", BOARD)
    assert not any(row["differs"] for row in found.layers)
    assert any("pe" in row["settings"] for row in found.stages)
    rows = {row["name"]: row for row in found.rows}
    assert (rows["fps"]["better"], rows["lut4"]["better"]) == (1, 0)
    assert found.summary()["change"]["weight_bits"] == 0


def test_a_network_with_itself() -> None:
    network = small_network("plain")
    found = compare(network, network, BOARD)
    assert not any(row["differs"] for row in found.layers)
    assert found.stages == []
    assert all(row["better"] is None for row in found.rows)


@pytest.mark.parametrize("seed", [2])
def test_other_weights_are_other_parameters(seed: int) -> None:
    found = compare(small_network("plain"), small_network("plain", seed), BOARD)
    changed = {row["name"]: row["differs"] for row in found.layers if row["differs"]}
    assert set(map(tuple, changed.values())) == {("parameters",)}
