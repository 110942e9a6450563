"""Settings of Tiled Bit Networks that no training checkpoint holds: p, lambda, and the alphas.

The authors' configuration files are flat YAML. Of their keys these count:
``global_compression_factor`` (one p, for layers of at least ``min_compress_size`` weights, 64,000
by default), or ``layer_compression_factors`` (``1,1,4,4``: p by layer as the code builds them,
without lambda), or ``compression_factor`` (one p, without lambda); ``alpha_param`` (``weight`` by
default, or ``scores``) and ``alpha_type`` (``multiple``, else one alpha a layer).
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.arrays.rows import read_bounded
from subbit.sw.loading import loading

__all__ = [
    "DEFAULT_MIN_SIZE",
    "Repeats",
    "TileSettings",
    "parse_repeats",
    "parse_shapes",
    "read_config",
]

DEFAULT_MIN_SIZE = 64_000
MAX_CONFIG_BYTES = 1 << 20
MOST_REPEATS = 1 << 20
Repeats = int | Sequence[int] | Mapping[str, int]
FACTORS = ("global_compression_factor", "layer_compression_factors", "compression_factor")
KEYS = (*FACTORS, "min_compress_size", "alpha_param", "alpha_type")
NOTHING = ("", "~", "null", "Null", "NULL", "None", "none")


@dataclass(frozen=True)
class TileSettings:
    """How a checkpoint's tiles were made, and where that is known from.

    ``repeats``: p of all layers of at least ``min_size`` weights (None: the authors' default, and
    0: of all layers); or p of every layer in the checkpoint's order; or by name. ``alpha``: whether
    magnitudes come from ``weight`` or ``scores``; ``single``: one alpha for a layer and not one for
    every repeat. ``built``: a list is in the order in which the authors' code builds the layers.
    ``source``, ``alphas_source``: who said so of p and of the alphas.
    """

    repeats: Repeats
    min_size: int | None = None
    alpha: str = "weight"
    single: bool = False
    built: bool = False
    source: str = "given"
    alphas_source: str = "given"

    def __post_init__(self) -> None:
        counts = self.repeats
        if isinstance(counts, Mapping):
            counts = list(counts.values())
        for count in counts if isinstance(counts, Sequence) else [counts]:
            if type(count) is not int or not 1 <= count <= MOST_REPEATS:
                raise NetworkError(f"p is an integer in 1..{MOST_REPEATS}, not {quote(count)[:40]}")
        if self.alpha not in ("weight", "scores"):
            raise NetworkError(
                f"alphas come from 'weight' or 'scores', not {quote(self.alpha)[:40]}"
            )
        if self.min_size is not None and not isinstance(self.repeats, int):
            raise NetworkError("lambda goes with one p for all layers; leave it out of a list")
        if self.min_size is not None and self.min_size < 0:
            raise NetworkError(f"lambda is 0 or more, not {self.min_size}")

    def by_layer(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """p of every layer, whose counts of weights are ``sizes`` in the checkpoint's order.

        Raises NetworkError where p is missing for a layer, given for none, or divides no layer.
        """
        if isinstance(self.repeats, int):
            found = self.by_size(sizes)
        elif isinstance(self.repeats, Mapping):
            found = self.by_name(sizes)
        else:
            found = self.in_order(sizes)
        for name, count in found.items():
            if sizes[name] % count:
                raise NetworkError(
                    f"layer {name!r} has {sizes[name]} weights, which p = {count} must divide; "
                    "name p of every layer"
                )
        return found

    def by_size(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """p where a layer has at least lambda weights, else 1."""
        assert isinstance(self.repeats, int)
        least = DEFAULT_MIN_SIZE if self.min_size is None else self.min_size
        found = {name: self.repeats if size >= least else 1 for name, size in sizes.items()}
        if self.min_size is None and self.repeats > 1 and set(found.values()) == {1}:
            raise NetworkError(
                f"no layer has {least} weights, the authors' lambda, so that p = {self.repeats} "
                "would hold for none; give the lambda of the training (--min-size, 0 for none)"
            )
        return found

    def by_name(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """p of the names."""
        assert isinstance(self.repeats, Mapping)
        unlike = [name for name in sizes if name not in self.repeats]
        if unlike:
            raise NetworkError(f"p is missing for {listed(unlike)}; give it for every tiled layer")
        unlike = [name for name in self.repeats if name not in sizes]
        if unlike:
            raise NetworkError(
                f"no tiled layer is named {listed(unlike)}; there is {listed(sizes)}"
            )
        return {name: self.repeats[name] for name in sizes}

    def in_order(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """p of the list."""
        assert isinstance(self.repeats, Sequence)
        if len(self.repeats) != len(sizes):
            raise NetworkError(
                f"{len(self.repeats)} values of p for {len(sizes)} tiled layers ({listed(sizes)}); "
                "give one for each, or NAME=P for each"
            )
        names = build_order(list(sizes)) if self.built else list(sizes)
        pairs = dict(zip(names, self.repeats, strict=True))
        return {name: pairs[name] for name in sizes}

    def assumptions(self) -> list[str]:
        """What the checkpoint cannot confirm, one sentence each."""
        lines = [f"p: {self.source}; nothing in a training checkpoint tells it"]
        if isinstance(self.repeats, int):
            least = DEFAULT_MIN_SIZE if self.min_size is None else self.min_size
            origin = "the authors' default" if self.min_size is None else self.source
            lines.append(f"lambda: layers of fewer than {least} weights have p = 1 ({origin})")
        if self.built:
            lines.append(
                "order of p: that in which the authors' code builds layers, a block's downsample "
                "before its convolutions"
            )
        many = "one for a layer" if self.single else "one for every repeat"
        return [
            *lines,
            f"alphas: {many}, the mean magnitudes of {self.alpha} ({self.alphas_source})",
        ]


def build_order(names: list[str]) -> list[str]:
    """The names as the authors' ResNet builds them: a block's ``downsample`` before its layers."""
    found: list[str] = []
    for name in names:
        block, part, _ = name.rpartition(".downsample.")
        place = len(found)
        if part:
            inside = [i for i, other in enumerate(found) if other.startswith(f"{block}.")]
            place = inside[0] if inside else place
        found.insert(place, name)
    return found


def listed(names: Iterable[str]) -> str:
    """The first names of a message."""
    rows = list(names)
    more = f" and {len(rows) - 6} more" if len(rows) > 6 else ""
    return ", ".join(repr(name[:64]) for name in rows[:6]) + more


def parse_repeats(text: str) -> Repeats:
    """p of a text: ``4``, or for every layer ``1,4,4`` or ``conv1=1,layer1.0.conv1=4``.

    Raises NetworkError where it is something else.
    """
    parts = [part.strip() for part in text.split(",")]
    named = [part.rpartition("=") for part in parts]
    counts = [count.strip() for _, _, count in named]
    if not all(re.fullmatch(r"[0-9]{1,7}", count) for count in counts):
        raise NetworkError(
            f"p is a number, one for each layer (1,4,4), or NAME=P,NAME=P, not {quote(text)[:60]}"
        )
    names = [name.strip() for name, _, _ in named if name.strip()]
    if not names:
        return int(counts[0]) if len(counts) == 1 else [int(count) for count in counts]
    if len(set(names)) != len(parts):
        raise NetworkError(f"p of every layer once, and of each by its name: {quote(text)[:60]}")
    return dict(zip(names, map(int, counts), strict=True))


def parse_shapes(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Shapes of weights by name, of texts ``NAME=OUTxIN`` or ``NAME=OUTxINxKxK``.

    Raises NetworkError where one is something else, or a name occurs twice.
    """
    found: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, shape = text.rpartition("=")
        if not name or not re.fullmatch(r"[0-9]{1,7}(x[0-9]{1,7}){1,3}", shape):
            raise NetworkError(f"a shape is NAME=OUTxIN or NAME=OUTxINxKxK, not {quote(text)[:60]}")
        if name in found:
            raise NetworkError(f"the shape of {name[:64]!r} is given twice")
        found[name] = tuple(map(int, shape.split("x")))
    return found


