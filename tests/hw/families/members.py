"""The members of a family's object, and how a test asks for each that a family may lack."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from subbit.hw.contract.cost import Cost
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family
from tests.paths import ROOT

__all__ = ["ASKED", "GIVEN", "lacking", "members"]

NOWHERE = Path("nowhere")
SOME: Any = None  # what a member that a family lacks never looks at
DEVICE = FpgaDevice("part", "package", 6, 1000, 1000, 10, 0, "none")
ASKED: dict[str, Callable[[Family], object]] = {
    "add_multiplier": lambda family: family.add_multiplier(SOME, SOME, SOME, SOME),
    "add_cell": lambda family: family.add_cell(SOME, SOME, 0, SOME),
    "add_register": lambda family: family.add_register(SOME, SOME, SOME),
    "bitstream": lambda family: family.bitstream,
    "block_ram_shapes": lambda family: family.block_ram_shapes,
    "block_rom": lambda family: family.block_rom([0, 1], 1),
    "calibration": lambda family: family.calibration(),
    "mapped_cost": lambda family: family.mapped_cost({}),
    "carry": lambda family: family.carry,
    "cell_models": lambda family: family.cell_models(NOWHERE),
    "config": lambda family: family.config,
    "constraints": lambda family: family.constraints,
    "cost": lambda family: family.cost(Cost()),
    "device_arguments": lambda family: family.device_arguments(DEVICE),
    "large_lut4": lambda family: family.large_lut4(DEVICE),
    "output": lambda family: family.output,
    "pack_arguments": lambda family: family.pack_arguments(NOWHERE, NOWHERE),
    "packer": lambda family: family.packer,
    "pin_constraints": lambda family: family.pin_constraints({}),
    "pll": lambda family: family.pll(25_000_000, 100e6),
    "probe_cost": lambda family: family.probe_cost({}, NOWHERE),
    "resource_kinds": lambda family: family.resource_kinds,
    "router": lambda family: family.router,
    "synthesis": lambda family: family.synthesis("top"),
    "target_hz": lambda family: family.target_hz,
    "twin_block_rom": lambda family: family.twin_block_rom([0, 1], 1),
}
# What every family has: what it states, what follows from other members, and what is nothing at all
# unless overridden.
GIVEN = {
    *("name", "title"),
    *("has_carry_trees", "has_register_cells", "has_block_roms", "has_lut_rams"),
    *("lacks", "mapping", "place_arguments", "pin_arguments", "popcount_form"),
    *("covers", "finish_netlist", "large_arguments", "cells_in", "modelled", "tiles"),
}


def members() -> set[str]:
    """The public names of the interface."""
    stated = set(Family.__annotations__)
    return {name for name in stated | set(vars(Family)) if not name.startswith("_")}


def lacking(family: Family) -> set[str]:
    """The members of ASKED that a family does not override, or has no file for."""
    kept = {name for name in ASKED if getattr(type(family), name) is getattr(Family, name)}
    folder = ROOT / "hw" / "families" / family.name
    return kept - ({"calibration"} if (folder / "calibration.json").exists() else set())
