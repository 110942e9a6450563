"""What a network must end in so that a board can answer over the host link."""

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import LinkError, PlanError
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import TensorType

__all__ = ["link_fault", "logits_type"]


def logits_type(network: Network) -> TensorType:
    """The type of the logits: what the final argmax reads, or else the output of the network.

    Raises PlanError where that is not a vector of integers, which no board can answer with.
    """
    last = network.nodes[-1]
    source = last.inputs[0] if last.layer.kind == "argmax" else last.name
    logits = network.types[source]
    if logits.is_code or (logits.height, logits.width) != (1, 1):
        raise PlanError(
            f"a board answers with logits, a vector of integers; the output of {network.name!r} "
            f"is {logits}: end the network in a linear layer without a threshold"
        )
    return logits


def link_fault(network: Network) -> str | None:
    """Why the network cannot go onto a board, although it has plans and Verilog; None if it can."""
    try:
        logits_type(network)
        LinkInfo.from_network(network, clock_hz=0)
    except (LinkError, PlanError) as error:
        return str(error)
    return None
