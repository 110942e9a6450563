"""One interface for all families: what each has, and that what it lacks is said by name."""

import subprocess
import sys
from typing import Any

import pytest

from subbit.hw.families.carry import PORTABLE
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family
from subbit.hw.families.part import Part, fabric_of, family_of
from subbit.hw.families.table import FAMILIES, adds_functions, family
from subbit.sw.errors import FamilyError
from tests.hw.families.members import ASKED, GIVEN, lacking, members
from tests.paths import DOCS

PAGE = DOCS / "extend" / "adding-a-family.md"
LACKS = {
    "ecp5": {"pin_constraints"},
    "ice40": {"pin_constraints", "add_register", "block_rom", "twin_block_rom", "large_lut4"},
    "gowin": {
        *(
            "add_multiplier",
            "add_register",
            "block_rom",
            "twin_block_rom",
            "block_ram_shapes",
            "cost",
        ),
        *(
            "calibration",
            "mapped_cost",
            "target_hz",
            "pll",
            "large_lut4",
            "config",
            "bitstream",
            "packer",
        ),
        *("pack_arguments", "resource_kinds", "cell_models"),
    },
}


def test_every_member_is_asked_for_or_given() -> None:
    assert set(ASKED) | GIVEN == members()
    assert not set(ASKED) & GIVEN


def test_the_page_names_every_member() -> None:
    text = PAGE.read_text()
    assert [name for name in sorted(members()) if f"`{name}`" not in text] == ["name", "title"]


@pytest.mark.parametrize("name", list(FAMILIES))
def test_what_a_family_lacks_is_known(name: str) -> None:
    assert lacking(family(name)) == LACKS[name]


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name in LACKS for member in sorted(LACKS[name])]
)
def test_what_a_family_lacks_is_said(name: str, member: str) -> None:
    found = family(name)
    with pytest.raises(FamilyError) as caught:
        ASKED[member](found)
    assert str(caught.value).startswith(f"{found.title} has no ")
    assert str(caught.value).endswith(f": hw/families/{name} does not make it")


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_row_leads_to_its_family(name: str) -> None:
    found = family(name)
    assert found is family(name)
    assert found.name == name == fabric_of(Part(name))
    assert found.popcount_form == name
    assert adds_functions(name) == (name == "ecp5")
    assert not adds_functions(PORTABLE)


def test_what_is_stated_goes_with_what_is_there() -> None:
    for name, lacks in LACKS.items():
        found = family(name)
        assert found.has_carry_trees == (not {"carry", "add_cell"} & lacks)
        assert found.has_register_cells == ("add_register" not in lacks)
        assert found.has_block_roms == (not {"block_rom", "twin_block_rom"} & lacks)
        assert bool(found.large_arguments) == ("large_lut4" not in lacks)


def test_a_family_states_what_circuits_ask() -> None:
    stated: dict[str, Any] = {"name": "silent", "has_carry_trees": False}
    stated |= {"has_register_cells": False, "has_lut_rams": False}
    with pytest.raises(TypeError) as caught:
        type("Silent", (Family,), stated)
    assert str(caught.value) == "the family Silent does not state title, has_block_roms"


def test_an_unknown_family_is_refused() -> None:
    for ask in (family, Part):
        with pytest.raises(FamilyError) as caught:
            ask("xc7")
        assert str(caught.value) == "no FPGA family 'xc7'; the known ones are ecp5, ice40, gowin"


@pytest.mark.parametrize("name", list(FAMILIES))
def test_an_unknown_part_is_refused(name: str) -> None:
    with pytest.raises(FamilyError, match=r"has no part LFE5X-9, but \w+"):
        family(name).device_arguments(FpgaDevice("LFE5X-9", "", 0, 0, 0, 0, 0, name))


def test_a_platform_of_an_unknown_part_is_of_no_family() -> None:
    from amaranth_boards.arty_a7 import ArtyA7_35Platform
    from amaranth_boards.icestick import ICEStickPlatform
    from amaranth_boards.machxo3_sk import MachXO3LSKPlatform
    from amaranth_boards.tang_nano import TangNanoPlatform
    from amaranth_boards.ulx3s import ULX3S_85F_Platform

    known = {ULX3S_85F_Platform: "ecp5", ICEStickPlatform: "ice40", TangNanoPlatform: "gowin"}
    for platform, name in known.items():
        assert family_of(platform()) is family(name)
    for strange in (ArtyA7_35Platform, MachXO3LSKPlatform):
        assert family_of(strange()) is None
    assert fabric_of(None) is None


def test_objects_and_table_need_no_amaranth() -> None:
    code = "import sys, subbit.hw.families.table as t; [t.family(n) for n in t.FAMILIES]; "
    code += "sys.exit(bool({'amaranth', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_memories_meant_for_lut_ram_are_free_where_there_is_none() -> None:
    assert "ram_style" not in family("ecp5").mapping("top")
    first, second = family("ice40").mapping("top").splitlines()[:2]
    assert first == "setattr -unset ram_style a:ram_style=distributed"
    assert second == "synth_ice40 -device u -top top"
