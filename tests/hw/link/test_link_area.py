"""What the host link costs on an ECP5."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.back import rtlil

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.families.table import family
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.link.buffer import beat_parts
from subbit.hw.link.buffer_rtl import FrameBuffer
from subbit.hw.link.host_link_rtl import HostLink
from subbit.hw.link.protocol import LinkInfo
from subbit.hw.link.results import results_cost
from subbit.hw.link.results_rtl import ResultSplitter
from subbit.sw.bench.costs import map_components
from subbit.sw.flow.cells import count_cells
from subbit.sw.ir import Encoding, Network
from tests.networks import small_network

SCRIPT = "read_rtlil link.il; synth_ecp5 -nowidelut -top link; tee -o cells.txt stat"
PROGRAM = """\
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1].split("; "):
    libyosys.run_pass(command, design)
"""


def info(side: int, bits: int) -> LinkInfo:
    """The link of a network of square pictures."""
    return LinkInfo(
        digest=bytes(range(100, 132)).hex(),
        height=side,
        width=side,
        channels=1,
        bits=bits,
        encoding=Encoding.UNSIGNED,
        logits=10,
        logit_bytes=4,
        clock_hz=0,
        name="mnist-codebook",
    )


@pytest.mark.parametrize(("side", "bits"), [(28, 8), (8, 4)])
def test_the_link_stays_below_650_luts_and_one_block_ram(
    side: int, bits: int, tmp_path: Path
) -> None:
    """A carry position counts as two LUTs, a LUT memory of 16 x 4 as six."""
    link = HostLink(info=info(side, bits), clock_hz=25_000_000, baud=3_000_000, result_bits=20)
    (tmp_path / "link.il").write_text(rtlil.convert(link, name="link"))
    subprocess.run(
        [sys.executable, "-c", PROGRAM, SCRIPT], cwd=tmp_path, check=True, capture_output=True
    )
    counts = {
        name: int(number)
        for number, name in re.findall(
            r"^\s+(\d+)\s+(LUT4|CCU2C|TRELLIS_DPR16X4|DP16KD|TRELLIS_FF)$",
            (tmp_path / "cells.txt").read_text(),
            re.MULTILINE,
        )
    }
    cells = count_cells(counts)
    assert 100 < cells.lut4_places < 650, counts
    assert cells.block_rams == 1


def test_a_beat_of_a_frame_costs_no_more_than_its_register() -> None:
    """Of 1,568 bits, against beats of one byte: the register, and a counter of 196 parts."""
    link = info(14, 8)
    domains = {"w_domain": "link", "r_domain": "sync"}
    buffers = {str(lanes): FrameBuffer(info=link, lanes=lanes, **domains) for lanes in (1, 14, 196)}
    cells = map_components(buffers, "ecp5")
    for lanes in (14, 196):
        more = {k: n - cells["1"].counts[k] for k, n in cells[str(lanes)].counts.items()}
        join = beat_parts(elements=196, bits=8, lanes=lanes)[1]
        assert join is not None
        assert 8 * lanes <= more["flip_flops"] <= 8 * lanes + 16, more
        assert more["lut4"] <= 50, more
        assert more["block_rams"] == 0
        assert abs(join.cost().flip_flops - more["flip_flops"]) <= 2


@pytest.mark.parametrize("fabric", ["ecp5", "ice40"])
def test_what_splits_results_costs_what_is_said(fabric: str) -> None:
    network = small_network("plain")
    x = network.types[network.nodes[-2].name]
    units = {str(lanes): ArgmaxUnit(input=x, lanes=lanes) for lanes in (2, 5, 10)}
    made = {
        name: ResultSplitter(results=unit.o, beats=x.channels // unit.lanes)
        for name, unit in units.items()
    }
    cells = map_components(made, fabric)
    assert results_cost(network, Lanes(1, x.bits, signed=True)) == Cost()
    for name, unit in units.items():
        said = family(fabric).cost(results_cost(network, unit.o))
        found = cells[name].counts
        assert said.lut4 == pytest.approx(found["lut4"], rel=0.15, abs=25)
        assert said.flip_flops == pytest.approx(found["flip_flops"], rel=0.15, abs=25)


def test_logits_get_an_argmax_of_their_own() -> None:
    whole = small_network("plain")
    network = Network("logits", whole.input_type, whole.nodes[:-1])
    x = network.types[network.nodes[-1].name]
    argmax = ArgmaxUnit(input=x).cost()
    assert results_cost(network, Lanes(1, x.bits, signed=True)) == argmax
    split = results_cost(network, Lanes(5, x.bits, signed=True)) - argmax
    assert split.flip_flops >= 5 * x.bits
