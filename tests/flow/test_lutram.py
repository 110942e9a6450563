"""Spare address bits of LUT RAMs repeat another bit, in both ports alike, and no others do."""

from typing import Any

import pytest

from subbit.sw.flow.lutram import double_addresses


def cell(write: list[Any], read: list[Any], **parameters: str) -> dict[str, Any]:
    """A LUT RAM with these address pins."""
    return {
        "type": "TRELLIS_DPR16X4",
        "parameters": parameters,
        "connections": {"WAD": write, "RAD": read},
    }


def doubled(row: dict[str, Any]) -> tuple[int, list[Any], list[Any]]:
    """How many bits changed, and the pins afterwards."""
    count = double_addresses({"cells": {"ram": row}})
    return count, row["connections"]["WAD"], row["connections"]["RAD"]


def test_spare_bits_repeat_the_first_needed_one() -> None:
    ram = cell([3, 4, "0", "0"], [5, 6, "0", "0"], INITVAL="x" * 64)
    assert doubled(ram) == (2, [3, 4, 3, 3], [5, 6, 5, 5])


def test_the_needed_bit_may_be_a_constant_on_one_side() -> None:
    assert doubled(cell(["0", 4, "0", 2], ["1", 6, "0", 7])) == (
        1,
        ["0", 4, "0", 2],
        ["1", 6, "1", 7],
    )


@pytest.mark.parametrize(
    "row",
    [
        cell([1, 2, 3, 4], [5, 6, 7, 8]),
        cell(["0"] * 4, ["0"] * 4),
        cell([1, "0", "0", "0"], [2, "0", "0", "0"], INITVAL=f"{2:064b}"),
    ],
    ids=["all needed", "one word", "with contents"],
)
def test_others_stay(row: dict[str, Any]) -> None:
    write, read = (list(row["connections"][port]) for port in ("WAD", "RAD"))
    assert doubled(row) == (0, write, read)


def test_every_word_keeps_a_place_of_its_own() -> None:
    ram = cell(["a", "b", "0", "0"], ["a", "b", "0", "0"])
    doubled(ram)
    pins = ram["connections"]["RAD"]
    places = {tuple({"a": n & 1, "b": n >> 1}[pin] for pin in pins) for n in range(4)}
    assert len(places) == 4
