"""From the numbers that an engine counts to outputs: thresholds, or scale and offset, moved onto
them.
"""

from dataclasses import dataclass

import numpy as np

from subbit.hw.post.affine import AffineConfig
from subbit.hw.post.threshold import ThresholdConfig, threshold_values
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.types import Encoding, TensorType

__all__ = [
    "Post",
    "PostConfig",
    "PostLayer",
    "RawNumbers",
    "lane_values",
    "output_type",
    "post_values",
]

PostLayer = Threshold | Affine
Post = PostLayer | None  # what follows on dot products; None: they are the outputs themselves
PostConfig = ThresholdConfig | AffineConfig


@dataclass(frozen=True, eq=False)
class RawNumbers:
    """How dot products follow from the numbers that an engine counts: ``dot = a * raw + b``.

    ``a``, ``b``: ``(outputs,)``, for each output of the layer, ``a`` above 0. ``high``, ``low``:
    the greatest and the least raw number. An engine states these four; with them what follows on
    the dot products works on raw numbers instead, and neither product nor sum is ever computed.
    """

    a: Ints
    b: Ints
    high: int
    low: int = 0

    @classmethod
    def plain(cls, outputs: int, low: int, high: int) -> "RawNumbers":
        """Raw numbers that are the dot products themselves."""
        return cls(np.ones(outputs, np.int64), np.zeros(outputs, np.int64), high, low)

    def thresholds(self, post: Threshold) -> Ints:
        """``(outputs, 2**M - 1)``: raw reaches ``ceil((t - b) / a)`` where the dot product reaches
        t.
        """
        return -((self.b[:, None] - post.thresholds) // self.a[:, None])

    def scale_and_offset(self, post: Affine | None) -> tuple[Ints, Ints]:
        """Each ``(outputs,)``: ``scale * (a * raw + b) + offset`` as one scale and one offset."""
        if post is None:
            return self.a, self.b
        return self.a * post.scale, self.b * post.scale + post.offset

    def layer(self, post: Post) -> PostLayer:
        """The layer that gives for raw numbers what ``post`` gives for dot products."""
        if isinstance(post, Threshold):
            return Threshold(self.thresholds(post), post.rising, post.encoding)
        return Affine(*self.scale_and_offset(post))

    def core(
        self,
        post: Post,
        lanes: int,
        bits: int,
        copies: int = 1,
        lead_cycles: int = 0,
        known: bool = False,
    ) -> PostConfig:
        """What turns raw numbers into outputs: ``lanes`` numbers at a time, ``copies`` times side
        by side with the same constants.

        ``bits``: of an output. ``lead_cycles``: by which tables of thresholds are read earlier.
        ``known``: whether constant thresholds are compared with in lookup tables.
        """
        if isinstance(post, Threshold):
            table, rising = self.thresholds(post), post.rising
            return ThresholdConfig(
                low=self.low,
                high=self.high,
                thresholds=table,
                rising=rising,
                lanes=lanes,
                copies=copies,
                lead_cycles=lead_cycles,
                known=known,
            )
        mul, add = self.scale_and_offset(post)
        return AffineConfig(
            low=self.low, high=self.high, mul=mul, add=add, lanes=lanes, bits=bits, copies=copies
        )


def output_type(post: Post, dots: TensorType) -> TensorType:
    """The type of the outputs for dot products of that type."""
    return post.infer((dots,)) if post else dots


def post_values(post: Post, dots: Ints) -> Ints:
    """Outputs for dot products ``(..., outputs)``, by the layers' own definition."""
    if isinstance(post, Threshold):
        return threshold_values(post, dots)
    return dots * post.scale + post.offset if post else dots


def lane_values(lanes: Ints, bits: int, encoding: Encoding, masked: bool = False) -> Ints:
    """What input lanes stand for: codes of ``bits`` bits, bipolar ones ``2 * code - 2**bits + 1``,
    or integers, which stand for themselves; ``masked``: with a bit above the code that is 0 where
    the lane stands for 0.
    """
    if encoding is Encoding.INTEGER:
        return lanes
    codes = lanes & ((1 << bits) - 1)
    values = 2 * codes - (1 << bits) + 1 if encoding is Encoding.BIPOLAR else codes
    return values * (lanes >> bits) if masked else values
