"""A plan for CNV: about 6,000 cycles a frame on a large ECP5."""

from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.lower.plan import Plan, groups
from subbit.sw.lower.stages.argmax import ArgmaxStage
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.lower.stages.maxpool2d import MaxPoolStage
from subbit.sw.lower.stages.stage import Stage

__all__ = ["cnv_plan"]

# Each layer's pixels, pe, simd, and the depth of the FIFO behind it. conv1 has half of all the
# work; its factors are powers of two and 28 / pixels, so its cycles jump from 3,584 to 6,272, and
# the others follow. An engine of several pixels gives one pixel's outputs a cycle, so that `pixels`
# may be at most the words of a pass. The FIFOs hold the rows that a convolution needs before its
# first output: without them it waits for these in every frame, and the frame takes 8,075 cycles.
FOLDING = {
    "conv0": (2, 16, 9, 512),
    "conv1": (4, 8, 144, 0),
    "conv2": (3, 8, 72, 512),
    "conv3": (5, 4, 144, 0),
    "conv4": (1, 4, 144, 0),
    "conv5": (1, 2, 72, 0),
    "fc0": (1, 4, 8, 0),
    "fc1": (1, 4, 16, 0),
    "fc2": (1, 1, 2, 0),
}
DEVICE = "LFE5U-85F"
POOL_LANES, POOL_FIFO = 8, 512


def cnv_plan(network: Network) -> Plan:
    """The hand-made plan for a network of ``build_cnv`` with CNV's own 64 to 512 channels.

    6,476 cycles a frame. Raises PlanError where the network is another one.
    """
    stages = tuple(stage(cls, layers) for cls, layers in groups(network))
    return Plan(network.digest, stages, device=DEVICE)


def stage(cls: type[Stage], layers: tuple[str, ...]) -> Stage:
    """The stage of some layers."""
    if cls is ArgmaxStage:
        return ArgmaxStage(layers)
    if cls is MaxPoolStage:
        return MaxPoolStage(layers, fifo=POOL_FIFO, lanes=POOL_LANES)
    if layers[0] not in FOLDING:
        raise PlanError(f"CNV has no layer {layers[0]!r}; make a plan with `subbit plan`")
    pixels, pe, simd, fifo = FOLDING[layers[0]]
    return DotStage(layers, fifo=fifo, pe=pe, simd=simd, pixels=pixels, popcount="ecp5")
