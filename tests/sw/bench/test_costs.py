"""subbit bench costs on a few units."""

import json

import pytest
from click.testing import CliRunner

from subbit.hw.families.table import family
from subbit.sw.bench.costs import bench_costs, is_too_large
from subbit.sw.bench.unit_cases import unit_cases
from subbit.sw.cli.bench_costs import costs_command
from subbit.sw.errors import SubbitError


def test_the_command_prints_what_is_said_and_mapped() -> None:
    asked = ["--family", "ecp5", "--kind", "Fork", "--quick", "--json"]
    result = CliRunner().invoke(costs_command, asked, standalone_mode=False)
    found = json.loads(result.stdout)
    assert result.return_value == 0
    assert {row["kind"] for row in found["rows"]} == {"Fork"}
    assert {row["family"] for row in found["rows"]} == {"ecp5"}
    assert all(row["flip_flops_said"] == row["flip_flops_mapped"] > 16 for row in found["rows"])
    assert abs(found["worst_lut4_error"]) <= 0.15


def test_what_there_is_not_is_named() -> None:
    with pytest.raises(SubbitError, match="no unit 'Forks'; choose from Add, Affine, "):
        bench_costs(("ecp5",), kinds=("Forks",))
    with pytest.raises(SubbitError, match="no FPGA family 'ecp6'; the known ones are ecp5, ice40"):
        bench_costs(("ecp6",))


def test_what_is_larger_than_any_board_is_left_out() -> None:
    units = {case.name: case for case in unit_cases(quick=False)}
    large, small = units["dot, large"], units["fork 16 bits to 2"]
    assert is_too_large(large.make("ice40"), family("ice40"))
    assert not is_too_large(large.make("ecp5"), family("ecp5"))
    assert not is_too_large(small.make("ice40"), family("ice40"))
