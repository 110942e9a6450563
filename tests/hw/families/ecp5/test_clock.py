"""Setting the PLL after routing gives what nextpnr itself writes for those settings."""

from pathlib import Path

import pytest

from subbit.boards import board
from subbit.hw.design.platform import prepare
from subbit.hw.families.ecp5.clock import set_pll
from subbit.hw.families.ecp5.pll_rtl import best_settings
from subbit.sw.errors import ToolError
from subbit.sw.flow.route import place_and_route
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.verilog import rtlil_to_verilog
from tests.flow.builds import Built
from tests.flow.echo import Echo

BOARD = board("ulx3s")


def blocks(config: str) -> set[str]:
    """The blocks of a configuration that hold no routing."""
    return {block for block in config.split("\n\n") if "\narc: " not in block}


@pytest.mark.parametrize("target_mhz", [61.3, 107.2, 160])
def test_patched_like_routed(target_mhz: float, built: Built, tmp_path: Path) -> None:
    design = prepare(Echo(board=BOARD, target_hz=target_mhz * 1e6), BOARD)
    (tmp_path / "top.lpf").write_text(design.constraints)
    rtlil_to_verilog(design.rtlil, folder=tmp_path, name="top")
    synthesise(tmp_path, name="top", fabric="ecp5")
    routed = place_and_route(tmp_path, BOARD, name="top", design="echo")
    patched = tmp_path / "patched.config"
    patched.write_text((built.folder / "top.config").read_text())
    settings = best_settings(BOARD.oscillator_hz, target_mhz * 1e6)
    set_pll(patched, settings)
    assert pll_block(patched) == pll_block(routed.config)
    assert routed.fmax_of(float(settings.output_hz(BOARD.oscillator_hz))) > 0


def pll_block(config: Path) -> str:
    """The block of the PLL in a configuration."""
    found = [block for block in config.read_text().split("\n\n") if "word: CLKFB_DIV " in block]
    assert len(found) == 1
    return found[0]


def test_the_patch_changes_nothing_else(built: Built, tmp_path: Path) -> None:
    before = (built.folder / "top.config").read_text().splitlines()
    patched = tmp_path / "patched.config"
    patched.write_text("\n".join(before) + "\n")
    set_pll(patched, best_settings(BOARD.oscillator_hz, 61.3e6))
    after = patched.read_text().splitlines()
    changed = {new.split()[1] for old, new in zip(before, after, strict=True) if old != new}
    assert changed <= {"CLKI_DIV", "CLKFB_DIV", *(f"CLKO{o}_{w}" for o in "PS" for w in WORDS)}
    assert "CLKOS_DIV" in changed


WORDS = ("DIV", "CPHASE")


def test_a_configuration_without_a_pll_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "none.config"
    config.write_text(".device LFE5U-85F\n")
    with pytest.raises(ToolError, match=r"has 0 words CLKI_DIV; there should be one PLL"):
        set_pll(config, best_settings(BOARD.oscillator_hz, 100e6))
    assert config.read_text() == ".device LFE5U-85F\n"


def test_the_clock_is_the_highest_legal_one_below_fmax(built: Built) -> None:
    fmax, clock = built.result.fmax_hz, built.result.clock_hz
    assert clock == float(best_settings(BOARD.oscillator_hz, fmax).output_hz(BOARD.oscillator_hz))
    assert 0.95 * fmax < clock <= fmax
