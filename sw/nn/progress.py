"""Progress of a training run on the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from subbit.sw.nn.loop import TrainingProgress

__all__ = ["training_bar"]


def shown(progress: TrainingProgress) -> str:
    """The accuracy after the last epoch, and of how many images."""
    if not progress.accuracy:
        return ""
    count = f" of {progress.images:,}" if progress.images else ""
    return f"{100 * progress.accuracy:.2f} %{count}"


@contextmanager
def training_bar(console: Console | None = None) -> Iterator[Callable[[TrainingProgress], None]]:
    """A bar that shows epochs, batches, loss and accuracy; yields the callable that moves it.

    It appears when it is first moved, so that what is wrong before training is one line alone.
    """
    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  test {task.fields[accuracy]}"),
        TimeRemainingColumn(),
    )
    bars = Progress(*columns, console=console or Console(stderr=True))
    task = bars.add_task("", total=None, epoch="", loss=0.0, accuracy="")

    def show(progress: TrainingProgress) -> None:
        bars.start()  # which does nothing from the second time on
        bars.update(
            task,
            total=progress.epochs * progress.batches,
            completed=progress.epoch * progress.batches + progress.batch,
            epoch=f"{min(progress.epoch + 1, progress.epochs)}/{progress.epochs}",
            loss=progress.loss,
            accuracy=shown(progress),
        )

    try:
        yield show
    finally:
        if bars.live.is_started:
            bars.stop()
