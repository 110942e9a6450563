"""Frames over a simulated serial line that damages bytes: how many are right, failed, or wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import LinkError
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import BoardModel, Faults, LoopbackDevice
from subbit.sw.ir import Encoding, Network

__all__ = ["LinkResult", "bench_link"]

CALL_FRAMES = 100
# A frame that is given up after all its retries has had fewer reads than this.
FRAME_READS = 5_000
KINDS = ("flip", "drop", "insert")
DIGITS = LinkInfo(
    digest="00" * 32,
    height=8,
    width=8,
    channels=1,
    bits=4,
    encoding=Encoding.UNSIGNED,
    logits=10,
    logit_bytes=4,
    clock_hz=50_000_000,
    name="digits",
)


@dataclass(frozen=True)
class LinkResult:
    """What became of ``frames`` frames.

    ``right``: with the logits and the class of this very frame; ``failed``: reported as without a
    result; ``wrong``: with another result; ``hung``: the call neither returned nor raised.
    ``requests``: sent for all of them. ``damage``: share of the bytes damaged, each way.
    """

    frames: int
    right: int
    failed: int
    wrong: int
    hung: int
    requests: int
    damage: float
    frame_bytes: int
    seed: int


class Hung(Exception):
    """A call went on for longer than any that comes to an end."""


class Watched(LoopbackDevice):
    """A loopback that ends a call which reads without an end."""

    reads = 0

    def read(self, limit: int, timeout_s: float) -> bytes:
        """See Transport."""
        self.reads += 1
        if self.reads > CALL_FRAMES * FRAME_READS:
            raise Hung
        return super().read(limit, timeout_s)


def bench_link(
    network: Network | None = None,
    *,
    frames: int = 10_000,
    damage: float = 0.01,
    seed: int = 1,
) -> LinkResult:
    """Send ``frames`` random frames over a line that damages a share of the bytes in both
    directions, with the settings that Device has by default, 100 frames a call.

    In turn, one call's line flips a bit of the bytes it damages, the next one's loses them, and the
    next one's adds others. ``network``: whose frames and results they are, by default the 8x8
    digits'. A long frame has little hope: n bytes arrive undamaged with ``(1 - damage) ** n``.
    """
    info = LinkInfo.from_network(network, 0) if network else DIGITS
    random = np.random.default_rng(seed)
    counts = dict.fromkeys(("right", "failed", "wrong", "hung", "requests"), 0)
    for number, first in enumerate(range(0, frames, CALL_FRAMES)):
        shape = (min(CALL_FRAMES, frames - first), *info.shape)
        codes = random.integers(0, 1 << info.bits, shape)
        line_seed = int(random.integers(1 << 31))
        faults = Faults(seed=line_seed, **{KINDS[number % len(KINDS)]: damage})
        line = Watched(BoardModel(info, lambda code: logits_of(info, code)), faults)
        for name, count in call(line, info, codes).items():
            counts[name] += count
    return LinkResult(frames, **counts, damage=damage, frame_bytes=info.frame_bytes, seed=seed)


def call(line: Watched, info: LinkInfo, codes: NDArray[np.int64]) -> dict[str, int]:
    """What became of the frames of one call."""
    device, count = Device(line), len(codes)
    try:
        answers = device.answers(codes)
    except Hung:
        return {"hung": count, "requests": device.statistics.requests}
    except LinkError:
        return {"failed": count, "requests": device.statistics.requests}
    expected = np.array([logits_of(info, code) for code in codes])
    right = (answers.logits == expected).all(axis=1) & (answers.classes == expected.argmax(axis=1))
    answered = np.array([index not in answers.failures for index in range(count)])
    return {
        "right": int((right & answered).sum()),
        "failed": len(answers.failures),
        "wrong": int((~right & answered).sum()),
        "requests": device.statistics.requests,
    }


def logits_of(info: LinkInfo, code: NDArray[np.integer]) -> NDArray[np.int64]:
    """Logits that differ for every frame: sums of its elements, each weighted by its place."""
    places = np.arange(1, info.elements + 1, dtype=np.int64)
    weights = (places * np.arange(3, 3 + 2 * info.logits, 2)[:, None]) % 251 - 125
    logits: NDArray[np.int64] = weights @ code.reshape(-1).astype(np.int64)
    return logits
