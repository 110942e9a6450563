"""The Verilog that synthesis reads."""

import re

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.width import UpsizeUnit
from subbit.hw.streams.width_rtl import Upsize
from subbit.sw.flow.verilog import to_verilog


def test_no_net_is_named_like_a_bit_of_another() -> None:
    text = to_verilog(Upsize(unit=UpsizeUnit(element=Lanes(4, 1), ratio=2, beats=4)), name="dut")
    assert "o__payload" in text
    assert not re.findall(r"\\\S+\[\S*", text)
