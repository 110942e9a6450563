"""Windows of convolutions and pooling as initialisers of C."""

from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.convolution import Convolution, Padding
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.window import Window

__all__ = ["groups_of", "moving", "window_in_c"]


def groups_of(layer: Convolution) -> int:
    """Into how many groups the channels are cut."""
    if isinstance(layer, DepthwiseConv2d):
        return layer.channels
    return layer.groups if isinstance(layer, Conv2d) else 1


def window_in_c(layer: Convolution, x: TensorType) -> str:
    """An initialiser of ``subbit_window``."""
    nothing = layer.padding is Padding.ZERO and x.encoding is Encoding.BIPOLAR
    return moving(layer.window, layer.padding is Padding.PLUS, nothing)


def moving(window: Window, ones: bool = False, nothing: bool = False) -> str:
    """The fields in the order of ``subbit_window``."""
    sides = (*window.kernel, *window.strides, *window.dilations, *window.pads[:2], +ones, +nothing)
    return f"{{{', '.join(map(str, sides))}}}"
