"""Seeded damage: JSON values and bytes that a file's reader must refuse in one line, or take."""

import copy
import random
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from subbit.sw.errors import SubbitError

__all__ = ["ODD", "count", "damaged_bytes", "damaged_json", "places", "refused", "replaced"]

LONGEST = 1200
MOST_BYTES = 512 << 20
MOST_SECONDS = 5.0

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1 << 64,
    -(1 << 63),
    1e308,
    0.5,
    "",
    "[/red]",
    "x" * 5000,
    [],
    {},
    [[[]]],
    [{"a": [1]}],
    {"": {"": None}},
    ["[bold]"] * 40,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a value of dicts and lists, but not to the value itself."""
    rows = value.items() if isinstance(value, dict) else ()
    rows = enumerate(value) if isinstance(value, list) else rows
    for key, inner in rows:
        yield (*path, key)
        yield from places(inner, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy in which what stands at ``path`` is ``new``; ``...`` removes it."""
    found = copy.deepcopy(value)
    target = found
    for key in path[:-1]:
        target = target[key]
    if new is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = new
    return found


def damaged_json(value: Any, seed: int) -> Any:
    """``value`` with something odd in one or two places, by ``seed``."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 2)):
        path = draw.choice(list(places(value)) or [()])
        value = replaced(value, path, draw.choice((*ODD, ...))) if path else draw.choice(ODD)
    return value


def damaged_bytes(content: bytes, seed: int) -> bytes:
    """``content`` with a few bytes changed, put in or cut off, by ``seed``."""
    draw = random.Random(seed)
    made = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(made))
        match draw.randrange(4):
            case 0:
                del made[place:]
                made += b" "
            case 1:
                made[place:place] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 9)))
            case _:
                made[place] = draw.randrange(256)
    return bytes(made)


def refused(call: Callable[[], object], path: Path) -> bool:
    """Whether the call refuses the file ``path``, in one bounded line that names it.

    Any other exception passes, as does a call that takes more memory than a sane file asks for.
    """
    before = peak_bytes()
    try:
        call()
    except SubbitError as error:
        text = str(error)
        assert "\n" not in text
        assert str(path) in text
        assert len(text) < LONGEST + len(str(path)), text
        return True
    finally:
        assert peak_bytes() - before < MOST_BYTES
    return False


def count(check: Callable[[int], bool], cases: int) -> int:
    """How many of the seeds 0 to ``cases - 1`` are refused, none of them slowly."""
    found, slowest = 0, 0.0
    for seed in range(cases):
        start = time.process_time()
        found += check(seed)
        slowest = max(slowest, time.process_time() - start)
    assert slowest < MOST_SECONDS
    return found


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
