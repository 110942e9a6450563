"""Quantisers in every spelling, compared with the source's executor."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import import_file
from subbit.sw.importers.exact import (
    choices,
    codes,
    elementwise,
    fold,
    multithreshold,
    qoperators,
    reachable,
    sums,
)
from subbit.sw.importers.exact.fold import Turning
from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.qoperator_graphs import QOPERATORS
from tests.sw.importers.quantiser_graphs import QUANTISERS, chain, then
from tests.sw.samples import message

# Images of noise.
IMAGES = 100
TABLES = {**QUANTISERS, **QOPERATORS}

OPSETS = {"Mish": 18, "HardSwish": 14, "Gelu": 20}


def graph(name: str, tmp_path: Path) -> Path:
    """A graph of the table in a file."""
    g = GraphMaker(1, 1, 8, 8, opset=OPSETS.get(name, 13))
    output = TABLES[name](g, np.random.default_rng(5))
    return g.save(output, tmp_path / "net.onnx")


@pytest.mark.parametrize("name", QUANTISERS)
def test_a_quantiser_agrees(name: str, tmp_path: Path) -> None:
    agreement = checked(graph(name, tmp_path), IMAGES)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


def bits_behind(name: str, tmp_path: Path) -> list[int]:
    """The bits of all threshold layers."""
    nodes = import_file(graph(name, tmp_path)).network.nodes
    return [node.layer.bits for node in nodes if node.layer.kind == "threshold"]


@pytest.mark.parametrize(
    ("name", "bits"),
    [("Sign", [2]), ("Sign never 0", [1]), ("Sign odd", [1]), ("Where", [1]), ("Round", [3]),
     ("GreaterOrEqual", [1]), ("And", [1, 1, 1]), ("straight through", [2])],
)  # fmt: skip
def test_levels_take_as_few_bits_as_occur(name: str, bits: list[int], tmp_path: Path) -> None:
    assert bits_behind(name, tmp_path) == bits


@pytest.mark.parametrize("name", ["Abs", "hard swish", "And", "Pow", "Abs pooled"])
def test_levels_change_between_blocks_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "BLOCK", 12)
    agreement = checked(graph(name, tmp_path), IMAGES)["agreement"]
    assert (agreement["first_difference"], agreement["classes_apart"]) == (None, 0)


def test_more_integers_than_can_be_looked_at_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MAX_NUMBERS", 100)
    text = message(lambda: import_file(graph("Abs", tmp_path)), NetworkError)
    assert "what it takes rises and falls over 129 integers in 6 channels, too many to" in text


def off_by_one(layer: Any) -> Any:
    """The sum of two codes with a wrong constant."""
    return replace(layer, base=layer.base + 1) if isinstance(layer, Turning) else layer


FOLD_TURNING, TIMES = codes.fold_turning, sums.times
THRESHOLDS_OF = multithreshold.thresholds_of


def wrong_times(*args: Any) -> Any:
    """The factors of a sum, one of them wrong."""
    left, right, scale = TIMES(*args)
    return left, right, scale * Fraction(1, 2)


class HalfUp:
    """numpy whose rint rounds halves up."""

    def __getattr__(self, name: str) -> Any:
        return (lambda x: np.floor(x + 0.5)) if name == "rint" else getattr(np, name)


def shifted(*args: Any) -> Any:
    """Thresholds that are too high."""
    value, table = THRESHOLDS_OF(*args)
    return value, table + 0.125


# Each fault in one rule, with a graph that shows it.
FAULTS: dict[str, tuple[Any, str, Any, str]] = {
    "ties of Round": (
        elementwise.ROUNDING, "Round", lambda x: np.floor(x + 0.5), "Round then Clip between"),
    "Floor": (elementwise.ROUNDING, "Floor", np.trunc, "half up"),
    "sign of 0": (elementwise.ROUNDING, "Sign", lambda x: np.where(x >= 0, 1.0, -1.0), "Sign"),
    "Greater": (choices.COMPARISONS, "Greater", np.greater_equal, "Greater"),
    "Less": (choices.COMPARISONS, "Less", np.less_equal, "Less"),
    "And": (choices.LOGIC, "And", np.logical_or, "And"),
    "Where": (choices, "chosen", lambda c, a, b: np.where(c != 0, b, a), "Where by channel"),
    "parity": (reachable, "parity", lambda *a: 1, "Sign"),
    "a turning sum": (
        codes, "fold_turning", lambda *a: off_by_one(FOLD_TURNING(*a)), "pooled Abs"),
    "pooling of what falls": (codes, "pools_behind", lambda *a: True, "falls, pooled, falls"),
    "a difference": (sums, "cancelled", lambda builder, op, a, b: a, "added"),
    "factors of a sum": (sums, "times", wrong_times, "joined 0"),
    "ties of QLinearConv": (qoperators, "np", HalfUp(), "QLinearConv"),
    "thresholds": (multithreshold, "thresholds_of", shifted, "MultiThreshold one row"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key, wrong, shown = FAULTS[name]
    if isinstance(place, dict):
        monkeypatch.setitem(place, key, wrong)
    else:
        monkeypatch.setattr(place, key, wrong)
    path = graph(shown, tmp_path)
    try:
        agreement = checked(path, IMAGES)["agreement"]
    except NetworkError:
        return
    assert agreement["elements_apart"] + agreement["classes_apart"] > 0


def doubled(g: GraphMaker, x: str, draw: np.random.Generator) -> str:
    """Two functions of one tensor, combined again and again."""
    a, b = g.node("Abs", x), g.node("Relu", x)
    for _ in range(30):
        a, b = g.node("Max", a, b), g.node("Min", a, b)
    return a


REFUSED: dict[str, tuple[Any, str]] = {
    "Log of numbers below 0": (
        then(chain("Log", "Round")), "its result is NaN or infinite for some inputs"),
    "too many levels": (then(chain(("Mul", 100.0), "Round")), "levels; quantise to 1 to 8 bits"),
    "a cast that wraps": (
        then(chain(("Mul", 100.0), ("Cast", {"to": 3}), ("Cast", {"to": 1}))), "beyond int8; clip"),
    "arithmetic of integers": (
        then(chain(("Cast", {"to": 6}), ("Div", 2.0))), "is of type int32, not float32"),
    "arithmetic of booleans": (
        then(chain(("Greater", 0.0), ("Mul", 2.0))), "is of type bool, not float32"),
    "a comparison at the end": (
        lambda g, draw: g.node("Greater", QUANTISERS["Sign"](g, draw), g.const(0.0)),
        "its input is of type bool; cast it to float32 before it"),
    "float16": (then(chain(("Cast", {"to": 10}))), "it makes numbers of ONNX type 10"),
    "thresholds of other channels": (
        then(lambda g, x, d: g.node("MultiThreshold", x, g.const(np.ones((4, 2))))),
        "it has thresholds for 4 channels, and a tensor of shape (1, 6)"),
    "an out_scale of 0": (
        then(lambda g, x, d: g.node("MultiThreshold", x, g.const(np.ones((1, 2))), out_scale=0.0)),
        "its out_scale is 0 or its out_bias 0; use others"),
    "codes times 0": (
        then(lambda g, x, d: g.node("Mul", g.quant(x, 0.25, 3), g.const(0.0))),
        "a channel of its input is multiplied by 0; leave out"),
    "too many combinations": (then(doubled), "more operations are combined than a quantiser can"),
    "too many thresholds": (
        then(lambda g, x, d: g.node("MultiThreshold", x, g.const(np.ones((1, 70000))))),
        "it has 70000 thresholds; use at most 255"),
    "33 bits": (then(lambda g, x, d: g.quant(x, 1.0, 33)), "a width of 33 bits; quantise to one"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_levels_is_refused(name: str, tmp_path: Path) -> None:
    build, text = REFUSED[name]
    g = GraphMaker(1, 1, 8, 8)
    path = g.save(build(g, np.random.default_rng(5)), tmp_path / "net.onnx")
    assert text in message(lambda: import_file(path), NetworkError)
