"""The names of the classes that a network tells apart."""

from subbit.sw.errors import QUOTED
from subbit.sw.ir.network import Network

__all__ = ["class_labels", "class_name"]


def class_labels(network: Network, count: int) -> list[str]:
    """The names of the classes, or their numbers where the network does not name them all in at
    most 200 characters each.
    """
    names = network.metadata.get("classes")
    if isinstance(names, list) and len(names) == count:
        texts = [" ".join(str(name).split())[:QUOTED] for name in names]
        return [text or str(index) for index, text in enumerate(texts)]
    return [str(index) for index in range(count)]


def class_name(network: Network, index: int) -> str:
    """The name of one class, of a network that ends in an argmax or in its logits."""
    names = network.metadata.get("classes")
    labels = class_labels(network, len(names) if isinstance(names, list) else 0)
    return labels[index] if 0 <= index < len(labels) else str(index)
