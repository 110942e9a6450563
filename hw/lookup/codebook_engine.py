"""What engines share that look the dot products of codewords up."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.dot.popcount import FORMS, PORTABLE, PopcountShape
from subbit.hw.post.raw import Post, PostConfig, RawNumbers, lane_values, output_type, post_values
from subbit.hw.tables.packing import pack_rows
from subbit.hw.tables.rom import RomTable
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.linear import dot_type
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import KERNEL_BITS, CodebookWeights

__all__ = ["CodebookEngine"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CodebookEngine(Unit):
    """Dot products of 3x3 codebook ``weights`` with windows, by way of tables: for each channel the
    dot product of its window with every codeword is computed once and read for every output (the
    lookup PE of Sub-bit Neural Networks, Wang et al., ICCV 2021).

    ``encoding``, ``bits``: of the input codes; with ``masked`` each lane has a mask bit above the
    code, and a lane whose mask is 0 stands for 0. ``vectors``: groups of output pixels a frame.
    ``post``: thresholds, or scale and offset, or None, which gives the signed dot product.
    ``memory``: where the indices live: ``auto``, ``block`` or ``logic``. ``form``: of the counters,
    ``portable`` or the fabric whose cells they are made of. Latency and interval are the
    subclasses'.

    A table's entry is ``sum over l, b of 2**b * (xnor(x[l, b], codeword[l]) & mask[l])``, and
    *raw*, the number that thresholds compare, is the sum of the entries of all channels, twice if
    ``doubled``, plus half or all of what masked positions count, which depends on the output
    pixel's place alone.

    Raises PlanError where the settings do not fit the weights.
    """

    weights: CodebookWeights
    encoding: Encoding
    bits: int
    masked: bool
    vectors: int
    post: Post = None
    memory: str = "auto"
    form: str = PORTABLE

    def __post_init__(self) -> None:
        if not isinstance(self.weights, CodebookWeights) or self.codewords.shape[1] != KERNEL_BITS:
            raise PlanError("only codebook weights of 3x3 kernels can be looked up")
        if self.masked and self.encoding is not Encoding.BIPOLAR:
            raise PlanError("only bipolar inputs have a mask; an unsigned 0 is code 0")
        if self.form not in FORMS:
            raise PlanError(f"popcount must be one of {', '.join(FORMS)}, not {self.form!r}")
        if self.vectors < 1:
            raise PlanError(f"a frame has at least one vector, not {self.vectors}")

    @property
    def codewords(self) -> Ints:
        """``(2**tau, 9)`` bits."""
        words = self.weights.codewords
        return words.reshape(len(words), -1).astype(np.int64)

    @property
    def tau(self) -> int:
        """Bits of an index."""
        return self.weights.tau

    @property
    def cout(self) -> int:
        """Outputs of the layer, cout."""
        return self.weights.shape[0]

    @property
    def cin(self) -> int:
        """Channels of the input, cin."""
        return self.weights.shape[1]

    @property
    def lane(self) -> int:
        """Bits of an input lane: a code, and its mask bit on top if there are masks."""
        return self.bits + self.masked

    @cached_property
    def x_type(self) -> TensorType:
        """Type of the input codes, as a flat vector."""
        return TensorType.codes(1, 1, self.weights.row_length, self.bits, self.encoding)

    @cached_property
    def dot_type(self) -> TensorType:
        """Type of the dot products, as the network's rule for the layer has it."""
        return dot_type(self.weights, self.x_type, 1, 1)

    def o_lanes(self, lanes: int) -> Lanes:
        """That many outputs: codes, or integers of the layer's type."""
        return Lanes.of(output_type(self.post, self.dot_type), lanes)

    @property
    def popcount(self) -> PopcountShape:
        """A Dot9 unit: the entry of one codeword."""
        return PopcountShape(
            rows=1,
            simd=KERNEL_BITS,
            bits=self.bits,
            masked=self.masked,
            constant=False,
            form=self.form,
        )

    @property
    def entry_bits(self) -> int:
        """Bits of a table's entry."""
        return self.popcount.width

    def codeword_rom(self, at_once: int) -> RomTable:
        """The codewords in order, ``at_once`` a word."""
        words = self.codewords.reshape(-1, at_once * KERNEL_BITS)
        return RomTable(tuple(pack_rows(words)), at_once * KERNEL_BITS, "logic")

    @property
    def doubled(self) -> bool:
        """Whether entries count twice in raw numbers: an odd count of padding needs halves."""
        return self.masked and self.cin % 2 == 1

    @property
    def raw_max(self) -> int:
        """The greatest raw number."""
        return self.weights.row_length * ((1 << self.bits) - 1) << self.doubled

    @property
    def raw_bits(self) -> int:
        """Bits of a raw number."""
        return self.raw_max.bit_length()

    def begin(self, rows: int, columns: int) -> int:
        """What zero padding adds to raw numbers where so many rows and columns of a window are not
        padding.
        """
        counted = ((1 << self.bits) - 1) * (KERNEL_BITS - rows * columns) * self.cin
        return counted if self.doubled else counted // 2

    @cached_property
    def raw(self) -> RawNumbers:
        """The sums of entries, and how dot products follow from them; see DotUnit.linear."""
        top, count = (1 << self.bits) - 1, self.weights.row_length
        minus = np.full(self.cout, count)
        a = np.full(self.cout, 1 if self.doubled else 2)
        if self.encoding is Encoding.UNSIGNED:
            minus = (1 - self.codewords).sum(axis=1)[self.weights.indices].sum(axis=1)
            a = np.ones(self.cout, np.int64)
        return RawNumbers(a, -top * minus, self.raw_max)

    def core_of(self, lanes: int, pixels: int, bits: int) -> PostConfig:
        """What turns raw numbers into outputs."""
        return self.raw.core(self.post, lanes, bits, pixels)

    def results(self, windows: Ints) -> Ints:
        """Outputs ``(n, cout)`` for windows ``(n, cin * 9)``: the layers' own definition,
        from the dense weights.
        """
        values = lane_values(windows, self.bits, self.encoding, self.masked)
        dots: Ints = values @ self.weights.dense().reshape(self.cout, -1).T
        return post_values(self.post, dots)
