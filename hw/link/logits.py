"""What a network must end in so that a board can answer over the host link."""

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import LinkError
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType

__all__ = ["ends_in_class", "link_fault", "logits_type"]


def ends_in_class(network: Network) -> bool:
    """Whether the network ends in the argmax of a vector: the class of a frame."""
    return network.nodes[-1].layer.kind == "argmax" and network.output_type.elements == 1


def logits_type(network: Network) -> TensorType:
    """The type of the integers that a board answers with, as a vector: the logits that the final
    argmax reads, or else the output of the network, of a map one pixel after the other. Codes are
    integers of the same stored numbers.
    """
    last = network.nodes[-1]
    logits = network.types[last.inputs[0] if ends_in_class(network) else last.name]
    if logits.is_code:
        return TensorType.integers(1, 1, logits.elements, logits.low, logits.high)
    return logits.with_shape(1, 1, logits.elements)


def link_fault(network: Network) -> str | None:
    """Why the network cannot go onto a board, although it has plans and Verilog; None if it can."""
    try:
        LinkInfo.from_network(network, clock_hz=0)
    except LinkError as error:
        return str(error)
    return None
