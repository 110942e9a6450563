"""The channels of several tensors, one behind the other."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.parts import no_more
from subbit.sw.ir.types import TensorType, joint_type

__all__ = ["Concat"]

MOST_INPUTS = 15  # streams that a step of the cycle model can name


@dataclass(frozen=True)
class Concat(Layer):
    """The channels of 2 to 15 tensors of one height and width, in the order of the inputs.

    Codes of one encoding stay codes, of the width of the widest; each keeps its value. Other inputs
    become integers: codes of unlike encodings, codes beside integers, integers of unlike ranges.
    """

    kind: ClassVar[str] = "concat"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """All channels, in a type that holds the values of all inputs."""
        if not 2 <= len(inputs) <= MOST_INPUTS:
            raise NetworkError(
                f"a concatenation takes 2 to {MOST_INPUTS} inputs, not {len(inputs)}; concatenate "
                "concatenations where there are more"
            )
        sides = {(x.height, x.width) for x in inputs}
        if len(sides) > 1:
            found = ", ".join(f"{height}x{width}" for height, width in sorted(sides))
            raise NetworkError(
                f"all inputs of a concatenation must have one height and width, not {found}; bring "
                "them to one size, as pooling, strides and upsampling can"
            )
        ((height, width),) = sides
        return joint_type(inputs, height, width, sum(x.channels for x in inputs))

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        no_more(attributes, tensors)
        return cls()
