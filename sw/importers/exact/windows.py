"""The window of a convolution or pooling as a node's attributes describe it."""

from typing import Any

from subbit.sw.importers.exact.op import Op
from subbit.sw.ir.window import NO_PADS, Pads, Window

__all__ = ["window_of"]


def window_of(
    op: Op, kernel: tuple[int, ...], size: tuple[int, int], margins: Pads = NO_PADS
) -> Window:
    """The window of a node over a map of that height and width, ``margins`` around it added before.

    Padding that a runtime would compute is computed. Raises NetworkError for windows of other than
    two sides, negative padding, and words that are not known.
    """
    take = op.attributes.get
    if len(kernel) != 2:
        raise op.refuse(f"a window of {len(kernel)} sides", "use 2-D layers, of height and width")
    strides = two(op, "strides", take("strides"))
    dilations = two(op, "dilations", take("dilations"))
    sides = two(op, "kernel_shape", kernel)
    stored = two(op, "kernel_shape", take("kernel_shape", kernel))
    if stored != sides:
        raise op.refuse(
            f"its kernel_shape is {list(stored)} and its weights are {sides[0]}x{sides[1]}",
            "export the network again",
        )
    window = Window(sides, strides, dilations, NO_PADS)
    high, wide = size[0] + margins[0] + margins[2], size[1] + margins[1] + margins[3]
    own = own_pads(op, window, (high, wide))
    if any(pad < 0 for pad in own):
        raise op.refuse(f"pads {list(own)} cut the map", "pad by 0 or more")
    above, left, below, right = (a + b for a, b in zip(own, margins, strict=True))
    return Window(sides, strides, dilations, (above, left, below, right))


def two(op: Op, name: str, numbers: Any) -> tuple[int, int]:
    """Two numbers of at least 1, ones where there are none."""
    found = [1, 1] if numbers is None else [int(number) for number in numbers]
    if len(found) != 2 or min(found) < 1:
        raise op.refuse(f"its {name} are {str(found)[:80]}", "give two numbers of 1 or more")
    return found[0], found[1]


def own_pads(op: Op, window: Window, size: tuple[int, int]) -> Pads:
    """The node's padding above, left, below and right, as numbers or by the rule that it names."""
    kind = str(op.attributes.get("auto_pad", "NOTSET") or "NOTSET")
    given = [int(pad) for pad in op.attributes.get("pads") or NO_PADS]
    if kind == "NOTSET":
        if len(given) != 4:
            raise op.refuse(f"it has {len(given)} pads", "give four: above, left, below, right")
        return given[0], given[1], given[2], given[3]
    if kind == "VALID":
        return NO_PADS
    if kind not in ("SAME_UPPER", "SAME_LOWER"):
        raise op.refuse(f"auto_pad {kind[:40]!r} is unknown", "export with numbers as pads")
    ends = []
    for side, reach, stride in zip(size, window.reach, window.strides, strict=True):
        total = max((-(-side // stride) - 1) * stride + reach - side, 0)
        less, more = total // 2, total - total // 2
        ends.append((less, more) if kind == "SAME_UPPER" else (more, less))
    (above, below), (left, right) = ends
    return above, left, below, right
