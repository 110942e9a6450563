"""What the virtual board knows of its network, and what it answers."""

import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import Board
from subbit.sw.data.description import Description
from subbit.sw.errors import DataError, SubbitError
from subbit.sw.evaluate import Frames, load_frames
from subbit.sw.golden import evaluate
from subbit.sw.golden.run import logits_name
from subbit.sw.host.pictures import read_pictures
from subbit.sw.ir import Network
from subbit.sw.labels import class_labels, class_name
from subbit.sw.lower.plan import Plan
from subbit.sw.planner.choose import choose
from subbit.sw.planner.goal import Planned
from subbit.sw.report.activations import MOST_CHANNELS, Activations, tensor_rows
from subbit.sw.report.page import render

__all__ = ["Frame", "Session", "Simulate"]

MOST_LOGITS = 64  # that an answer lists
Tensor = NDArray[np.int64]
# Tensors of the RTL by name for one frame of codes [y][x][c].
Simulate = Callable[[Network, Plan, NDArray[Any]], Mapping[str, Tensor]]


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame to classify: ``codes`` ``[y][x][c]``, its ``name``, what is doubtful of it, and the
    name of the right class where that is known.
    """

    codes: NDArray[Any]
    name: str
    warnings: tuple[str, ...] = ()
    wanted: str | None = None


@dataclass(eq=False)
class Session:
    """A network on a board that is not there. The plan is worked out beside, as that takes seconds.

    ``plan``: its file, or None for the default one. ``data`` and ``kind``: of test images, as in
    load_frames. ``simulate``: runs a frame through the RTL, or None where nobody asks for that.
    """

    network: Network
    board: Board
    plan: Path | None = None
    data: Any = None
    kind: str | None = None
    simulate: Simulate | None = None
    planned: Planned | None = None
    unplanned: str = ""
    _samples: Frames | str | None = None
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _running: threading.Lock = field(default_factory=threading.Lock)

    def make_plan(self) -> None:
        """Work out the plan, and the cycles that it takes."""
        try:
            self.planned = choose(self.network, self.board, self.plan)
        except SubbitError as error:
            self.unplanned = str(error)

    @property
    def takes_drawings(self) -> bool:
        """Whether its input is like a picture that a hand can draw."""
        described = Description.from_json(self.network.dataset)
        x = self.network.input_type
        is_flat = x.height > 3 and x.width > 3
        return is_flat and (described is None or described.kind in ("pictures", "folder", "idx"))

    def state(self) -> dict[str, Any]:
        """What the page asks for at its start, and until there is a plan."""
        x, samples = self.network.input_type, self.samples()
        row: dict[str, Any] = {
            "network": self.network.name,
            "board": self.board.title,
            "input": str(x),
            "draws": self.takes_drawings,
            "sides": [x.height, x.width],
            "samples": 0 if isinstance(samples, str) else len(samples.labels),
            "no_samples": samples if isinstance(samples, str) else "",
            "rtl": self.simulate is not None,
            "planning": self.planned is None and not self.unplanned,
            "unplanned": self.unplanned,
        }
        if self.planned is not None:
            timing, clock = self.planned.timing, self.planned.clock_hz
            row |= {
                "latency_cycles": timing.latency_cycles,
                "interval_cycles": timing.interval_cycles,
                "clock_mhz": round(clock / 1e6, 2),
                "latency_us": round(1e6 * timing.latency_cycles / clock, 3),
                "fps": round(self.planned.fps),
            }
        return row

    def samples(self) -> Frames | str:
        """The test images, or why there are none."""
        with self._loading:
            if self._samples is None:
                try:
                    self._samples = load_frames(self.network, self.data, kind=self.kind)
                except SubbitError as error:
                    self._samples = str(error)
            return self._samples

    def sample(self, number: int) -> Frame:
        """The test image of that number; raises DataError where there is none."""
        samples = self.samples()
        if isinstance(samples, str):
            raise DataError(samples)
        count = len(samples.labels)
        if not 0 <= number < count:
            raise DataError(f"there are test images 0 to {count - 1}, and no {number}")
        wanted = class_name(self.network, int(samples.labels[number]))
        return Frame(samples.codes[number], f"test image {number}", wanted=wanted)

    def picture(self, content: bytes, name: str, invert: bool = False) -> Frame:
        """The frame that a picture's content, or another sample's, becomes; its kind is told by the
        ending of ``name``. Raises DataError.
        """
        base = os.path.basename(name.replace("\\", "/"))[-60:] or "picture"
        ending = "".join(c for c in Path(base).suffix if c.isalnum() or c == ".")
        with tempfile.TemporaryDirectory(prefix="subbit-play-") as folder:
            path = Path(folder) / f"sample{ending}"
            path.write_bytes(content)
            try:
                found = read_pictures(self.network, [path], invert)[0]
            except DataError as error:
                raise DataError(str(error).replace(str(path), base)) from None
        return Frame(found.codes, base, found.warnings)

    def golden(self, frame: Frame) -> dict[str, Tensor]:
        """Every tensor by the golden model."""
        tensors = evaluate(self.network, frame.codes[None])
        return {name: tensor[0].numpy() for name, tensor in tensors.items()}

    def answer(self, frame: Frame) -> dict[str, Any]:
        """What the golden model says of a frame, with every layer in pictures."""
        golden = self.golden(frame)
        row: dict[str, Any] = {
            "name": frame.name,
            "warnings": list(frame.warnings),
            "wanted": frame.wanted,
            "label": None,
            "logits": [],
            "layers": self.pictures(frame, golden, {}),
        }
        if (self.network.output_type.height, self.network.output_type.width) == (1, 1):
            numbers = golden[logits_name(self.network)].ravel()
            labels = class_labels(self.network, len(numbers))
            best = int(numbers.argmax())
            row["label"] = labels[best]
            order = np.argsort(-numbers, kind="stable")[:MOST_LOGITS].tolist()
            row["logits"] = [[labels[at], int(numbers[at])] for at in order]
        return row

    def compared(self, frame: Frame) -> dict[str, Any]:
        """What the RTL says of a frame beside the golden model: one at a time, in seconds. Raises
        SubbitError where there is no simulation or no plan.
        """
        if self.simulate is None:
            raise DataError("the RTL is not simulated here; start the board with --rtl")
        if self.planned is None:
            raise DataError(self.unplanned or "the plan is not worked out yet; ask again")
        golden = self.golden(frame)
        with self._running:
            found = self.simulate(self.network, self.planned.plan, frame.codes)
        differ = {name: int((tensor != golden[name]).sum()) for name, tensor in found.items()}
        return {
            "name": frame.name,
            "tensors": len(found),
            "differ": {name: count for name, count in differ.items() if count},
            "layers": self.pictures(frame, golden, found),
        }

    def pictures(
        self, frame: Frame, golden: Mapping[str, Tensor], simulated: Mapping[str, Tensor]
    ) -> str:
        """The activations as HTML, everything that comes from files escaped."""
        rows = tensor_rows(Activations(self.network, frame.name, golden, simulated))
        values = {"rows": rows, "label": "", "beside": bool(simulated), "most": MOST_CHANNELS}
        return str(render("activations", values))
