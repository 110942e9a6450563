"""The block-RAM lookup engine against its unit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Beats
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.block_lookup_rtl import BlockLookup
from subbit.hw.lookup.dot9_tables import Dot9TablesShape
from subbit.hw.streams.registers_rtl import registered, valid_stages
from subbit.hw.tables.rom import RomTable
from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from subbit.sw.ir import CodebookWeights, Encoding
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from tests.hw.design import test_reset
from tests.hw.dots import codebook, flipped
from tests.hw.harness import check_unit
from tests.hw.lookup.test_lookup import BIPOLAR, ENDS, UNSIGNED, end
from tests.hw.planted import Watched


def engine(
    outputs: int = 4,
    channels: int = 4,
    tau: int = 3,
    post: str = "threshold1",
    bits: int = 1,
    encoding: Encoding = BIPOLAR,
    **rest: Any,
) -> BlockLookupUnit:
    rng = np.random.default_rng(outputs + channels + tau)
    weights = codebook(rng, outputs, channels, tau)
    ends = end(post, rng, outputs, 9 * channels << bits)
    settings = {"masked": False, "vectors": 3, "pixels": 2, **rest}
    return BlockLookupUnit(weights=weights, encoding=encoding, bits=bits, post=ends, **settings)


def windows(rng: np.random.Generator, unit: BlockLookupUnit, frames: int) -> Beats:
    """Windows of random pixels; with a mask, of a tensor of two rows."""
    count = frames * unit.vectors * unit.cin // unit.dot9
    if not unit.masked:
        return rng.integers(0, 1 << unit.bits, (count, unit.i.lanes))
    width = unit.vectors * unit.pixels // 2
    x = TensorType.codes(2, width, unit.cin, unit.bits, unit.encoding)
    window = WindowUnit(
        input=x,
        kernel=3,
        stride=1,
        padding=Padding.ZERO,
        channels=unit.dot9,
        folds=1,
        pixels=unit.pixels,
    )
    return window.reference(
        rng.integers(0, 1 << unit.bits, (frames * x.elements // unit.dot9, unit.dot9))
    )


def check(unit: BlockLookupUnit) -> None:
    check_unit(Watched(unit), windows(np.random.default_rng(1), unit, 2))


@pytest.mark.parametrize(("bits", "post"), ENDS)
@pytest.mark.parametrize(("encoding", "masked"), [(BIPOLAR, 0), (BIPOLAR, 1), (UNSIGNED, 0)])
def test_inputs_and_ends(bits: int, encoding: Encoding, masked: int, post: str) -> None:
    check(
        engine(
            post=post,
            bits=bits,
            encoding=encoding,
            masked=bool(masked),
            ports=2,
            vectors=2 + 2 * masked,
        )
    )


@pytest.mark.parametrize(
    ("tau", "channels", "outputs", "pixels", "ports", "dot9"),
    [
        (3, 4, 16, 9, 4, 2),  # nine entries a word; as many cycles to fill as to read
        (3, 4, 8, 3, 2, 1),
        (4, 6, 8, 1, 3, 3),  # two turns of three ports
        (5, 4, 4, 4, 1, 1),  # one port
        (2, 12, 6, 2, 4, 2),  # three turns
        (1, 1, 4, 2, 1, 1),
        (6, 8, 3, 2, 8, 8),
        (8, 2, 4, 2, 2, 2),
    ],
)
@pytest.mark.parametrize("form", ["portable", "ecp5"])
def test_foldings(
    tau: int, channels: int, outputs: int, pixels: int, ports: int, dot9: int, form: str
) -> None:
    check(engine(outputs, channels, tau, pixels=pixels, ports=ports, dot9=dot9, form=form))


@pytest.mark.parametrize(("ports", "dot9"), [(1, 1), (2, 1), (2, 2), (6, 3), (6, 6)])
def test_blanks(ports: int, dot9: int) -> None:
    check(engine(3, 6, 2, "none", masked=True, vectors=4, pixels=3, ports=ports, dot9=dot9))


@pytest.mark.parametrize(("ports", "dot9"), [(8, 1), (8, 2), (4, 2), (2, 2)])
def test_interval(ports: int, dot9: int) -> None:
    unit = engine(16, 8, 4, vectors=5, pixels=3, ports=ports, dot9=dot9)
    assert run(list(unit.processes()), 4).interval_cycles == unit.interval_cycles
    assert unit.interval_cycles == 5 * max(8 // dot9 * 16, 16 * 8 // ports)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"ports": 3}, "ports must divide the 4 channels; 3 does not"),
        ({"ports": 4, "dot9": 3}, "must divide the 4 ports; 3 does not"),
        ({"pixels": 0}, "a group has at least one pixel"),
        ({"fill": "gold"}, "fill must be one of logic, block, not 'gold'"),
        ({"fill": "block", "bits": 2}, "for inputs of one bit and tau up to 5, not for 2 bits"),
        ({"fill": "block", "tau": 6}, "not for 1 bits and tau 6"),
        ({"channels": 3, "masked": True}, "zero padding around an odd number of channels, 3"),
    ],
)
def test_settings_that_do_not_fit(change: dict[str, Any], match: str) -> None:
    with pytest.raises(PlanError, match=match):
        engine(**change)


@pytest.mark.parametrize(
    ("tau", "channels", "outputs", "pixels", "ports", "dot9"),
    [
        (1, 1, 4, 2, 1, 1),
        (3, 4, 16, 9, 4, 2),  # a block RAM's port counts all nine positions,
        (4, 6, 8, 1, 3, 3),  # eight,
        (5, 4, 4, 4, 1, 1),  # or seven
    ],
)
@pytest.mark.parametrize("form", ["portable", "ecp5"])
def test_counts_from_block_ram(
    tau: int, channels: int, outputs: int, pixels: int, ports: int, dot9: int, form: str
) -> None:
    shape = {"pixels": pixels, "ports": ports, "dot9": dot9}
    check(engine(outputs, channels, tau, form=form, fill="block", **shape))


@pytest.mark.parametrize(("tau", "post", "dot9"), [(2, "none", 3), (6, "threshold2", 1)])
def test_blanks_counted_from_block_ram(tau: int, post: str, dot9: int) -> None:
    shape = {"pixels": 3, "ports": 6, "dot9": dot9}
    check(engine(5, 6, tau, post, masked=True, vectors=4, fill="block", **shape))


def test_a_wrong_count_in_block_ram(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(4, 4, 5, "none", ports=2, fill="block")
    right = Dot9TablesShape.rom.func

    def wrong(tables: Dot9TablesShape) -> RomTable:
        rom = right(tables)
        used = int(unit.weights.indices[2, 1])
        words = [count ^ (at % 32 == used) for at, count in enumerate(rom.words)]
        return replace(rom, words=tuple(words))

    beats = windows(np.random.default_rng(1), unit, 2)
    check_unit(unit, beats)
    monkeypatch.setattr(Dot9TablesShape, "rom", property(wrong))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_unit(replace(unit), beats)


def found_by_the_check(monkeypatch: pytest.MonkeyPatch, unit: BlockLookupUnit, wrong: Any) -> None:
    beats = windows(np.random.default_rng(1), unit, 2)
    check_unit(unit, beats)
    monkeypatch.setattr(
        BlockLookupUnit, "load_component", lambda _: lambda unit: BlockLookup(unit=wrong)
    )
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_unit(unit, beats)


@pytest.mark.parametrize("memory", ["block", "logic"])
def test_a_wrong_bit_of_an_index(monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    unit = engine(4, 4, 3, "none", ports=2, memory=memory)
    found_by_the_check(monkeypatch, unit, replace(unit, weights=flipped(unit.weights, 13)))


def test_a_wrong_codeword(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(4, 4, 3, "none", ports=2)
    words = unit.weights.codewords.copy()
    words[int(unit.weights.indices[2, 1]), 1, 2] ^= 1
    wrong = replace(unit, weights=CodebookWeights(words, unit.weights.indices))
    found_by_the_check(monkeypatch, unit, wrong)


def test_a_wrong_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(4, 4, 3, ports=2)
    moved = replace(unit.post, rising=unit.post.rising ^ np.array([0, 1, 0, 0], np.uint8))
    found_by_the_check(monkeypatch, unit, replace(unit, post=moved))


def test_tables_written_late_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = engine(8, 4, 3, "none", ports=4, dot9=4)

    address = unit.tau + unit.group_bits + 1

    def late(m: Any, start: Any, stages: int, name: str) -> list[Any]:
        return valid_stages(m, start, stages + 3 * (name == "written"), name)

    def later(m: Any, value: Any, times: int = 1) -> Any:
        return registered(m, value, times + 3 * (len(value) == address))

    monkeypatch.setattr("subbit.hw.lookup.block_lookup_rtl.valid_stages", late)
    monkeypatch.setattr("subbit.hw.lookup.block_lookup_rtl.registered", later)
    with pytest.raises(AssertionError, match="Assertion violated"):
        check_unit(Watched(unit), windows(np.random.default_rng(1), unit, 2))


def test_a_reset_in_the_middle() -> None:
    test_reset.test_reset_in_the_middle(engine(5, 4, 3, ports=2, vectors=2))


def test_indices_in_columns_of_block_rams() -> None:
    unit = engine(8, 8, 5, ports=8, dot9=4, memory="block")
    whole, columns = unit.index_rom, unit.index_roms
    assert [column.width for column in columns] == [36, 4]
    for at, word in enumerate(whole.words):
        assert word == columns[0].words[at] | columns[1].words[at] << 36
    check(unit)
