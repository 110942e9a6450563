"""What follows on accumulated numbers: thresholds, or scale and offset."""

from subbit.hw.post.affine_rtl import AffineCore
from subbit.hw.post.raw import PostConfig
from subbit.hw.post.threshold import ThresholdConfig
from subbit.hw.post.threshold_rtl import ThresholdCore
from subbit.hw.streams.pipe_rtl import PipelineCore

__all__ = ["core_of"]


def core_of(config: PostConfig, bits: int) -> PipelineCore:
    """What turns raw numbers of ``bits`` bits into outputs."""
    if isinstance(config, ThresholdConfig):
        return ThresholdCore(config=config, bits=bits)
    return AffineCore(config=config, bits=bits)
