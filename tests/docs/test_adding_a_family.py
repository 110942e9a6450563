"""The worked example of docs/extend/adding-a-family.md, run as it stands there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from subbit.boards import board
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.families.family import Family
from subbit.hw.families.part import Part, fabric_of
from subbit.hw.families.table import FAMILIES, family
from subbit.sw.errors import FamilyError
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import BinaryWeights
from subbit.sw.planner.costs import Costs
from tests.docs.page import blocks_of, place_files
from tests.hw.families.members import ASKED, lacking
from tests.networks import small_network
from tests.paths import ROOT

PAGE = ROOT / "docs" / "extend" / "adding-a-family.md"
CELLS = re.compile(r"\$lut|\$_S?DFF\w+_")  # lookup tables and flip-flops


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Family:
    """The family of the page, its files in place and its row in the table."""
    files, _ = blocks_of(PAGE)
    assert list(files) == ["hw/families/toy/__init__.py", "hw/families/toy/family.py"]
    place_files(files, tmp_path, monkeypatch)
    [(name, place)] = re.findall(r'^    "(\w+)": "(.*)",$', PAGE.read_text(), re.M)
    monkeypatch.setitem(FAMILIES, name, place)
    return family(name)


def test_the_example_of_the_page_works(toy: Family) -> None:
    [example] = blocks_of(PAGE)[1]
    exec(compile(example, str(PAGE), "exec"), {})
    assert (toy.name, fabric_of(Part("toy"))) == ("toy", "toy")


def test_an_engine_is_portable_and_mapped_to_its_cells(toy: Family, tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    weights = BinaryWeights(chance.integers(0, 2, (4, 36), np.uint8))
    unit = DotUnit(
        weights=weights,
        encoding=Encoding.BIPOLAR,
        bits=1,
        masked=False,
        pe=2,
        simd=18,
        vectors=1,
        form=toy.popcount_form,
    )
    made = [
        to_verilog(unit.load_component()(unit=unit), name="dot", platform=platform)
        for platform in (Part("toy"), None)
    ]
    assert made[0] == made[1]
    (tmp_path / "dot.v").write_text(made[0])
    netlist = json.loads(synthesise(tmp_path, name="dot", fabric="toy").read_text())
    kinds = {cell["type"] for cell in netlist["modules"]["dot"]["cells"].values()}
    assert "$lut" in kinds
    assert "$_DFF_P_" in kinds
    assert [kind for kind in kinds if not CELLS.fullmatch(kind)] == []


def test_everything_else_is_missing_by_name(toy: Family) -> None:
    assert lacking(toy) == set(ASKED) - {"synthesis"}
    for member in lacking(toy):
        with pytest.raises(FamilyError, match=r"^Toy has no .+: hw/families/toy does not make it$"):
            ASKED[member](toy)
    assert toy.popcount_form == PORTABLE


def test_no_other_family_stands_in_for_it(toy: Family) -> None:
    with pytest.raises(FamilyError, match="Toy has no calibration of the planner"):
        Costs(small_network("plain"), "toy")
    with pytest.raises(FamilyError, match="Toy has no rules of carry chains"):
        _ = toy.carry
    assert board("ulx3s").family is not toy


def test_the_page_names_every_file() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", PAGE.read_text().partition("## Every file")[2], re.M)
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert [name for name in names if "NAME" not in name and not (ROOT / name).exists()] == []
    named = [path.name for path in (ROOT / "hw" / "families" / "ecp5").glob("*.*")]
    assert [name for name in named if name != "__init__.py" and name not in PAGE.read_text()] == []
