"""Measurements that are stored, and the tables that are made of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import subbit
from subbit.sw.bench.records import Record, load_record, measure, save_record
from subbit.sw.bench.tables import Column, Table, fill, load_records, markdown
from subbit.sw.errors import SubbitError
from tests.paths import EXAMPLES

TABLE = Table(
    ("run-*",),
    (
        Column("name", "name"),
        Column("LUT4", "cells.lut4"),
        Column("share", lambda row: row["cells"]["lut4"] / 4000, ".1%"),
        Column("clock", "mhz", ".1f"),
    ),
    tools=("yosys",),
)
RECORD = Record(
    "run-a",
    "subbit bench engine --pe 2 --json",
    measured="0.2.0",
    tools=(("yosys", "0.70"), ("ecppack", "1.4")),
    result={"name": "a", "cells": {"lut4": 1234}, "mhz": None},
)


def test_a_record_is_what_its_file_says(tmp_path: Path) -> None:
    save_record(RECORD, tmp_path)
    assert load_records(tmp_path) == {"run-a": RECORD}
    assert json.loads((tmp_path / "run-a.json").read_text())["result"] == RECORD.result


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"command": "x", "colour": 1}'])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(SubbitError, match=r"bad\.json: (no|a) measurement"):
        load_record(tmp_path / "bad.json")


def test_one_measurement_has_its_command_below_the_table() -> None:
    assert markdown(TABLE, {"run-a": RECORD, "other": RECORD}).splitlines() == [
        "| name | LUT4 | share | clock |",
        "| --- | --- | --- | --- |",
        "| a | 1,234 | 30.9% | |",
        "",
        "*Measured by `subbit bench engine --pe 2 --json`, subbit 0.2.0, yosys 0.70.*",
    ]


def test_of_several_measurements_each_row_has_its_command() -> None:
    other: dict[str, Any] = {"name": "b", "cells": {"lut4": 20}, "mhz": 99.94}
    older = replace(RECORD, name="run-b", measured="0.1.0+git", result=other)
    waiting = replace(RECORD, name="run-c", result=None)
    lines = markdown(TABLE, {r.name: r for r in (RECORD, older, waiting)}).splitlines()
    assert lines[2:4] == [
        "| a | 1,234 | 30.9% | | `engine --pe 2` |",
        "| b | 20 | 0.5% | 99.9 | `engine --pe 2` |",
    ]
    assert lines[5:] == ["*Measured with subbit 0.2.0, yosys 0.70; subbit 0.1.0+git, yosys 0.70.*"]


def test_a_page_is_filled_in_and_stays() -> None:
    page = "before\n<!-- table: one -->\nold\n<!-- end -->\nafter\n"
    records = {"run-a": RECORD}
    filled = fill(page, {"one": TABLE}, records)
    assert "1,234" in filled
    assert "old" not in filled
    assert filled.startswith("before\n")
    assert filled.endswith("after\n")
    assert fill(filled, {"one": TABLE}, records) == filled
    with pytest.raises(SubbitError, match="no table 'one'"):
        fill(page, {}, records)
    with pytest.raises(SubbitError, match=r"no run-\*\.json; measure it first"):
        fill(page, {"one": TABLE}, {})


def test_measuring_keeps_what_the_command_prints() -> None:
    asked: list[list[str]] = []

    def run(arguments: list[str]) -> str:
        asked.append(arguments)
        return '{"name": "new"}'

    found = measure(replace(RECORD, measured="", tools=()), run)
    assert asked == [["bench", "engine", "--pe", "2", "--json"]]
    assert found.result == {"name": "new"}
    assert found.measured == subbit.__version__
    assert dict(found.tools)["yosys"]


def test_a_command_that_fails_leaves_nothing() -> None:
    with pytest.raises(SubbitError, match=r"'subbit info none\.safetensors --json' ended with 2"):
        measure(replace(RECORD, command="subbit info none.safetensors --json"))
    with pytest.raises(SubbitError, match="run-a: a measurement is made by"):
        measure(replace(RECORD, command="make bench"))


def test_the_command_is_run_for_real() -> None:
    network = EXAMPLES / "digits-plain.safetensors"
    found = measure(replace(RECORD, command=f"subbit info {network} --json"))
    assert found.result["name"] == "digits-plain"
