"""How frames and results lie on the buses of a core, and what framing makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes
from subbit.hw.tables.packing import pack_elements
from subbit.sw.errors import PlanError

__all__ = ["BUSES", "CoreShape", "Word", "check_bus"]

BUSES = ("axi-stream", "wishbone", "plain")
# What AXI4-Stream interconnects and DMA engines of all vendors take as one beat: 512 bytes.
MOST_AXI_BITS = 4096
NUMBER_BITS = (8, 16, 32, 64)  # in which numbers with a sign travel, as C has them


@dataclass(frozen=True)
class Word:
    """How a beat lies in ``tdata``: lane k from bit ``k * lane_bits`` on, lane 0 lowest.

    Codes stand side by side in as many bits as they have. Numbers with a sign take 8, 16, 32 or 64
    bits each. What is left of the last byte is 0.
    """

    lanes: Lanes

    @property
    def lane_bits(self) -> int:
        """From the start of one lane to that of the next."""
        if not self.lanes.signed:
            return self.lanes.bits
        return next(bits for bits in NUMBER_BITS if bits >= self.lanes.bits)

    @property
    def bits(self) -> int:
        """Of ``tdata``: whole bytes."""
        return -(-self.lanes.lanes * self.lane_bits // 8) * 8

    def pack(self, beats: Beats) -> list[int]:
        """``tdata`` of each beat of ``beats``, ``(n, lanes)``."""
        mask = (1 << self.lane_bits) - 1
        return [pack_elements([x & mask for x in beat], self.lane_bits) for beat in beats.tolist()]


@dataclass(frozen=True, kw_only=True)
class CoreShape:
    """A network as its core shows it: ``i_beats`` beats of payload ``i`` make a frame, ``o_beats``
    of ``o`` its result. ``in_flight``: frames that are inside at once at full rate.

    A packet is what ends with ``tlast``. Each packet in gives one packet out, in order. A packet of
    another length than ``i_beats`` is damaged: its result is marked by ``tuser``, its data is all
    ones from the beat on in which the damage is known, at the latest in the last one.
    """

    i: Lanes
    o: Lanes
    i_beats: int
    o_beats: int
    in_flight: int

    @property
    def i_word(self) -> Word:
        """A beat of the input."""
        return Word(self.i)

    @property
    def o_word(self) -> Word:
        """A beat of the output."""
        return Word(self.o)

    @property
    def most_in_flight(self) -> int:
        """Frames that the core lets in before a result must leave: twice what full rate takes, and
        one less than a power of two.
        """
        return (1 << max(3, (2 * self.in_flight).bit_length())) - 1

    @property
    def damaged(self) -> int:
        """``tdata`` of a marked result's last beat: -1 in every lane."""
        return (1 << self.o_word.bits) - 1

    def errors(self, lengths: Sequence[int]) -> tuple[int, int]:
        """Of packets of so many beats, how many end too early and how many too late."""
        early = sum(length < self.i_beats for length in lengths)
        return early, sum(length > self.i_beats for length in lengths)

    def cost(self) -> Cost:
        """Framing and the output register: counters of beats and frames, handshakes, the mark."""
        flying = self.most_in_flight.bit_length()
        guard = counter_cost(self.i_beats) + luts(12) + Cost(flip_flops=3)
        count = luts(2 * flying + 4) + Cost(flip_flops=flying)
        output = registers(self.o.width + 3) + luts(self.o.width + 10) + counter_cost(self.o_beats)
        return guard + count + output


def check_bus(bus: str, shape: CoreShape) -> None:
    """Raise PlanError where ``bus`` is none of BUSES or a beat does not fit it."""
    if bus not in BUSES:
        raise PlanError(f"a core has one of the buses {', '.join(BUSES)}, not {bus!r}")
    if bus == "plain":
        return
    for text, word in (("input", shape.i_word), ("output", shape.o_word)):
        if word.bits > MOST_AXI_BITS:
            raise PlanError(
                f"a beat of the {text} has {word.lanes.lanes:,} elements, {word.bits:,} bits with "
                f"padding, and AXI4-Stream carries at most {MOST_AXI_BITS:,} a beat; plan fewer "
                "elements a beat, or take the bus 'plain'"
            )
