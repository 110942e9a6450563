"""Whether a source takes its images channels first or last, by what it does with them."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LAYOUTS", "Use", "channels_last"]

LAYOUTS = ("channels-first", "channels-last")
# Operators of ONNX for which the channels of a map are its first side behind the batch.
BY_CHANNEL = (
    *("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization"),
    *("GlobalMaxPool", "InstanceNormalization", "LRN", "ConvTranspose"),
)
# What makes other shapes, behind which nothing tells the layout.
OTHER_SHAPES = (
    *("Reshape", "Flatten", "MatMul", "Gemm", "Squeeze", "Unsqueeze", "Shape", "ReduceMean"),
    *("Slice", "Split", "Gather", "Concat"),
)
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
TURNED = (0, 2, 1)  # of 1-D maps, to either


@dataclass(frozen=True)
class Use:
    """One operation: its ``kind``, what it reads first and what it makes, and of a Transpose the
    order of sides.
    """

    kind: str
    reads: str
    makes: str
    order: tuple[int, ...] = ()


def channels_last(source: str, uses: Iterable[Use]) -> bool | None:
    """Whether the images ``source`` have their channels last, by the first operations that tell;
    None where none does. ``uses``: in an order of evaluation.
    """
    same, turned = {source}, set[str]()
    for use in uses:
        if use.reads in turned and use.kind in BY_CHANNEL:
            return True
        kept = use.kind not in OTHER_SHAPES and not use.order
        if (use.reads in same and use.order == TURNED) or (use.reads in turned and kept):
            turned.add(use.makes)
        if use.reads not in same:
            continue
        if use.kind in BY_CHANNEL or use.order == TO_LAST:
            return False
        if use.order == TO_FIRST:
            return True
        if use.kind not in OTHER_SHAPES and not use.order:
            same.add(use.makes)
    return None
