"""Random graphs imported, and compared with the executor of their source: what came of each."""

import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subbit.sw.bench.graph_maker import CUSTOM, QONNX
from subbit.sw.bench.random_graphs import RandomGraph, random_graph
from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DifferentError, SubbitError
from subbit.sw.importers.api import Imported, import_network
from subbit.sw.ir import Network

__all__ = ["ImportVerdict", "ImportsResult", "bench_import", "judge_import", "source_outputs"]

IMAGES, COMPARED = 24, 24
TOLERANCE = 1e-4
# The file, and the node, that a refusal names first.
NODE = re.compile(r"^.*?: (node '.*?' \(\w+\): )?")
Outcome = Literal["agree", "refused", "wrong", "traceback"]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ImportVerdict:
    """What came of the graph of ``seed``, why, and the ``rows`` that it is made of."""

    seed: int
    outcome: Outcome
    reason: str = ""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportsResult:
    """How many of ``graphs`` random graphs, from ``seed`` on, ``agree`` with their source's
    executor, are ``refused``, are ``wrong``, or end in ``tracebacks``.

    ``reasons``: of refusals, with their number, the most frequent ones first; ``failures``: the
    graphs that are wrong or end in a traceback, each made again from its seed.
    """

    graphs: int
    agree: int
    refused: int
    wrong: int
    tracebacks: int
    seed: int
    reasons: dict[str, int] = field(default_factory=dict)
    failures: tuple[ImportVerdict, ...] = ()


def bench_import(
    graphs: int = 5_000, seed: int = 1, progress: Callable[[int], object] | None = None
) -> ImportsResult:
    """Import the graphs of the seeds from ``seed`` on and compare them; ``progress`` is told how
    many are done. Raises ToolError where ONNX's modules are missing.
    """
    found = []
    for number in range(graphs):
        found.append(judge_import(seed + number))
        if progress is not None:
            progress(number + 1)
    count = Counter(row.outcome for row in found)
    reasons = Counter(row.reason for row in found if row.outcome == "refused")
    return ImportsResult(
        graphs=graphs,
        agree=count["agree"],
        refused=count["refused"],
        wrong=count["wrong"],
        tracebacks=count["traceback"],
        seed=seed,
        reasons=dict(reasons.most_common()),
        failures=tuple(row for row in found if row.outcome in ("wrong", "traceback")),
    )


def judge_import(seed: int) -> ImportVerdict:
    """Import the graph of a seed, and compare what network and source give for random images."""
    graph = random_graph(seed)
    shape = graph.maker.shape
    if graph.last:
        sides = shape[1:]
    else:
        sides = (*shape[2:], shape[1]) if len(shape) == 4 else (1, 1, shape[1])
    draw = np.random.default_rng([seed, 1])
    pixels = draw.integers(0, 256, (IMAGES, *sides), np.uint8)
    outcome, reason = outcome_of(graph, random_graph(seed, IMAGES), pixels)
    return ImportVerdict(seed, outcome, reason, graph.rows)


def outcome_of(graph: RandomGraph, batched: RandomGraph, pixels: Pixels) -> tuple[Outcome, str]:
    """What came of a graph, and why. ``batched``: the same graph for all images at once."""
    with tempfile.TemporaryDirectory() as folder:
        path = graph.maker.save(graph.output, Path(folder) / "net.onnx")
        try:
            done = import_network(path, span=(0.0, 255.0), images=COMPARED)
            ours = network_outputs(done.network, pixels)
        except DifferentError as error:
            if only_rounded(error.report):
                return "refused", "an Affine layer's 18 bits pick another class"
            return "wrong", str(error)
        except SubbitError as error:
            return "refused", reason_of(str(error))
        except Exception as error:
            # Whatever it is, a user would see its traceback.
            return "traceback", f"{type(error).__name__}: {error}"[:200]
        theirs = source_outputs(batched.maker.model(batched.output), reals(pixels, graph.last))
    difference = difference_of(done, ours, theirs)
    return ("wrong", difference) if difference else ("agree", "")


def only_rounded(report: dict[str, Any]) -> bool:
    """Whether the one difference is the class that an Affine layer of 18 bits picks: the import
    said that it rounds, found the class, and wrote nothing.
    """
    measured = report["notes"].get("logits", {}).get("order") == "measured"
    return measured and report["agreement"]["first_difference"] is None


