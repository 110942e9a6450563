"""The names of a trained network's layers: an activation is called after what it reads."""

from collections import Counter

from subbit.sw.ir import INPUT, Network

__all__ = ["by_source"]

ONCE = {"flatten": "flatten", "argmax": "argmax"}
NUMBERED = {"avgpool2d": "avg", "globalavgpool": "gap"}


def by_source(network: Network) -> dict[str, str]:
    """The new name of every layer.

    ``act2`` behind ``conv2``, ``act_fc1`` behind ``fc1``; ``pool2`` behind the second convolution;
    ``avg1``, ``gap1``, ``flatten``, ``affine`` before the ``argmax``; others keep theirs. What is
    taken gets a number: ``act2_2``.
    """
    made: dict[str, str] = {INPUT: INPUT}
    behind: dict[str, str] = {INPUT: INPUT}
    counts: Counter[str] = Counter()
    taken: set[str] = set()
    for node in network.nodes:
        kind, source = node.layer.kind, node.inputs[0]
        counts[kind] += 1
        behind[node.name] = behind[source] if kind == "maxpool2d" else node.name
        readers = [reader.layer.kind for reader in network.readers(node.name)]
        if kind == "threshold":
            before = made[behind[source]].removeprefix("conv")
            name = f"act{before}" if before.isdigit() else f"act_{before}"
        elif kind == "maxpool2d":
            name = f"pool{counts['conv2d']}"
        elif kind == "affine" and readers == ["argmax"]:
            name = "affine"
        elif kind in NUMBERED:
            name = f"{NUMBERED[kind]}{counts[kind]}"
        else:
            name = ONCE.get(kind, node.name)
        made[node.name] = free(name, taken)
        taken.add(made[node.name])
    return made


def free(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
