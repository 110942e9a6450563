"""The training curve as a picture."""

import io
from pathlib import Path

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import DataError
from subbit.sw.nn.checkpoint import History

__all__ = ["save_curve"]


def save_curve(history: History, title: str, path: Path) -> None:
    """Write the losses and the test accuracy over the epochs to a PNG; raises DataError where it
    cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    loss = figure.add_subplot()
    epochs = range(1, history.epochs + 1)
    loss.plot(epochs, history.loss, color="tab:blue")
    if history.validation:
        held = range(1, len(history.validation) + 1)
        loss.plot(held, history.validation, color="tab:blue", linestyle=":", label="held out")
        loss.legend(loc="upper center")
    loss.set(title=title, xlabel="epoch", ylabel="training loss")
    accuracy = loss.twinx()
    accuracy.plot(epochs, [100 * a for a in history.accuracy], color="tab:orange")
    accuracy.set_ylabel("test accuracy, %")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    try:
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        raise DataError(f"cannot write the curve {path}: {error.strerror}") from None
