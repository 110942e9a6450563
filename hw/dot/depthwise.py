"""Depthwise convolution: one kernel a channel, some channels a cycle."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import adder_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.dot.popcount import CODE_BITS, PopcountShape, ones_cost
from subbit.hw.post.raw import Post, PostConfig, RawNumbers, lane_values, output_type, post_values
from subbit.hw.post.threshold import ThresholdConfig
from subbit.hw.streams.shapes import check_beat, check_lanes
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, period, rom_of
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["DepthwiseUnit"]

LUT_INPUTS = 4
ROM_CYCLES = {"const": 0, "logic": 1, "block": 2}


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseUnit(Unit):
    """``dot[c] = sum over l of w[c, l] * x[c, l]`` over the ``kh * kw`` positions l of each window,
    for ``channels`` channels c a beat, and ``post`` on each: the depthwise convolution ``layer``.

    ``input``: the type of the layer's input. Input beats: for each output pixel ``C / channels`` of
    ``channels * kh * kw`` lanes in the order channel, row, column, as a Window of one fold gives
    them, with a mask bit above each code where zeros surround bipolar codes. Output: the same
    channels, as codes where ``post`` is a Threshold, as integers where it is an Affine or None.
    ``memory``: where the weights live: ``auto``, ``block`` or ``logic``. ``pixels``: output pixels
    side by side, the first in the lowest lanes, with the same weights: some of a row, or whole
    rows; more than 1 with all channels at once alone, so that outputs are in the tensor's order.

    Each channel has XNOR-popcounts of its own, for all branches of inputs and weights at once.
    Latency: ``stages + 1`` cycles. Interval: ``OH * OW / pixels * C / channels`` cycles, a beat a
    cycle. Raises PlanError where ``channels`` does not divide the layer's, ``pixels`` does not fit
    the output, or ``memory`` is another word.
    """

    component: ClassVar[str] = "subbit.hw.dot.depthwise_rtl:Depthwise"
    layer: DepthwiseConv2d
    input: TensorType
    channels: int
    post: Post = None
    memory: str = "auto"
    pixels: int = 1

    def __post_init__(self) -> None:
        check_lanes(self.channels, self.input.channels)
        if self.pixels != 1 and self.channels != self.input.channels:
            raise PlanError(
                f"pixels={self.pixels} needs all {self.input.channels} channels at once, not "
                f"{self.channels}"
            )
        check_beat(self.pixels * self.channels, self.output)
        _ = self.o, self.rom

    @property
    def masked(self) -> bool:
        """Whether each lane carries a mask bit."""
        return self.layer.padding is Padding.ZERO and self.input.encoding is Encoding.BIPOLAR

    @property
    def size(self) -> int:
        """Weights of a channel."""
        return self.layer.window.size

    @property
    def output(self) -> TensorType:
        """The type of the dot products."""
        return self.layer.infer((self.input,))

    @property
    def i(self) -> Lanes:
        """``kh * kw`` codes of each channel, each code with its mask bit on top if there is one."""
        lanes = self.pixels * self.channels * self.size
        return Lanes(lanes, self.input.bits + self.masked)

    @property
    def o(self) -> Lanes:
        """Codes, or integers of the layer's type, of each pixel."""
        return Lanes.of(output_type(self.post, self.output), self.pixels * self.channels)

    @property
    def chunks(self) -> int:
        """Beats of a pixel."""
        return self.input.channels // self.channels

    @cached_property
    def scales(self) -> tuple[int, ...]:
        """What each bit plane of the weights counts, the lowest first."""
        return tuple(scale for scale, _ in branches_of(self.layer.weights))

    @property
    def unit_scale(self) -> int:
        """The least of them."""
        return min(self.scales)

    @property
    def popcount(self) -> PopcountShape:
        """The counter of a channel."""
        relative = tuple(scale // self.unit_scale for scale in self.scales)
        constant = self.rom.style == "const"
        return PopcountShape(
            rows=1,
            simd=self.size,
            bits=self.input.bits,
            masked=self.masked,
            constant=constant,
            scales=relative,
        )

    @cached_property
    def rom(self) -> RomTable:
        """The weights of a chunk a word: channel by channel, plane by plane, bit by bit."""
        planes = [plane.dense() for _, plane in branches_of(self.layer.weights)]
        bits = np.stack([plane.reshape(-1, self.size) > 0 for plane in planes], axis=1)
        words = [pack_elements(row, 1) for row in bits.reshape(self.chunks, -1).tolist()]
        return rom_of(words[: period(words)], bits.size // self.chunks, self.memory)

    @property
    def padding_weight(self) -> int:
        """What an element of zero padding counts, with masks: half of what any other lane may."""
        return ((1 << self.input.bits) - 1) * sum(self.scales) // self.unit_scale

    @property
    def raw_max(self) -> int:
        """The greatest raw number."""
        return self.popcount.max_count << self.masked

    @cached_property
    def raw(self) -> RawNumbers:
        """What a channel counts, and how its dot products follow from it; see DotUnit.linear."""
        channels, unit = self.input.channels, self.unit_scale
        total = np.full(channels, self.size * sum(self.scales))
        a = np.full(channels, unit if self.masked else 2 * unit)
        if self.input.encoding is Encoding.UNSIGNED:
            total = (total - self.layer.weights.dense().reshape(channels, -1).sum(axis=1)) // 2
            a = np.full(channels, unit)
        return RawNumbers(a, -((1 << self.input.bits) - 1) * total, self.raw_max)

    @cached_property
    def core(self) -> PostConfig:
        """What turns raw numbers into outputs."""
        return self.raw.core(self.post, self.channels, self.o.bits, self.pixels)

    @property
    def rom_cycles(self) -> int:
        """Cycles from a beat to its weights."""
        return ROM_CYCLES[self.rom.style]

    @property
    def raw_stages(self) -> int:
        """Register stages from an input beat to its raw numbers."""
        return self.rom_cycles + self.popcount.latency + self.masked

    @property
    def stages(self) -> int:
        """Register stages from an input beat to the output queue."""
        return self.raw_stages + self.core.latency

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for an input beat every cycle."""
        return self.stages + 2

    def cost(self) -> Cost:
        """Estimated cost after mapping; with the multipliers of affine ends."""
        total = self.rom.cost + self.rom.output_register_cost + self.core.cost
        counters = self.pixels * self.channels
        total += (self.popcount.cost - self.known_saving) * counters
        total += credit_queue_cost(self.o.width, self.depth)
        if self.masked:
            wide = self.raw_max.bit_length()
            total += (adder_cost(wide) + Cost(flip_flops=wide)) * counters
        return total + luts(2) + registers(self.i.width * self.rom_cycles + self.stages)

    @property
    def known_saving(self) -> Cost:
        """What a channel takes less where all channels come at once: its weights are constants, and
        so are its thresholds, with which a number of few bits is compared in one lookup table.
        """
        if not self.popcount.constant:
            return Cost()
        inputs = 1 + self.masked
        saved = ones_cost(self.size, inputs + 1) - ones_cost(self.size, inputs)
        saved *= self.input.bits * len(self.scales) * (self.input.bits < CODE_BITS)
        if isinstance(self.core, ThresholdConfig) and self.core.width <= LUT_INPUTS:
            saved += luts((self.core.width - 1) * self.core.bits)
        return saved

    def processes(self) -> tuple[Process, ...]:
        """Takes and gives a beat a cycle."""
        beats = self.output.height * self.output.width // self.pixels * self.chunks
        steps = np.full(beats, TAKE | GIVE, np.uint8)
        return (Process("depthwise", steps, self.stages + 1, self.depth, 1),)

    def reference(self, beats: Beats) -> Beats:
        """The layers' own definition, from the dense weights."""
        x, channels = self.input, self.input.channels
        lanes = beats.reshape(-1, channels, self.size)
        values = lane_values(lanes, x.bits, x.encoding, self.masked)
        dots: Ints = (values * self.layer.weights.dense().reshape(channels, -1)).sum(axis=2)
        return post_values(self.post, dots).reshape(-1, self.o.lanes)
