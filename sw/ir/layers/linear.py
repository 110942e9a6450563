"""Fully connected layer with binary or tiled weights."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import only_input
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.weights import Weights, weights_from_parts

__all__ = ["MAX_INPUT_BITS", "Linear", "check_width", "dot_type"]

# Of integers that meet weights: each bit costs an engine as much as a bit of a code.
MAX_INPUT_BITS = 24


def check_width(x: TensorType) -> None:
    """Raise NetworkError where integers of that type are too wide to meet weights."""
    if x.bits > MAX_INPUT_BITS:
        raise NetworkError(
            f"integers of at most {MAX_INPUT_BITS} bits meet weights, not {x}; put a threshold "
            "before the layer"
        )


def dot_type(weights: Weights, x: TensorType, height: int, width: int) -> TensorType:
    """The type of dot products of ``weights`` with values of ``x``; no input leaves its range."""
    lowest, highest = x.value_range
    reach = weights.reach * max(-lowest, highest)
    return TensorType.integers(height, width, weights.shape[0], -reach, reach)


@dataclass(frozen=True)
class Linear(Layer):
    """``y[o] = sum over i of w[o,i] * x[i]``, in integers.

    ``weights``: shape ``(out, in)``. Input: codes ``(1, 1, in)``, or integers of at most 24 bits,
    as sums of a pooling are. Output: integers ``(1, 1, out)``.
    """

    kind: ClassVar[str] = "linear"
    weights: Weights

    def __post_init__(self) -> None:
        if len(self.weights.shape) != 2:
            raise NetworkError(f"a linear layer has weights (out, in), not {self.weights.shape}")

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Integers in the range that the weights' scales and the input's values allow."""
        x = only_input(inputs)
        check_width(x)
        if (x.height, x.width) != (1, 1):
            raise NetworkError(
                f"a linear layer takes a flat input, not {x}; put a flatten layer before it"
            )
        if x.channels != self.weights.shape[1]:
            raise NetworkError(
                f"the weights {self.weights.shape} want {self.weights.shape[1]} inputs, "
                f"not {x.channels}"
            )
        return dot_type(self.weights, x, 1, 1)

    def attributes(self) -> dict[str, Any]:
        """The encoding of the weights and its attributes."""
        return {"weights": self.weights.encoding, **self.weights.attributes()}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays of the weights."""
        return self.weights.tensors()

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        encoding = str(attributes.pop("weights", None))
        return cls(weights_from_parts(encoding, attributes, tensors))

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return self.weights.count

    @property
    def weight_bits(self) -> int:
        """Bits that the hardware stores for the weights."""
        return self.weights.stored_bits
