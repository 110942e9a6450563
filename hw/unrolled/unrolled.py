"""The unrolled engine: weights are wires, and a whole vector enters in every cycle."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.blocks import adder_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import credit_queue_cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.dot.checks import check_inputs
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.post.affine import AffineConfig
from subbit.hw.post.raw import (
    Post,
    PostConfig,
    RawNumbers,
    lane_values,
    output_type,
    post_values,
)
from subbit.hw.unrolled.network import AdderNetwork, Levels, network_of
from subbit.hw.unrolled.rough import ROUGH_LATENCY, rough_cost
from subbit.hw.window.border import Border, PaddingSumsConfig
from subbit.sw.cycles.model import GIVE, TAKE, Process
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.linear import dot_type
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import Weights

__all__ = ["UnrolledUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class UnrolledUnit(Unit):
    """``dot[v, o] = sum over l of w[o, l] * x[v, l]`` for input vectors x (output pixels) and the
    rows of ``weights``, and ``post`` on each output, all at once.

    Input: a beat is ``pixels`` vectors side by side, each of all N inputs in the order of a weight
    row; ``vectors`` beats a frame. ``encoding``, ``bits``: of the codes x, or of two's complement
    integers within ``span``, a least and a greatest number. Output: a beat is all outputs of these
    vectors, as codes where ``post`` is a Threshold, as integers where it is an Affine or None.
    With ``border`` the codes of positions beyond the edge are 0, and stand for 0; beats then are a
    frame's pixels in order. ``form``: of the adders, ``portable`` or the fabric whose cells they
    are made of.

    The weights are wires: rows are computed from others that differ in few weights, and what
    several rows need is computed once (subbit.hw.unrolled.sums). Thresholds are lookup tables.

    Latency: ``stages + 1`` cycles. Interval: ``vectors`` cycles, a beat a cycle. Raises PlanError
    where encoding, bits and span do not fit each other.
    """

    component: ClassVar[str] = "subbit.hw.unrolled.unrolled_rtl:Unrolled"
    weights: Weights
    encoding: Encoding
    bits: int
    vectors: int
    post: Post = None
    pixels: int = 1
    form: str = PORTABLE
    span: tuple[int, int] | None = None
    border: Border | None = None

    def __post_init__(self) -> None:
        bordered = self.border is not None
        check_inputs(self.encoding, self.bits, self.span, masked=False, bordered=bordered)
        if self.vectors < 1 or self.pixels < 1:
            raise PlanError(
                f"vectors={self.vectors} and pixels={self.pixels} must both be 1 or more"
            )
        _ = self.o

    @property
    def outputs_a_pixel(self) -> int:
        """Outputs of a vector."""
        return self.weights.shape[0]

    @property
    def length(self) -> int:
        """N, inputs of a vector."""
        return self.weights.row_length

    @cached_property
    def x_type(self) -> TensorType:
        """Type of the input, as a flat vector."""
        if self.span is not None:
            return TensorType.integers(1, 1, self.length, *self.span)
        return TensorType.codes(1, 1, self.length, self.bits, self.encoding)

    @property
    def x_lanes(self) -> Lanes:
        """What the adders read in a cycle."""
        return self.i

    @property
    def signed(self) -> bool:
        """Whether the inputs are integers, in two's complement."""
        return self.encoding is Encoding.INTEGER

    @cached_property
    def dot_type(self) -> TensorType:
        """Type of the dot products, as the network's rule for the layer has it."""
        return dot_type(self.weights, self.x_type, 1, 1)

    @property
    def i(self) -> Lanes:
        """All inputs of each vector."""
        return Lanes(self.pixels * self.length, self.bits, self.signed)

    @property
    def i_range(self) -> tuple[int, int]:
        """``span`` where the inputs are integers."""
        return self.span or self.i.range

    @property
    def o(self) -> Lanes:
        """All outputs of each vector: codes, or integers of the layer's type."""
        return Lanes.of(output_type(self.post, self.dot_type), self.pixels * self.outputs_a_pixel)

    @cached_property
    def matrix(self) -> Ints:
        """The weights ``(outputs, N)``."""
        return self.weights.dense().reshape(self.outputs_a_pixel, -1)

    @property
    def linear(self) -> tuple[int, Ints]:
        """``(a, b)`` with ``dot = a * sum + b`` for the sums of weights times unsigned codes u: a
        bipolar code stands for ``2u - (2**M - 1)``, an integer for ``u - 2**(M - 1)``.
        """
        sums = self.matrix.sum(axis=1)
        if self.encoding is Encoding.BIPOLAR:
            return 2, -sums * ((1 << self.bits) - 1)
        return 1, -sums * (self.signed << (self.bits - 1))

    @property
    def levels(self) -> Levels | None:
        """What the sums are compared with; None where integers leave, or constants are added first
        that depend on the place of the window.
        """
        if not isinstance(self.post, Threshold) or self.border:
            return None
        a, b = self.linear
        least = -((b[:, None] - self.post.thresholds) // a)
        rising = tuple(bool(rises) for rises in self.post.rising)
        return Levels(tuple(map(tuple, least.tolist())), rising)

    @cached_property
    def network(self) -> AdderNetwork:
        """The adders, and the comparisons where there are thresholds."""
        return network_of(self.matrix, self.bits, self.form, self.levels)

    @property
    def results(self) -> AdderNetwork:
        """The network whose outputs are the sums, or their codes: here all there is."""
        return self.network

    @cached_property
    def padding_sums(self) -> PaddingSumsConfig | None:
        """What is added to twice the sums where zeros surround the tensor; see DotUnit."""
        if self.border is None:
            return None
        sums = self.taken_back - self.taken_back.min()
        values = sums.transpose(1, 2, 3, 0).reshape(*sums.shape[1:3], 1, -1)
        return PaddingSumsConfig(border=self.border, values=values)

    @cached_property
    def taken_back(self) -> Ints:
        """``(outputs, kinds of rows, kinds of columns, pixels)``: what is missing in twice the sums
        over units, as a code 0 beyond the edge counts as ``-(2**M - 1)``.
        """
        assert self.border is not None
        missing = ((1 << self.bits) - 1) * self.border.weights_outside(self.weights)
        return missing // self.results.units[:, None, None, None]

    @cached_property
    def numbers(self) -> RawNumbers:
        """How dot products follow from what the adders give, constants of a border added."""
        (a, b), network = self.linear, self.results
        factors, rest = a * network.units, a * network.offsets + b
        most = max(1, *((1 << len(word)) - 1 for word in network.words))
        if self.padding_sums:
            factors = factors // 2
            rest = rest + factors * int(self.taken_back.min())
            most = 2 * most + int(self.padding_sums.values.max())
        return RawNumbers(factors, rest, most)

    @cached_property
    def core(self) -> PostConfig | None:
        """What turns these numbers into outputs; None where the network compares them itself."""
        if self.levels is not None:
            return None
        return self.numbers.core(self.post, self.outputs_a_pixel, self.o.bits, self.pixels)

    @property
    def latency(self) -> int:
        """Cycles from the registers of a beat to its outputs."""
        behind = self.core.latency if self.core else 0
        return self.ready + (self.border is not None) + behind

    @property
    def ready(self) -> int:
        """Cycles from the registers of a beat to the outputs of ``results``."""
        return self.network.latency

    @property
    def stages(self) -> int:
        """Register stages from an input beat to the output queue."""
        return self.latency + 1

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for an input beat a cycle."""
        return self.stages + 2

    def processes(self) -> tuple[Process, ...]:
        """Takes and gives a beat a cycle."""
        return self.pipeline(self.stages)

    def rough_processes(self) -> tuple[Process, ...]:
        """The same with about as many stages, without the network: they are as fast."""
        return self.pipeline(ROUGH_LATENCY + 1)

    def pipeline(self, stages: int) -> tuple[Process, ...]:
        """Takes and gives a beat a cycle, with so many register stages in front of the queue."""
        steps = np.full(self.vectors, TAKE | GIVE, np.uint8)
        return (Process("unrolled", steps, stages + 1, stages + 2, 1),)

    def cost(self) -> Cost:
        """Estimated cost after mapping: the adders, which are known cell by cell, registers of the
        inputs, and the queue.
        """
        total = self.adders_cost * self.pixels + self.feed_cost + registers(self.stages)
        total += credit_queue_cost(self.o.width - self.constant_bits, self.depth)
        if self.padding_sums:
            bits = self.numbers.high.bit_length()
            adders = adder_cost(bits - 1) + Cost(flip_flops=bits)
            total += self.padding_sums.cost + adders * self.o.lanes
        if self.core:
            total += self.core.cost - Cost(flip_flops=self.constant_bits)
        return total

    @property
    def adders(self) -> int:
        """Adders of a pixel."""
        return self.network.adders

    @property
    def adders_cost(self) -> Cost:
        """The adders and comparisons of a pixel."""
        return self.network.cost

    @property
    def feed_cost(self) -> Cost:
        """The registers in front of the network, and what takes a beat."""
        return registers(self.i.width) + luts(2)

    def estimate(self) -> Cost:
        """About what ``cost`` says, without the network."""
        levels = self.post.thresholds.shape[1] if isinstance(self.post, Threshold) else 0
        total = self.rough_adders(levels) * self.pixels + self.feed_cost + registers(ROUGH_LATENCY)
        total += credit_queue_cost(self.o.width, ROUGH_LATENCY + 3)
        if not levels:
            total += (adder_cost(self.o.bits) + Cost(flip_flops=self.o.bits)) * self.o.lanes
        return total

    def rough_adders(self, levels: int) -> Cost:
        """About what the adders of a pixel take, and ``levels`` comparisons of each output."""
        planes = len(branches_of(self.weights))
        return rough_cost(self.matrix, self.bits, planes, levels)

    @property
    def interval_cycles(self) -> int:
        """A beat a cycle."""
        return self.vectors

    @property
    def i_beats(self) -> int:
        """``vectors``."""
        return self.vectors

    @property
    def o_beats(self) -> int:
        """``vectors``."""
        return self.vectors

    @property
    def constant_bits(self) -> int:
        """Bits of the outputs that are the same for every vector: the lowest ones of integers that
        are multiples of a power of two, and an offset.
        """
        if not isinstance(self.core, AffineConfig):
            return 0
        twos = [(int(factor) & -int(factor)).bit_length() - 1 for factor in self.core.mul]
        return self.pixels * sum(min(self.o.bits, max(0, count)) for count in twos)

    def reference(self, beats: Beats) -> Beats:
        """The layers' own definition, from the dense weights."""
        values = lane_values(beats.reshape(-1, self.length), self.bits, self.encoding)
        if self.border:
            inside = self.border.inside
            channels = self.length // inside.shape[1]
            values = values * np.tile(inside, (len(values) // len(inside), channels))
        found: Beats = post_values(self.post, values @ self.matrix.T)
        return found.reshape(-1, self.o.lanes)
