"""Windows at realistic sizes, whose costs are compared with the circuits."""

from collections.abc import Iterator
from typing import Any

from subbit.hw.window.window import WindowUnit
from subbit.sw.bench.case import UnitCase, same
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["wide_windows", "window_cases"]

UNSIGNED = Encoding.UNSIGNED


def window_cases() -> Iterator[UnitCase]:
    """Windows: of chunks and of whole pixels, with masks and without, of several pixels."""
    bits1 = TensorType.codes(12, 24, 32, 1)
    pixels8 = TensorType.codes(28, 28, 1, 8, UNSIGNED)
    few = TensorType.codes(14, 14, 8, 2)
    wide = TensorType.codes(16, 16, 64, 1)
    zero, minus, none = Padding.ZERO, Padding.MINUS, Padding.NONE
    yield same(
        "window, chunks, masks",
        WindowUnit(input=bits1, kernel=3, stride=1, padding=zero, channels=16, folds=4),
    )
    yield same(
        "window, chunks",
        WindowUnit(input=bits1, kernel=3, stride=1, padding=minus, channels=8, folds=8),
    )
    yield same(
        "window, whole pixels",
        WindowUnit(input=few, kernel=3, stride=1, padding=minus, channels=8, folds=16),
    )
    yield same(
        "window, payload delay",
        WindowUnit(
            input=few, kernel=3, stride=1, padding=minus, channels=8, folds=16, payload_delay=2
        ),
    )
    yield same(
        "window, 5x5 of 8 bits",
        WindowUnit(input=pixels8, kernel=5, stride=1, padding=zero, channels=1, folds=8),
    )
    yield same(
        "window, stride 2",
        WindowUnit(input=bits1, kernel=3, stride=2, padding=minus, channels=32, folds=4),
    )
    yield same(
        "window, 1x1",
        WindowUnit(input=bits1, kernel=1, stride=1, padding=none, channels=8, folds=4),
    )
    yield same(
        "window, 4 pixels",
        WindowUnit(input=wide, kernel=3, stride=1, padding=minus, channels=16, folds=4, pixels=4),
    )
    yield same(
        "window, 7x7 of stride 2",
        WindowUnit(input=pixels8, kernel=7, stride=2, padding=zero, channels=1, folds=8),
    )
    yield same(
        "window, 1x7 of a row",
        WindowUnit(
            input=TensorType.codes(1, 128, 16, 2),
            kernel=(1, 7),
            stride=(1, 2),
            padding=minus,
            channels=8,
            folds=4,
        ),
    )
    yield same(
        "window, dilated",
        WindowUnit(input=few, kernel=3, stride=1, dilation=2, padding=minus, channels=8, folds=16),
    )
    yield same(
        "window, four groups",
        WindowUnit(input=wide, kernel=3, stride=1, padding=minus, channels=16, folds=4, groups=4),
    )
    yield same(
        "window, direct",
        WindowUnit(input=few, kernel=3, stride=1, padding=none, channels=8, folds=1),
    )
    yield same(
        "window, in block RAM",
        WindowUnit(
            input=wide,
            kernel=3,
            stride=1,
            padding=minus,
            channels=8,
            folds=4,
            memory="block",
            pixels=1,
            buffers="block",
        ),
    )


def wide_windows() -> Iterator[UnitCase]:
    """Windows over beats of several pixels: of unlike numbers, padded, whole rows and frames."""
    rows32, rows28 = TensorType.codes(32, 32, 16, 1), TensorType.codes(28, 28, 16, 1)
    few, small = TensorType.codes(28, 28, 4, 1), TensorType.codes(8, 8, 8, 1)
    pixels8 = TensorType.codes(28, 28, 1, 8, UNSIGNED)
    zero, minus, plus, none = Padding.ZERO, Padding.MINUS, Padding.PLUS, Padding.NONE
    yield wide("4 pixels to 6", rows32, none, 4, 6)
    yield wide("4 pixels to 5", rows32, none, 4, 5)
    yield wide("8 pixels to 10", rows32, none, 8, 10, memory="block")
    yield wide("16 pixels to 15", rows32, none, 16, 15)
    yield wide("7 pixels to 7", rows28, minus, 7, 7)
    yield wide("7 pixels to 7, folds", rows28, minus, 7, 7, folds=4, payload_delay=2)
    yield wide("7 pixels to 7, late", rows28, minus, 7, 7, payload_delay=1)
    yield wide("7 pixels to 7, masks", rows28, zero, 7, 7, folds=2)
    yield wide("4 pixels to 4, ones", rows28, plus, 4, 4, folds=4)
    yield wide("4 pixels to a row", rows28, minus, 4, 28, memory="block")
    yield wide("4 pixels to two rows", few, minus, 4, 56)
    yield wide("row to row, masks", few, zero, 28, 28)
    yield wide("row to half a row", few, minus, 28, 14)
    yield wide("row to 7 pixels", few, minus, 28, 7)
    yield wide("two rows to a row", few, minus, 56, 28)
    yield wide("two rows to two rows, masks", small, zero, 16, 16, folds=2)
    yield wide("frame to frame", small, minus, 64, 64)
    yield wide("4 pixels to 2, stride 2", rows28, minus, 4, 2, stride=2)
    yield wide("2 pixels to 2, 1x1", rows28, none, 2, 2, kernel=1)
    yield wide("4 pixels to 4, 5x5 of 8 bits", pixels8, zero, 4, 4, kernel=5)


def wide(
    name: str, tensor: TensorType, padding: Padding, taken: int, given: int, **options: Any
) -> UnitCase:
    """A case of that many pixels taken and given."""
    settings: dict[str, Any] = {"kernel": 3, "stride": 1, "folds": 1} | options
    unit = WindowUnit(
        input=tensor,
        padding=padding,
        channels=tensor.channels,
        input_pixels=taken,
        pixels=given,
        **settings,
    )
    return same(f"window, {name}", unit)
