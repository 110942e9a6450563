"""The direct engine: PE outputs times SIMD positions of a binary dot product a cycle."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.dot.checks import check_counters, check_folding, check_inputs
from subbit.hw.dot.dot_cost import dot_cost
from subbit.hw.dot.planes import (
    PlaneGroups,
    WeightSource,
    has_large_table,
    plane_groups,
    planes_source,
    spread_tables,
)
from subbit.hw.dot.popcount import CLOCK_MHZ, PORTABLE, PopcountShape
from subbit.hw.post.raw import Post, PostConfig, RawNumbers, lane_values, output_type, post_values
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.rom import RomTable, period, rom_of
from subbit.hw.window.border import Border, PaddingSumsConfig
from subbit.sw.cycles.model import GIVE, TAKE, WAIT, Process
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.linear import dot_type
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import TiledWeights, Weights

__all__ = ["DotUnit"]


@dataclass(frozen=True, eq=False, kw_only=True)
class DotUnit(Unit):
    """``dot[v, o] = sum over l of w[o, l] * x[v, l]`` for input vectors x (output pixels) and the
    rows of ``weights``, and ``post`` on each output.

    Input: each of the ``vectors`` vectors of a frame arrives ``repeats`` times, each time in
    ``words = N / simd`` beats of ``simd`` positions in the order of a weight row. ``encoding``,
    ``bits``: of the codes x, or of two's complement integers within ``span``, a least and a
    greatest number; with ``masked`` each lane has a mask bit above the code, and a lane whose mask
    is 0 stands for 0; with ``border`` there are no masks, but the codes of positions beyond the
    edge are 0, and stand for 0, too. Output: pass g gives a beat of the outputs
    ``g*pe .. g*pe + pe - 1``, as codes where ``post`` is a Threshold, as integers where it is an
    Affine or None. ``pixels`` vectors go side by side with the same weights, the first in the
    lowest lanes; ``vectors`` then counts such groups.

    ``memory``: where the weights live: ``auto``, ``block`` or ``logic``. ``form``: of the counters,
    ``portable`` or the fabric whose cells they are made of. ``payload_delay``: the most cycles by
    which the payload of ``i`` may come after its handshake; each that the weights take, too, saves
    a register of the inputs. ``limits``: from what size on the engine and its tables are large on
    the part, and have registers between them. ``known``: as in ThresholdConfig.

    An M-bit input and weights of K bit planes are M*K branches of the {-1,+1} decomposition (Sun et
    al., arXiv 1905.13389, eq. 9). ``x_branches`` bits of an input, a divisor of M, and
    ``w_branches`` planes, a divisor of K, are processed at once, 0 for all. Each beat takes
    ``bit_steps = M / x_branches`` cycles, the high bits first, and each pass takes the vector
    ``plane_passes = K / w_branches`` times, the high planes first; the sum so far is shifted before
    the next (Horner's scheme), so that all branches share an accumulator.

    Latency: ``stages + 1`` cycles from a pass's last input beat to its output. Interval:
    ``vectors * repeats * words * bit_steps`` cycles, with
    ``repeats = outputs / pe * plane_passes``. Raises PlanError where ``pe``, ``simd``, the
    branches, the encodings and the weights do not fit each other.
    """

    component: ClassVar[str] = "subbit.hw.dot.dot_rtl:Dot"
    weights: Weights
    encoding: Encoding
    bits: int
    masked: bool
    pe: int
    simd: int
    vectors: int
    post: Post = None
    memory: str = "auto"
    pixels: int = 1
    form: str = PORTABLE
    x_branches: int = 0
    w_branches: int = 0
    border: Border | None = None
    payload_delay: int = 0
    limits: SizeLimits = MEASURED
    span: tuple[int, int] | None = None
    known: bool = False

    def __post_init__(self) -> None:
        check_folding(
            self.weights, pe=self.pe, simd=self.simd, vectors=self.vectors, pixels=self.pixels
        )
        check_inputs(
            *(self.encoding, self.bits, self.span),
            masked=self.masked,
            bordered=self.border is not None,
        )
        check_counters(self.form, self.bits, self.x_branches, self.x_bits)
        _ = self.source, self.o

    @cached_property
    def x_type(self) -> TensorType:
        """Type of the input, as a flat vector."""
        length = self.weights.row_length
        if self.span is not None:
            return TensorType.integers(1, 1, length, *self.span)
        return TensorType.codes(1, 1, length, self.bits, self.encoding)

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
        """``simd`` inputs a pixel, codes with a mask bit on top if there are masks."""
        return Lanes(self.pixels * self.simd, self.bits + self.masked, self.signed)

    @property
    def i_range(self) -> tuple[int, int]:
        """``span`` where the inputs are integers."""
        return self.span or self.i.range

    @property
    def i_payload_delay(self) -> int:
        """``payload_delay``, but no more than the weights' tables take; large engines add a
        register.
        """
        return min(self.payload_delay, self.source.latency)

    @property
    def o(self) -> Lanes:
        """``pe`` outputs a pixel: codes, or integers of the layer's type."""
        return Lanes.of(output_type(self.post, self.dot_type), self.pixels * self.pe)

    @property
    def words(self) -> int:
        """U, input beats of a pass."""
        return self.weights.row_length // self.simd

    @property
    def passes(self) -> int:
        """G, passes of a vector."""
        return self.weights.shape[0] // self.pe

    @property
    def x_bits(self) -> int:
        """Bits of an input processed at once."""
        return self.x_branches or self.bits

    @property
    def bit_steps(self) -> int:
        """Cycles that a beat takes, one for each ``x_bits`` bits of the inputs."""
        return self.bits // self.x_bits

    @cached_property
    def groups(self) -> PlaneGroups:
        """The bit planes of the weights, as the turns take them."""
        return plane_groups(self.weights, self.w_branches)

    @property
    def plane_passes(self) -> int:
        """How often a pass takes the vector, once for each group of bit planes."""
        return len(self.groups.groups)

    @property
    def repeats(self) -> int:
        """How often the vectors of a frame arrive, one after the other."""
        return self.passes * self.plane_passes

    @cached_property
    def tables(self) -> WeightSource:
        """Where the weights come from, near to what multiplies them."""
        return planes_source(self.groups, self.pe, self.simd, self.memory)

    @cached_property
    def source(self) -> WeightSource:
        """Where the weights come from."""
        tables = self.tables
        return spread_tables(tables, self.limits) if self.distance_stages else tables

    @cached_property
    def popcount(self) -> PopcountShape:
        """The counters of matching positions of one pixel. Those of a large engine, whose clock
        long wires bind, have fewer registers.
        """
        source, scales = self.source, self.groups.scales
        return PopcountShape(
            rows=source.rows,
            simd=self.simd,
            bits=self.x_bits,
            masked=self.masked,
            constant=source.constant,
            form=self.form,
            scales=scales,
            mhz=self.limits.large_engine_mhz if self.distance_stages else CLOCK_MHZ,
        )

    @property
    def crossing(self) -> bool:
        """Whether rows cross repeats of different scales, so that words are scaled one by one."""
        weights = self.weights
        return isinstance(weights, TiledWeights) and weights.scaled and not weights.rows_shared

    @cached_property
    def scales(self) -> Ints:
        """The scale of each word, ``(outputs, words)``."""
        if not isinstance(self.weights, TiledWeights):
            return np.ones((self.weights.shape[0], self.words), np.int64)
        first = np.arange(self.weights.count // self.simd) * self.simd
        repeat = first // self.weights.tile.size
        return self.weights.scales[repeat].reshape(-1, self.words)

    @property
    def scale_bits(self) -> int:
        """Bits of a word's scale."""
        return int(self.scales.max()).bit_length()

    @cached_property
    def scale_rom(self) -> RomTable:
        """Scales of the ``pe`` words of each step, for crossing rows."""
        steps = self.scales.reshape(self.passes, self.pe, self.words).transpose(0, 2, 1)
        words = [pack_elements(row, self.scale_bits) for row in steps.reshape(-1, self.pe).tolist()]
        return rom_of(words[: period(words)], self.scale_bits * self.pe)

    @property
    def word_max(self) -> int:
        """The greatest raw number of a word, of the branches of one cycle and before its scale."""
        return self.popcount.max_count << self.masked

    @property
    def beat_max(self) -> int:
        """The greatest raw number of a beat, whose turns are added up, before its scale."""
        return self.word_max * ((1 << self.bits) - 1) // ((1 << self.x_bits) - 1)

    @cached_property
    def raw_max(self) -> int:
        """The greatest accumulated raw number."""
        if self.crossing:
            return self.beat_max * int(self.scales.sum(axis=1).max())
        return self.beat_max * self.words * self.groups.total // sum(self.groups.scales)

    @cached_property
    def padding_sums(self) -> PaddingSumsConfig | None:
        """What is added to twice the accumulated numbers where zero padding has no masks.

        A position beyond the edge counts as the value -(2**M - 1) of code 0. The constant that
        takes this back is moved so that none is negative.
        """
        if self.border is None:
            return None
        sums = self.taken_back - self.taken_back.min()
        kinds = sums.shape[1:]
        lanes = sums.reshape(self.passes, self.pe, *kinds)[:, : self.source.rows]
        values = lanes.transpose(2, 3, 0, 4, 1).reshape(*kinds[:2], self.passes, -1)
        return PaddingSumsConfig(border=self.border, values=values)

    @cached_property
    def taken_back(self) -> Ints:
        """``(outputs, kinds of rows, kinds of columns, pixels)``: what is missing in twice the raw
        number.
        """
        assert self.border is not None
        missing = 2 * ((1 << self.bits) - 1) * self.border.weights_outside(self.weights)
        return missing // self.linear[0][:, None, None, None]

    @property
    def final_max(self) -> int:
        """The greatest raw number that thresholds or scales get."""
        if self.padding_sums is None:
            return self.raw_max
        return 2 * self.raw_max + int(self.padding_sums.values.max())

    @property
    def raw(self) -> RawNumbers:
        """The numbers that thresholds or scales get: those that ``linear`` tells of, or with a
        border the sums of twice those and of what is taken back.
        """
        a, b = self.linear
        if self.border is not None:
            a, b = a // 2, b + a // 2 * int(self.taken_back.min())
        return RawNumbers(a, b, self.final_max)

    @cached_property
    def linear(self) -> tuple[Ints, Ints]:
        """``(a, b)``, each ``(outputs,)``, with dot = a * raw + b for accumulated numbers.

        ``raw`` counts matches times the weights of their branches. With S the sum of the planes'
        scales, unmasked and bipolar dot = 2*raw - (2**M - 1)*S*N (DESIGN: 2*popcount - N for each
        branch), unsigned raw - (2**M - 1)*(sum of the scales of -1s). Masked codes count twice and
        zero padding once, raw - (2**M - 1)*S*N. All times the scale of the row or word of a tile,
        and of the lowest plane. Integers are counted as the unsigned numbers ``x + 2**(M - 1)``.
        """
        top = (1 << self.bits) - 1
        outputs, unit = self.weights.shape[0], self.groups.unit
        total = self.scales.sum(axis=1) * self.simd * self.groups.total * unit
        a = np.full(outputs, unit if self.masked else 2 * unit)
        lifted: Ints = np.zeros(outputs, np.int64)
        if self.encoding is not Encoding.BIPOLAR:
            sums = self.weights.dense().reshape(outputs, -1).sum(axis=1)
            total, lifted = (total - sums) // 2, sums * (self.signed << (self.bits - 1))
            a = np.full(outputs, unit)
        return (a if self.crossing else a * self.scales[:, 0]), -top * total - lifted

    @cached_property
    def core(self) -> PostConfig:
        """What turns raw numbers into outputs."""
        return self.raw.core(
            self.post, self.pe, self.o.bits, self.pixels, self.distance_stages, self.known
        )

    @property
    def distance_stages(self) -> int:
        """Registers more between the parts of a large engine: behind weights and thresholds, and in
        front of the output queue.
        """
        source, limits = self.tables, self.limits
        xnors = self.pixels * source.rows * source.planes * self.x_lanes
        return int(has_large_table(source, limits) or xnors >= limits.large_engine_xnors)

    @property
    def x_lanes(self) -> int:
        """Bits of the inputs that a pixel's row is multiplied with in a cycle."""
        return self.simd * self.x_bits

    @property
    def rows_per_input_copy(self) -> int:
        """Rows of a pixel that share registers of the inputs, all but in a large engine."""
        rows, xnors = self.source.rows, self.source.planes * self.x_lanes
        if not self.distance_stages:
            return rows
        return min(rows, max(1, self.limits.xnors_per_input_copy // xnors))

    @property
    def weight_stages(self) -> int:
        """Register stages from an input beat to its weights."""
        return self.source.latency + self.distance_stages

    @property
    def count_stages(self) -> int:
        """Register stages from an input beat to the raw number of the branches of a cycle."""
        return self.weight_stages + self.popcount.latency + self.masked

    @property
    def word_stages(self) -> int:
        """Register stages from the last cycle of an input beat to its raw number."""
        return self.count_stages + (self.bit_steps > 1) + self.crossing

    @property
    def beats(self) -> int:
        """Input beats from which an output is summed up."""
        return self.words * self.plane_passes

    @property
    def stages(self) -> int:
        """Register stages from an input beat to the output queue."""
        border = self.border is not None
        return (
            self.word_stages + (self.beats > 1) + border + self.core.latency + self.distance_stages
        )

    @property
    def depth(self) -> int:
        """Beats that the output queue holds: enough for an input beat every ``bit_steps``."""
        return -(-(self.stages + 2) // (self.beats * self.bit_steps))

    def cost(self) -> Cost:
        """Estimated cost after mapping; with the multipliers of affine ends."""
        return dot_cost(self)

    def processes(self) -> tuple[Process, ...]:
        """Takes a beat in its last turn; the last one of each pass gives one."""
        group = np.full(self.beats * self.bit_steps, WAIT, np.uint8)
        group[self.bit_steps - 1 :: self.bit_steps] = TAKE
        group[-1] |= GIVE
        steps = np.tile(group, self.passes * self.vectors)
        return (Process("dot", steps, self.stages + 1, self.depth, 1),)

    def reference(self, beats: Beats) -> Beats:
        """The layers' own definition, from the dense weights."""
        shape = (-1, self.passes, self.plane_passes, self.words, self.pixels, self.simd)
        groups = np.moveaxis(beats.reshape(shape), 4, 1)
        passes = groups.reshape(-1, self.passes, self.plane_passes, self.words * self.simd)
        values = lane_values(passes, self.bits, self.encoding, self.masked)
        if self.border:
            inside = self.border.inside
            repeats = self.weights.row_length // inside.shape[1]
            frame = np.tile(inside, (len(values) // len(inside), repeats))
            values = values * frame[:, None, None]
        turns = np.array(self.groups.dense).reshape(self.plane_passes, self.passes, self.pe, -1)
        dots: Ints = np.einsum("vgtn,tgpn->vgp", values, turns).reshape(-1, self.weights.shape[0])
        found = post_values(self.post, dots)
        outputs: Beats = found.reshape(-1, self.pixels, self.passes, self.pe).swapaxes(1, 2)
        return outputs.reshape(-1, self.o.lanes)
