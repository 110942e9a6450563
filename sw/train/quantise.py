"""Post-training quantisation: a float torch network as one of few bits, and what each step cost."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from subbit import boards
from subbit.boards import Board
from subbit.sw.data import DataOptions
from subbit.sw.data.dataset import stratified
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.nn.activations import check_bits
from subbit.sw.nn.loop import Split, Trainer, TrainingProgress, classes_of
from subbit.sw.train.bit_search import LayerBits, search_bits, stored_bits
from subbit.sw.train.check import check_model
from subbit.sw.train.float_graph import Quantised, quantised_graph
from subbit.sw.train.model_file import said_by
from subbit.sw.train.own import OwnTraining, built_of, finished
from subbit.sw.train.own_data import OwnData, own_data
from subbit.sw.train.train import TrainResult, check_out, checkpoint_path, ignore, one_thread

__all__ = ["QuantiseResult", "Step", "quantise_model"]

CALIBRATION = 256
FINE = OwnTraining(epochs=5, lr=0.0005)


@dataclass(frozen=True)
class Step:
    """A step of the quantisation: test images that are right behind it, and the bits of all
    weights; None for the float network's.
    """

    name: str
    correct: int
    weight_bits: int | None


@dataclass(frozen=True, eq=False)
class QuantiseResult:
    """A quantised network as train_model gives it, the ``steps`` to it, and its layers' bits."""

    trained: TrainResult
    steps: tuple[Step, ...]
    layers: tuple[LayerBits, ...]

    def report(self) -> dict[str, Any]:
        """What ``subbit quantise --json`` prints: ``cost`` is the change of the accuracy."""
        return {"network": str(self.trained.path), "images": self.trained.images} | report_of(
            self.steps, self.layers, self.trained.images
        )


def report_of(steps: Sequence[Step], layers: Sequence[LayerBits], images: int) -> dict[str, Any]:
    """Steps and layers as JSON values."""
    before = [steps[0], *steps]
    return {
        "steps": [
            asdict(step)
            | {
                "accuracy": round(step.correct / images, 6),
                "cost": round((last.correct - step.correct) / images, 6),
            }
            for last, step in zip(before, steps, strict=False)
        ],
        "layers": [asdict(row) for row in layers],
    }


class OnCodes(nn.Module):
    """A float network on codes, each of which stands for ``unit``."""

    def __init__(self, module: nn.Module, unit: float) -> None:
        super().__init__()
        self.module, self.unit = module, unit

    def forward(self, codes: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.module(codes * self.unit)
        return logits


def quantise_model(
    model: str | nn.Module,
    out: Path,
    data: Any = None,
    *,
    kind: str | None = None,
    options: DataOptions | None = None,
    weight_bits: float = 4.0,
    activation_bits: int = 4,
    high: float = 1.0,
    calibration: int = CALIBRATION,
    training: OwnTraining | None = FINE,
    seed: int = 1,
    board: str | Board | None = None,
    progress: Callable[[TrainingProgress], None] = ignore,
    told: Callable[[str], object] = ignore,
) -> QuantiseResult:
    """Quantise a trained float ``model`` (a module, or ``FILE.py:NAME`` that gives it, trained),
    and write its network to ``out``.

    Its layers are torch's: Conv2d, Linear, BatchNorm, ReLU and its kin, poolings, Flatten,
    additions, in a Sequential or a forward. It takes pixels from 0 to ``high``. Ranges come from
    ``calibration`` training images, drawn by class; weights get ``weight_bits`` on average, which a
    search spreads over the layers, activations ``activation_bits``, summands and means two more.
    Norms are estimated anew where that lowers the loss. Then all is trained on by ``training``,
    with the float network as teacher; None for no training. Raises NetworkError for what cannot be
    quantised, naming it.
    """
    out = Path(out)
    check_out(out)
    check_bits("activations", activation_bits)
    if calibration < 2 or not 0 < high < float("inf"):
        raise NetworkError("calibration takes at least 2 images, and pixels go from 0 to a number")
    wanted = boards.board(board) if isinstance(board, str) else board
    with one_thread():
        found = own_data(data, kind, options)
        if found.maps:
            raise DataError(
                "these data have a class for each pixel; quantising takes networks that give one "
                "for each image"
            )
        told(found.text)
        built = built_of(model, found, seed)
        unit = high / found.input_type.high
        teacher = OnCodes(built.module, unit).eval()
        steps = [Step("float", correct_of(teacher, found), None)]
        some = calibration_of(found, calibration, seed)
        for name, bits in (
            ("8 bits", 8),
            (f"activations of {activation_bits} bits", activation_bits),
        ):
            made = quantised_graph(built.module, some.codes * unit, unit, 8, bits)
            steps.append(step_of(name, made, found))
        rows = search_bits(made.encoders, weight_bits, lambda: loss_of(made.module, some))
        steps.append(step_of(f"weights of {weight_bits:g} bits on average", made, found))
        if estimate_norms(made.module, some):
            steps.append(step_of("norms estimated anew", made, found))
        check_model(
            made.module, found.input_type, len(found.classes), name=built.name, board=wanted
        )
        chosen = training or replace(FINE, epochs=1)
        trainer = Trainer(
            *(chosen.recipe(built.name, found), chosen.epochs, seed, checkpoint_path(out)),
            model=made.module,
            settings=chosen.settings,
            teacher=teacher,
        )
        if training is not None:
            trainer.fit(found.train, found.test, progress)
            count = trainer.history.epochs
            name = f"trained on for {count} epoch{'s' if count > 1 else ''}"
            steps.append(step_of(name, made, found))
        report = report_of(steps, rows, len(found.codes))
        result = finished(trainer, built, found, out, {"quantised": report})
    checkpoint_path(out).unlink(missing_ok=True)
    return QuantiseResult(result, tuple(steps), tuple(rows))


def correct_of(module: nn.Module, data: OwnData) -> int:
    """How many test images a module classifies right; raises NetworkError where it does not run."""
    try:
        found = classes_of(module, data.test)
    except Exception as error:
        raise NetworkError(f"the float network does not run: {said_by(error)}; mend it") from None
    if found.shape != data.test.labels.shape:
        raise NetworkError("the float network must give the logits (batch, classes); mend it")
    return int((found == data.test.labels).sum())


def step_of(name: str, made: Quantised, data: OwnData) -> Step:
    """The step that a module stands for."""
    return Step(name, correct_of(made.module, data), stored_bits(made.encoders))


def calibration_of(data: OwnData, count: int, seed: int) -> Split:
    """So many training images, drawn by class."""
    places = stratified(data.train.labels.numpy(), min(count, len(data.train.labels)), seed)
    chosen = torch.from_numpy(places)
    return Split(data.train.codes[chosen], data.train.labels[chosen])


def loss_of(module: nn.Module, some: Split) -> float:
    """The mean cross entropy in eval mode."""
    module.eval()
    with torch.no_grad():
        return float(functional.cross_entropy(module(some.codes).flatten(1), some.labels))


def estimate_norms(module: nn.Module, some: Split) -> bool:
    """Estimate the statistics of all norms on the calibration images; whether that lowers the loss,
    else they stay as they were.
    """
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    before, kept = loss_of(module, some), {n: v.clone() for n, v in module.state_dict().items()}
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        module(some.codes)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    better = loss_of(module, some) < before
    if not better:
        module.load_state_dict(kept)
    return better
