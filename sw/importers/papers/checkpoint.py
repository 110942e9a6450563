"""Importing a checkpoint of the papers' code: every layer of it as a network in a folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.compared import check_agreement, layer_network, paper_report
from subbit.sw.importers.papers.layer import SCORES, PaperLayer
from subbit.sw.importers.papers.packed import (
    Shapes,
    apart_from_trained,
    packed_layers,
    packed_names,
    trained_shapes,
)
from subbit.sw.importers.papers.papers import codebook_layers, tiled_layers
from subbit.sw.importers.papers.settings import (
    Repeats,
    TileSettings,
    parse_repeats,
    read_config,
)
from subbit.sw.importers.papers.state import State, read_state
from subbit.sw.ir import Network, save_network
from subbit.sw.loading import loading

__all__ = ["TileOptions", "import_checkpoint"]

RULES = ("codebook", "tiled")
Made = tuple[list[PaperLayer], dict[str, Any]]
ALONE = (
    "geometry: each layer stands alone, with stride 1, one group and zero padding by half of its "
    "kernel; a checkpoint holds no other"
)
USUAL = "as in the published configurations where --alpha or --alphas were not given"
DEAD = "codewords: signs of the patterns; the code's memory of older signs is not in the file"
CODEBOOK = "factors: the mean magnitude of an output's latent weights"


@dataclass(frozen=True)
class TileOptions:
    """What is said of a Tiled Bit Networks checkpoint beside the file; None where it is not.

    ``repeats``: p, as in TileSettings or as a text for parse_repeats; ``min_size``: lambda;
    ``alpha``: ``weight`` or ``scores``; ``alphas``: ``multiple``, one for every repeat, or
    ``single``; ``config``: the authors' configuration file, which says all of these. Of an
    inference checkpoint: ``shapes`` of its layers, ``order`` of its bits, and ``trained``, the
    training checkpoint that it was made of.
    """

    repeats: Repeats | str | None = None
    min_size: int | None = None
    alpha: str | None = None
    alphas: str | None = None
    config: str | os.PathLike[str] | None = None
    shapes: Shapes | None = None
    order: str | None = None
    trained: str | os.PathLike[str] | None = None

    def refuse(self, names: Iterable[str], reason: str) -> None:
        """Raise NetworkError if any of the options is given."""
        given = [name for name in names if getattr(self, name) not in (None, {})]
        if given:
            raise NetworkError(f"{', '.join(given)}: {reason}; leave it out")

    def single(self) -> bool:
        """Whether one alpha serves a layer."""
        if self.alphas not in (None, "multiple", "single"):
            raise NetworkError(f"alphas are 'multiple' or 'single', not {self.alphas!r}")
        return self.alphas == "single"

    def settings(self) -> TileSettings:
        """The settings of a training checkpoint; raises NetworkError where p is not said."""
        if self.config is not None:
            said = ("repeats", "min_size", "alpha", "alphas")
            self.refuse(said, "the configuration file says it")
            return read_config(self.config)
        if self.repeats is None:
            raise NetworkError(
                "p is not in a training checkpoint; give that of the training: --repeats 4, 1,4,4 "
                "or NAME=P,NAME=P, or the authors' configuration file with --config"
            )
        repeats = parse_repeats(self.repeats) if isinstance(self.repeats, str) else self.repeats
        told = self.alpha is not None and self.alphas is not None
        return TileSettings(
            *(repeats, self.min_size, self.alpha or "weight", self.single()),
            alphas_source="given" if told else USUAL,
        )


def import_checkpoint(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    rule: str,
    *,
    side: int = 14,
    **tiles: Any,
) -> dict[str, Any]:
    """Write every layer of a checkpoint of the papers' code as a network into ``folder``; returns
    paper_report's, with each layer's file.

    ``rule``: ``codebook``, or ``tiled``, which alone takes the options of TileOptions by name.
    ``side``: of the maps, see layer_network. Raises NetworkError, and writes nothing, where
    something is not said, does not fit, or a layer differs from the authors' arithmetic.
    """
    if rule not in RULES:
        raise NetworkError(f"there is no rule {rule!r}; it is {' or '.join(RULES)}")
    options = TileOptions(**tiles)
    path = Path(path)
    with loading(path, NetworkError, "its layers cannot be made ({reason})"):
        layers, report = layers_of(read_state(path), rule, options)
        if not layers:
            rows = [f"{name}: {reason}" for name, reason in report["left_out"].items()]
            raise NetworkError(f"no layer is one that a network has ({'; '.join(rows)[:160]})")
        check_agreement(report)
        networks = numbered([layer_network(layer, side) for layer in layers])
    for network, row in zip(networks, report["layers"], strict=True):
        row["file"] = str(Path(folder) / f"{network.name}.safetensors")
        save_network(network, row["file"])
    return report


def numbered(networks: list[Network]) -> list[Network]:
    """The networks with names that differ: a number behind those that do not."""
    taken: set[str] = set()
    found = []
    for network in networks:
        name, number = network.name, 2
        while name in taken:
            name, number = f"{network.name[:56]}-{number}", number + 1
        taken.add(name)
        made = Network(name, network.input_type, network.nodes, network.metadata)
        found.append(network if name == network.name else made)
    return found


def layers_of(state: State, rule: str, options: TileOptions) -> Made:
    """The layers and the report of a checkpoint."""
    if rule == "codebook":
        options.refuse(vars(options), "a codebook checkpoint has no tiles")
        layers = codebook_layers(state)
        return layers, paper_report(state, layers, [CODEBOOK, DEAD, ALONE])
    if any(key.endswith(SCORES) for key in state):
        return trained_report(state, options)
    return packed_report(state, options)


def trained_report(state: State, options: TileOptions) -> Made:
    """The layers and the report of a training checkpoint of tiles."""
    if packed_names(state):
        raise NetworkError("it holds scores and tiles; save the training or the inference state")
    options.refuse(("shapes", "order", "trained"), "that is for an inference checkpoint")
    settings = options.settings()
    layers = tiled_layers(state, settings)
    return layers, paper_report(state, layers, [*settings.assumptions(), ALONE])


def packed_report(state: State, options: TileOptions) -> Made:
    """The layers and the report of an inference checkpoint."""
    names = packed_names(state)
    if not names:
        raise NetworkError(
            "no tensor ends in .scores or .tile; name a checkpoint of the Tiled Bit Networks code"
        )
    options.refuse(
        ("repeats", "min_size", "config"), "an inference checkpoint holds tiles and alphas"
    )
    trained = None if options.trained is None else read_state(options.trained)
    shapes = dict(options.shapes or {})
    if trained is None:
        options.refuse(("alpha",), "an inference checkpoint holds the alphas")
    else:
        options.refuse(("shapes",), "the training checkpoint says it")
        shapes = trained_shapes(trained, names)
    order, single = options.order or "big", options.single()
    layers = packed_layers(state, shapes, order, single)
    assumed = [
        "p: one repeat for every alpha" if not single else "p: what shape and tile leave",
        f"order of bits in a packed byte: {order} (the authors pack the first weight highest)",
        "shapes: given" if trained is None else "shapes: those of the training checkpoint",
        ALONE,
    ]
    report = paper_report(state, layers, assumed, shapes)
    if trained is not None:
        alpha = options.alpha or "weight"
        report["compared"] += f"; and with scores and {alpha} of the training checkpoint"
        for layer in layers:
            check_trained(layer, trained, alpha, single)
    return layers, report


def check_trained(layer: PaperLayer, trained: State, alpha: str, single: bool) -> None:
    """Raise NetworkError where a packed layer differs from the training checkpoint's."""
    count = apart_from_trained(layer, trained, alpha, single)
    if count:
        raise NetworkError(
            f"layer {layer.name!r}: {count} of {layer.weights.count} weights differ from those of "
            "the training checkpoint; it is another one, or the order of bits or --alpha is another"
        )
