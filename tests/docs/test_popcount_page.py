"""The table of compressor trees in docs/how-it-works/popcount.md is what the planner makes."""

import re
from typing import Any

import pytest

from subbit.hw.trees.counter import Popcount, popcount_netlist
from tests.paths import DOCS

PAGE = (DOCS / "how-it-works" / "popcount.md").read_text()
ROWS: dict[str, dict[str, Any]] = {
    "1-bit codes": {},
    "2-bit codes, or two planes": {"bits": 2},
    "4-bit codes": {"bits": 4},
    "2-bit codes, two planes": {"bits": 2, "scales": (1, 2)},
    "masked, masks alike in 3x3 windows": {"masked": True, "period": 9},
    "masked, any masks": {"masked": True},
}


def table() -> dict[str, dict[int, float]]:
    """LUT4 a product by row and positions, as the page says."""
    found = re.search(r"^\| ECP5, LUT4 a product \|(.*?)\|\n\|[-|]+\n(.*?)\n\n", PAGE, re.S | re.M)
    assert found
    simds = [int(cell) for cell in found[1].split("|")]
    rows = {}
    for line in found[2].splitlines():
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        numbers = zip(simds, cells, strict=True)
        rows[name] = {simd: float(cell) for simd, cell in numbers if cell}
    return rows


def test_the_table_has_these_rows() -> None:
    assert {*table()} == {*ROWS}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_what_the_planner_makes(name: str) -> None:
    for simd, said in table()[name].items():
        popcount = Popcount(simd=simd, fabric="ecp5", **ROWS[name])
        products = simd * popcount.bits * len(popcount.scales)
        made = popcount_netlist(popcount).lut4 / products
        assert said == pytest.approx(made, abs=0.005), f"{simd} positions"