def reason_of(message: str) -> str:
    """The reason in the message of a refusal, without file, node and numbers."""
    text = NODE.sub("", message).partition(";")[0]
    return "".join("N" if c.isdigit() else c for c in text)[:90]


def reals(pixels: Pixels, last: bool = False) -> NDArray[np.float32]:
    """The source's input for pixels ``[n][h][w][c]``, with the channels first or last."""
    if last:
        return pixels.astype(np.float32)
    x = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    return x.reshape(len(x), -1) if x.shape[2:] == (1, 1) else np.ascontiguousarray(x)


def source_outputs(model: Any, inputs: NDArray[np.float32]) -> NDArray[Any]:
    """What qonnx's executor gives for a model's input."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    for node in model.graph.node:
        # The executor knows operators by one name of their domain alone.
        node.domain = QONNX if node.op_type in CUSTOM else ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = ModelWrapper(model).transform(InferShapes())
        names = wrapped.graph.input[0].name, wrapped.graph.output[0].name
        return np.asarray(execute_onnx(wrapped, {names[0]: inputs})[names[1]])


def network_outputs(network: Network, pixels: Pixels) -> dict[str, NDArray[np.int64]]:
    """The golden model's ``output`` and ``numbers``: logits where the network ends in a class."""
    from subbit.sw.golden import evaluate

    codes = preprocess(pixels, network.metadata["dataset"]["preprocess"])
    tensors = evaluate(network, codes)
    last = network.nodes[-1]
    numbers = last.inputs[0] if last.layer.kind == "argmax" else last.name
    return {"output": tensors[last.name].numpy(), "numbers": tensors[numbers].numpy()}


def difference_of(done: Imported, ours: dict[str, NDArray[np.int64]], theirs: NDArray[Any]) -> str:
    """How the outputs of network and source differ; empty where they do not.

    Classes may differ where the source's logits are equal but for rounding.
    """
    count, gives = len(theirs), done.report["agreement"]["output"]
    output = ours["output"].reshape(count, -1)
    given = theirs.reshape(count, -1)
    classes = gives != "numbers"
    if gives == "class":
        apart = int((output != given).sum()) if output.shape == given.shape else -1
        return "" if apart == 0 else f"{apart} of {count} classes"
    numbers = ours["numbers"]
    if numbers.size != given.size:
        return f"{numbers.size // count} numbers for {given.shape[1]}"
    if gives in ("logits", "numbers"):
        reals_ = np.moveaxis(real_numbers(done, numbers), 3, 1).reshape(count, -1)
        allowed = TOLERANCE * max(1e-6, float(np.abs(given).max())) + rounding_of(done)
        far = np.abs(reals_ - given) > allowed
        if far.any():
            return f"{int(far.sum())} of {far.size} numbers"
    if not classes:
        return ""
    wanted = given.argmax(axis=1)
    ordered = np.sort(given, axis=1)
    near = 1e-5 * np.abs(ordered[:, -1]) + 1e-9
    tied = ordered[:, -1] - ordered[:, -2] <= near
    apart = int(((output[:, 0] != wanted) & ~tied).sum())
    return f"{apart} of {count} classes" if apart else ""


def rounding_of(done: Imported) -> float:
    """How far the report says that an Affine layer at the end may be from the logits: half of the
    last place of its scales and offsets, which is nothing where it is exact.
    """
    if done.report["notes"].get("logits", {}).get("order", "exact") == "exact":
        return 0.0
    network = done.network
    (affine,) = network.nodes[-1].inputs
    (before,) = next(node.inputs for node in network.nodes if node.name == affine)
    greatest = max(abs(end) for end in network.types[before].value_range)
    return float(done.report["notes"]["output"]["scale"]) * (greatest + 1) / 2


def real_numbers(done: Imported, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the network's numbers ``[n][y][x][c]`` stand for, as the report says."""
    kind, row = done.network.output_type, done.report["notes"]["output"]
    if done.network.nodes[-1].layer.kind != "argmax" and kind.is_code:
        bipolar = kind.encoding.value == "bipolar"
        numbers = 2 * numbers - kind.high if bipolar else numbers
    return np.asarray(numbers * np.asarray(row["scale"]) + np.asarray(row["offset"]), np.float64)
