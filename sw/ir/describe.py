"""A network in JSON values: what ``subbit info`` prints."""

from typing import Any

from subbit.sw.ir import Layer, Network, Weights
from subbit.sw.ir.planes import branches_of

__all__ = ["describe_network"]


def describe_network(network: Network) -> dict[str, Any]:
    """Layers, sizes and metadata, as ``subbit info --json`` prints them; without the weights."""
    return {
        "name": network.name,
        "digest": network.digest,
        "input": str(network.input_type),
        "weights": network.weight_count,
        "weight_bits": network.weight_bits,
        "layers": [
            {
                "name": node.name,
                "kind": node.layer.kind,
                "output": str(network.types[node.name]),
                "encoding": encoding(node.layer),
                "weights": node.layer.weight_count,
                "weight_bits": node.layer.weight_bits,
            }
            for node in network.nodes
        ],
        "metadata": network.metadata,
    }


def encoding(layer: Layer) -> str | None:
    """How the layer's weights are encoded, each bit plane where there are several; None if none."""
    weights = getattr(layer, "weights", None)
    if not isinstance(weights, Weights):
        return None
    return " + ".join(
        plane.encoding if scale == 1 else f"{scale} {plane.encoding}"
        for scale, plane in branches_of(weights)
    )
