"""Elements of one type as those of a wider one: wires."""

from amaranth.hdl import Cat, Const, Value

from subbit.hw.layers.add_rtl import as_value
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["recoded"]


def recoded(stored: Value, kind: TensorType, to: TensorType) -> Value:
    """A stored number of ``kind`` as the ``to.bits`` bits in which ``to`` stores the same value;
    ``to`` is a joint type of this and of others.

    A bipolar code is an offset number: widened, its top bit stays and its complement goes between.
    """
    if to.encoding is Encoding.BIPOLAR:
        between = (~stored[-1]).replicate(to.bits - kind.bits)
        return Cat(stored[:-1], between, stored[-1])
    value = as_value(stored, kind)
    top = Const(0, 1) if kind.encoding is Encoding.UNSIGNED else value[-1]
    return Cat(value, top.replicate(to.bits - len(value)))
