"""The frequencies of the iCE40's PLL."""

from fractions import Fraction

import pytest

from subbit.hw.families.ice40.pll_rtl import Ice40Settings, best_settings, legal_settings

INPUT_HZ = 12_000_000


def test_every_legal_setting_is_within_the_data_sheet() -> None:
    settings = list(legal_settings(INPUT_HZ))
    assert len(settings) > 100
    for s in settings:
        vco = Fraction(INPUT_HZ * s.feedback, s.reference)
        assert 10e6 <= INPUT_HZ / s.reference <= 133e6
        assert 533e6 <= vco <= 1066e6
        assert 16e6 <= s.output_hz(INPUT_HZ) == vco / 2**s.output_log2 <= 275e6
        assert 1 <= s.feedback <= 128
        assert 1 <= s.output_log2 <= 6


@pytest.mark.parametrize("ceiling_mhz", [17, 24.2, 33.4, 33.87, 48, 61.3, 100])
def test_the_best_setting_is_the_highest_that_is_not_above(ceiling_mhz: float) -> None:
    found = best_settings(INPUT_HZ, ceiling_mhz * 1e6).output_hz(INPUT_HZ)
    others = [s.output_hz(INPUT_HZ) for s in legal_settings(INPUT_HZ)]
    assert found == max(hz for hz in others if hz <= ceiling_mhz * 1e6)
    assert found > 0.97 * ceiling_mhz * 1e6


def test_too_low_a_ceiling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no clock of at most 15\.00 MHz"):
        best_settings(INPUT_HZ, 15e6)


@pytest.mark.parametrize(("input_mhz", "choice"), [(12, 1), (16, 1), (25, 2), (50, 4), (100, 5)])
def test_parameters_are_stored_less_one_with_a_filter_for_the_detector(
    input_mhz: int, choice: int
) -> None:
    found = Ice40Settings(1, 64, 4).parameters(input_mhz * 1_000_000)
    assert {name: (value.value, len(value)) for name, value in found.items()} == {
        "DIVR": (0, 4),
        "DIVF": (63, 7),
        "DIVQ": (4, 3),
        "FILTER_RANGE": (choice, 3),
    }
