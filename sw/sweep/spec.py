"""What a sweep tries: a TOML file, and the points that its lists make."""

import hashlib
import json
import math
import os
import tomllib
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import subbit
from subbit import boards
from subbit.sw.errors import SubbitError, quote
from subbit.sw.ir import Network, load_network
from subbit.sw.loading import loading

__all__ = ["MOST_POINTS", "Point", "Sweep", "load_sweep"]

MOST_POINTS = 10_000
MOST_SEED = (1 << 31) - 1
DO = ("plan", "build")
KEYS = ("do", "networks", "boards", "fps", "lut4", "reserve", "clock_mhz", "seeds")
DAMAGED = "not a sweep ({reason}); docs/use/sweeps.md has an example"


@dataclass(frozen=True)
class Point:
    """One plan or build: ``network``, its file, with the ``digest`` of what it computes and of what
    its file says of accuracy; the ``board``; the goal, where ``fps_wanted`` None is the highest
    rate within ``lut4_most`` LUT4s (None: the device); and the ``seed`` of a build, else None.
    """

    do: str
    network: str
    digest: str
    board: str
    fps_wanted: float | None
    lut4_most: int | None
    reserve: float
    clock_mhz: float | None
    seed: int | None

    @property
    def key(self) -> str:
        """SHA-256 of all that the result depends on: not of where the network's file is."""
        row = {key: value for key, value in asdict(self).items() if key != "network"}
        text = json.dumps(row | {"subbit": subbit.__version__}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Sweep:
    """The points, in the order of the file's lists: networks first, seeds last."""

    points: tuple[Point, ...]


def load_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Read a sweep; networks are named from the folder of its file. Raises SubbitError."""
    place = Path(path)
    with loading(place, SubbitError, DAMAGED, "the sweep"):
        row = tomllib.loads(place.read_text())
        return Sweep(tuple(points_of(row, place.parent)))


def points_of(row: dict[str, Any], folder: Path) -> list[Point]:
    """All combinations of the lists."""
    unknown = [key for key in row if key not in KEYS]
    if unknown:
        raise SubbitError(f"unknown key {quote(unknown[0])}; a sweep has {', '.join(KEYS)}")
    do = row.get("do", "plan")
    if do not in DO:
        raise SubbitError(f"'do' is one of {', '.join(DO)}, not {quote(do)}")
    files = [folder / name for name in listed(row, "networks", str)]
    networks = [(str(file), digest_of(load_network(file))) for file in files]
    names = [boards.board(name).name for name in listed(row, "boards", str)]
    seeds = numbers(row, "seeds", int, 1, MOST_SEED, [1]) if do == "build" else [None]
    if do != "build" and "seeds" in row:
        raise SubbitError("'seeds' are those of place and route; a sweep of plans has none")
    fps = numbers(row, "fps", float, 0, math.inf, [None])
    axes = (
        networks,
        names,
        fps,
        numbers(row, "lut4", int, 1, 1 << 30, [None]),
        numbers(row, "reserve", float, 0, 0.99, [0.2]),
        numbers(row, "clock_mhz", float, 0, 10_000, [None]),
        seeds,
    )
    count = math.prod(map(len, axes))
    if count > MOST_POINTS:
        raise SubbitError(f"a sweep has at most {MOST_POINTS:,} points, and this one {count:,}")
    return [Point(do, *network, *rest) for network, *rest in product(*axes)]


def digest_of(network: Network) -> str:
    """Of what a network computes, and of what its file says of accuracy."""
    said = json.dumps(network.metadata.get("accuracy"), sort_keys=True)
    return hashlib.sha256((network.digest + network.name + said).encode()).hexdigest()


def listed(row: dict[str, Any], key: str, kind: type) -> list[Any]:
    """A list that must be there, without repetitions."""
    found = row.get(key)
    if not isinstance(found, list) or not found or any(type(x) is not kind for x in found):
        raise SubbitError(f"'{key}' must be a list of one or more names, not {quote(found)}")
    return list(dict.fromkeys(found))


def numbers(
    row: dict[str, Any], key: str, kind: type, low: float, high: float, usual: list[Any]
) -> list[Any]:
    """A list of numbers in ``low..high``, above 0; ``usual`` where there is none."""
    if key not in row:
        return usual
    found = row[key]
    kinds = (int, float) if kind is float else (int,)
    if not isinstance(found, list) or not found:
        raise SubbitError(f"'{key}' must be a list of numbers, not {quote(found)}")
    for number in found:
        if type(number) not in kinds or not low <= number <= high or not math.isfinite(number):
            raise SubbitError(f"'{key}' has numbers from {low:g} to {high:g}, not {quote(number)}")
    return list(dict.fromkeys(kind(number) for number in found))