def read_config(path: str | os.PathLike[str]) -> TileSettings:
    """The settings in a configuration file of the authors' code; see the module's docstring.

    Raises NetworkError where the file is no flat list of ``key: value``, a key of ours occurs
    twice, or p is missing or said in two ways.
    """
    path = Path(path)
    with loading(path, NetworkError, "no configuration file ({reason})"):
        return config_settings(read_bounded(path, MAX_CONFIG_BYTES).decode(), path.name)


def config_settings(text: str, name: str) -> TileSettings:
    """The settings of a configuration's text."""
    values = flat_yaml(text)
    said = [key for key in FACTORS if key in values]
    if not said:
        raise NetworkError(f"it has none of {', '.join(FACTORS)}; give p with --repeats")
    # One factor beside another is the authors' argument that the other one overrides.
    if "global_compression_factor" in said and "layer_compression_factors" in said:
        raise NetworkError(f"p is said twice, by {' and '.join(said[:2])}; remove one")
    repeats: Repeats = integers(said[0], values[said[0]])
    least = 0
    if said[0] == "global_compression_factor":
        least = integer("min_compress_size", values.get("min_compress_size", "64000"))
    if said[0] != "layer_compression_factors":
        repeats = integer(said[0], values[said[0]])
    one = isinstance(repeats, int)
    return TileSettings(
        repeats,
        least if one else None,
        values.get("alpha_param", "weight"),
        values.get("alpha_type") != "multiple",
        not one,
        *[f"by {name[:64]}"] * 2,
    )


def flat_yaml(text: str) -> dict[str, str]:
    """The values of our keys as texts, without those that are nothing."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        row = re.sub(r"(^|\s)#.*", "", line).rstrip()
        if not row or row == "---":
            continue
        parsed = re.fullmatch(r"([A-Za-z_][\w-]*)\s*:(?:\s+(.*))?", row)
        if parsed is None:
            if re.search("|".join(KEYS), row):
                raise NetworkError(f"line {number} is no 'key: value'; write it as one")
            continue
        key, value = parsed[1], (parsed[2] or "").strip().strip("'\"")
        if key in KEYS and key in seen:
            raise NetworkError(f"{key} occurs twice; remove one")
        seen.add(key)
        if key in KEYS and value not in NOTHING:
            found[key] = value
    return found


def integers(key: str, text: str) -> list[int]:
    """The integers of a list with commas."""
    return [integer(key, part) for part in text.strip("[]").split(",")]


def integer(key: str, text: str) -> int:
    """The integer of a text."""
    if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
        raise NetworkError(f"{key} must be an integer, not {quote(text)[:60]}")
    return int(text)
