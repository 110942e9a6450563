"""The frequencies of the PLL."""

from fractions import Fraction

import pytest

from subbit.hw.families.ecp5.pll_rtl import PllSettings, best_settings, legal_settings

INPUT_HZ = 25_000_000


def test_every_legal_setting_is_within_the_data_sheet() -> None:
    settings = list(legal_settings(INPUT_HZ))
    assert len(settings) > 1000
    for s in settings:
        detector = Fraction(INPUT_HZ, s.reference)
        vco = detector * s.feedback * s.loop
        assert 10e6 <= detector <= 400e6
        assert 400e6 <= vco <= 800e6
        assert vco / s.loop <= 400e6
        assert 3.125e6 <= s.output_hz(INPUT_HZ) == vco / s.output <= 400e6
        assert 1 <= s.feedback <= 80
        assert max(s.reference, s.loop, s.output) <= 128


@pytest.mark.parametrize("ceiling_mhz", [40, 61.3, 99.99, 100, 107.4, 123.456, 160, 213.7])
def test_the_best_setting_is_the_highest_that_is_not_above(ceiling_mhz: float) -> None:
    found = best_settings(INPUT_HZ, ceiling_mhz * 1e6).output_hz(INPUT_HZ)
    others = [s.output_hz(INPUT_HZ) for s in legal_settings(INPUT_HZ)]
    assert found == max(hz for hz in others if hz <= ceiling_mhz * 1e6)
    # The steps are fine enough that choosing one costs little.
    assert found > 0.96 * ceiling_mhz * 1e6


def test_a_frequency_that_is_a_setting_is_taken_exactly() -> None:
    assert best_settings(INPUT_HZ, 100e6).output_hz(INPUT_HZ) == 100_000_000


def test_too_low_a_ceiling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no clock of at most 1\.00 MHz"):
        best_settings(INPUT_HZ, 1e6)


def test_parameters_have_phase_zero() -> None:
    assert PllSettings(2, 5, 9, 7).parameters() == {
        "CLKI_DIV": 2,
        "CLKFB_DIV": 5,
        "CLKOP_DIV": 9,
        "CLKOP_CPHASE": 8,
        "CLKOS_DIV": 7,
        "CLKOS_CPHASE": 6,
    }
