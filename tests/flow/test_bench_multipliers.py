"""subbit bench multipliers: a stem on both engines."""

import json

import pytest
from click.testing import CliRunner

from subbit.sw.bench.multipliers import bench_multipliers
from subbit.sw.cli.bench import bench_command
from subbit.sw.errors import PlanError


def test_a_small_stem_takes_fewer_cells_on_multipliers() -> None:
    result = bench_multipliers([(1, 9)], side=8, kernel=3, outputs=2)
    multipliers, branches = result["stems"]
    assert (multipliers["engine"], branches["engine"]) == ("multipliers", "direct")
    assert multipliers["cycles"] == branches["cycles"] >= 4 * 4 * 2 * 3
    assert (multipliers["multipliers"], branches["multipliers"]) == (9, 0)
    assert multipliers["engine_lut4"] < branches["engine_lut4"] / 2
    assert multipliers["lut4_ratio"] == round(multipliers["lut4"] / branches["lut4"], 4)
    assert branches["lut4_ratio"] == 1
    assert result["outputs"] == [4, 4, 2]


def test_the_command_prints_json() -> None:
    arguments = ["multipliers", "--folding", "1x7", "--side", "8", "--outputs", "1", "--json"]
    done = CliRunner().invoke(bench_command, arguments)
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["stems"]
    assert [row["simd"] for row in rows] == [7, 7]


@pytest.mark.parametrize("folding", ["2", "0x3", "2xb", "1x2x3"])
def test_what_is_no_folding(folding: str) -> None:
    done = CliRunner().invoke(bench_command, ["multipliers", "--folding", folding])
    assert done.exit_code == 2
    assert "is no folding like 2x49" in done.output


def test_a_folding_that_does_not_fit() -> None:
    with pytest.raises(PlanError, match="pe=5"):
        bench_multipliers([(5, 9)], side=8, kernel=3, outputs=2)
