"""How a run goes: its learning rate over time, when it stops, and what a teacher counts."""

from dataclasses import dataclass
from enum import StrEnum
from math import cos, pi

from subbit.sw.errors import DataError

__all__ = ["RunSettings", "Schedule", "schedule_of"]


class Schedule(StrEnum):
    """The learning rate after the warm-up: half a ``cosine`` down to 0, ``linear`` down to 0, a
    tenth after each third of the run (``steps``), or ``constant``.
    """

    COSINE = "cosine"
    LINEAR = "linear"
    STEPS = "steps"
    CONSTANT = "constant"


@dataclass(frozen=True)
class RunSettings:
    """Settings of a run.

    ``warmup``: epochs in which the rate rises from 0. ``patience``: the run ends after so many
    epochs without a lower loss on a tenth of the training images, which is then held out, and the
    weights are those of the best epoch; 0 for never. ``distil``: the share of the loss that is the
    distance to a teacher's logits, 0 to 1, both softened by ``temperature``.
    """

    schedule: Schedule = Schedule.COSINE
    warmup: float = 0.0
    patience: int = 0
    distil: float = 0.5
    temperature: float = 4.0

    def __post_init__(self) -> None:
        if self.warmup < 0 or self.patience < 0:
            raise DataError(
                f"warm-up and patience are 0 or more epochs, not {self.warmup} and {self.patience}"
            )
        if not 0 <= self.distil <= 1 or not 0 < self.temperature <= 100:
            raise DataError(
                f"a teacher's share lies in 0..1 and a temperature in 0..100, not {self.distil} "
                f"and {self.temperature}"
            )

    def rate(self, done: float, epochs: int) -> float:
        """The factor of the learning rate after the share ``done`` of so many epochs."""
        rising = min(self.warmup / epochs, 1.0)
        if done < rising:
            return done / rising
        left = (done - rising) / (1 - rising) if rising < 1 else 1.0
        match self.schedule:
            case Schedule.COSINE:
                return 0.5 * (1 + cos(pi * left))
            case Schedule.LINEAR:
                return 1 - left
            case Schedule.STEPS:
                return float(0.1 ** min(int(3 * left), 2))
            case _:
                return 1.0


def schedule_of(name: str) -> Schedule:
    """The schedule of that name; raises DataError if there is none."""
    if name not in tuple(Schedule):
        raise DataError(f"a schedule is {', '.join(Schedule)}, not {name!r}")
    return Schedule(name)
