"""What the two engines share that look the dot products of codebook convolutions up."""

from typing import Any

from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.network import Network
from subbit.sw.ir.weights import KERNEL_BITS, CodebookWeights
from subbit.sw.lower.engines.engine import EngineStage, is_masked, refuse_groups
from subbit.sw.lower.engines.widths import check_input_pixels, check_output_pixels
from subbit.sw.lower.stages.stage import check_divides

__all__ = ["codebook_layer", "engine_settings", "looked_up", "window_of"]


def codebook_layer(stage: EngineStage, network: Network) -> tuple[Conv2d, CodebookWeights]:
    """The layer and its weights; raises PlanError where they cannot be looked up."""
    layer = stage.layer(network)
    weights = layer.weights
    if not isinstance(layer, Conv2d) or not isinstance(weights, CodebookWeights):
        found = f"{layer.kind} with {weights.encoding} weights"
        raise PlanError(f"engine {stage.engine!r} is for codebook convolutions, not for a {found}")
    refuse_groups(stage, network)
    if not stage.input(network).is_code:
        raise PlanError(f"engine {stage.engine!r} looks codes up, not integers; take 'direct'")
    return layer, weights


def looked_up(stage: EngineStage, network: Network) -> CodebookWeights | None:
    """The layer's weights where both engines can look them up, else None."""
    layer, weights = stage.layer(network), stage.layer(network).weights
    if not isinstance(layer, Conv2d) or not isinstance(weights, CodebookWeights):
        return None
    if not stage.input(network).is_code or layer.groups > 1:
        return None
    return weights if weights.codewords[0].size == KERNEL_BITS else None


def engine_settings(stage: EngineStage, network: Network) -> dict[str, Any]:
    """What the units of both engines are constructed with; raises PlanError where the layer or a
    setting does not fit.
    """
    layer, weights = codebook_layer(stage, network)
    x, y = stage.input(network), stage.dots(network)
    check_output_pixels(stage, network)
    check_divides("simd", stage.simd, weights.row_length, "the weights of one output")
    return {
        "weights": weights,
        "encoding": x.encoding,
        "bits": x.bits,
        "masked": is_masked(layer, x),
        "vectors": y.height * y.width // stage.pixels,
        "post": stage.post(network),
        "memory": stage.weights,
        "form": stage.popcount,
        "dot9": stage.dot9,
    }


def window_of(
    stage: EngineStage, network: Network, channels: int, buffers: str = "auto"
) -> WindowUnit:
    """The window in front of the engine, of some channels at a time; raises PlanError where it
    cannot take ``input_pixels``.
    """
    check_input_pixels(stage, network, channels)
    layer, _ = codebook_layer(stage, network)
    return WindowUnit.of(
        layer,
        stage.input(network),
        channels=channels,
        folds=1,
        memory=stage.window,
        pixels=stage.pixels,
        input_pixels=stage.input_pixels,
        buffers=buffers,
    )
