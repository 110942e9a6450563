"""From a module that was trained on codes to its Network: every real factor becomes thresholds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.agree import ImportAgreement
from subbit.sw.importers.agree import compare as compare_layers
from subbit.sw.importers.api import ImportResult
from subbit.sw.importers.torch.module import import_torch
from subbit.sw.importers.torch.naming import by_source
from subbit.sw.importers.torch.narrow import narrowed
from subbit.sw.importers.torch.tracing import Places
from subbit.sw.ir import Encoding, Network, TensorType

__all__ = ["Exported", "export", "export_module"]

Codes = NDArray[np.uint8]
# Integers of a float32 are exact up to here.
EXACT_FLOAT32 = 1 << 24
# Images that are compared at a time, and numbers of one tensor of theirs.
BATCH, BATCH_ELEMENTS = 100, 1 << 21
SUMS = ("add", "avgpool2d", "globalavgpool")


@dataclass(frozen=True, eq=False)
class Exported:
    """The ``network`` of a module, and the import that it came from, for comparing both."""

    network: Network
    result: ImportResult

    def compare(self, codes: Codes) -> ImportAgreement:
        """Compare every activation and class with the module's on codes ``[n][h][w][c]``."""
        result, bits = self.result, self.network.input_type.bits
        largest = max(kind.elements for kind in self.network.types.values())
        run, batch = result.source(max(1, min(BATCH, len(codes), BATCH_ELEMENTS // largest)))
        images = (codes << np.uint8(8 - bits)).astype(np.uint8)
        return compare_layers(result.network, result.marks, run, result.end, images, batch=batch)

    def require_exact(self, codes: Codes) -> ImportAgreement:
        """The comparison; raises NetworkError where an activation or a class differs."""
        found = self.compare(codes)
        if not found.agrees:
            row = found.summary()
            raise NetworkError(
                f"the exported network differs from the module in {row['elements_apart']} of "
                f"{row['elements']} numbers and {row['classes_apart']} of {row['images']} classes; "
                "please report this with the module"
            )
        return found


def export(
    module: nn.Module,
    input_type: TensorType,
    name: str,
    metadata: dict[str, Any] | None = None,
    *,
    codes: Codes | None = None,
) -> Network:
    """The Network that computes what ``module`` does in eval mode: that of export_module."""
    return export_module(module, input_type, name, metadata, codes=codes).network


def export_module(
    module: nn.Module,
    input_type: TensorType,
    name: str,
    metadata: dict[str, Any] | None = None,
    *,
    codes: Codes | None = None,
    places: Places | None = None,
) -> Exported:
    """The Network that computes what ``module`` does in eval mode, and how to compare them.

    ``module``: whatever import_torch takes, trained on codes of ``input_type``, which are unsigned,
    as floats ``(n, c, h, w)``. ``codes`` ``[n][h][w][c]`` are the test set, on which the order of
    the logits decides the width of a last Affine. Every activation is the same for every input:
    thresholds come from evaluating the module's own arithmetic. What the export had to choose
    stands in the network's metadata under ``export``. ``places``: see import_torch.

    Raises NetworkError for the first thing that it cannot convert, naming it, and for NaN or
    infinite parameters.
    """
    if input_type.encoding is not Encoding.UNSIGNED:
        raise NetworkError(f"a module is trained on unsigned codes, not {input_type}")
    height, width, channels = input_type.shape
    bits = input_type.bits
    result = import_torch(
        module,
        torch.zeros(1, channels, height, width),
        name=name,
        span=(0.0, float((1 << bits) - 1)),
        bits=bits,
        metadata=metadata,
        codes=True,
        places=places,
    )
    check_sums(result)
    network = result.network
    notes: dict[str, Any] = {}
    if result.end.gives == "logits":
        network, notes = narrowed(network, module, codes)
    names = by_source(network)
    errors = result.notes.get("tile_scale_error")
    if errors:
        notes["tile_scale_error"] = {names[key]: value for key, value in errors.items()}
    told = {**(metadata or {}), "export": notes}
    return Exported(renamed(network, names, told), result)


def check_sums(result: ImportResult) -> None:
    """Raise NetworkError where the module's sums of integers may round."""
    network = result.network
    for node in network.nodes:
        kind = network.types[node.name]
        if node.layer.kind in SUMS and max(-kind.low, kind.high) > EXACT_FLOAT32:
            origin = [*result.folded.get(node.name, ()), node.name][0]
            raise NetworkError(
                f"{result.said.get(origin, origin)} sums up to {kind}, beyond the 24 bits that are "
                "exact in a float module; put an activation before it, or use fewer bits"
            )


def renamed(network: Network, names: dict[str, str], metadata: dict[str, Any]) -> Network:
    """The network with other names of its layers."""
    nodes = []
    for node in network.nodes:
        inputs = tuple(names.get(source, source) for source in node.inputs)
        nodes.append(type(node)(names[node.name], node.layer, inputs))
    return Network(network.name, network.input_type, tuple(nodes), metadata)
