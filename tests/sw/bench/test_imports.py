"""Random graphs: none is imported wrong, none ends in a traceback, and planted faults are found."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from subbit.sw.bench import imports
from subbit.sw.bench.graph_ends import ENDS
from subbit.sw.bench.graph_tables import BETWEEN, LAYERS, POOLS, QUANTISERS, STARTS
from subbit.sw.bench.imports import bench_import, judge_import
from subbit.sw.bench.random_graphs import random_graph
from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact import (
    arithmetic,
    choices,
    convs,
    elementwise,
    ending,
    fold,
    multithreshold,
    onnx_quantisers,
    picking,
    pools,
    qoperators,
    sums,
    windows,
)
from subbit.sw.importers.exact.integers import as_weights
from subbit.sw.importers.exact.value import Fractions
from subbit.sw.ir.window import Window

GRAPHS, TIMES = 600, 4


@cache
def rows_of(seed: int) -> tuple[str, ...]:
    """What the graph of a seed is made of."""
    return random_graph(seed).rows


def chosen() -> list[int]:
    """Seeds, in order, whose graphs have a row that those before have fewer than TIMES times.

    ``make bench`` takes 5,000 in a row.
    """
    seen: Counter[str] = Counter()
    seeds = []
    for seed in range(1, GRAPHS + 1):
        if any(seen[row] < TIMES for row in rows_of(seed)):
            seeds.append(seed)
            seen.update(set(rows_of(seed)))
    return seeds


def test_no_random_graph_is_wrong() -> None:
    verdicts = [judge_import(seed) for seed in chosen()]
    # Each verdict names the seed that makes its graph again.
    assert [row for row in verdicts if row.outcome not in ("agree", "refused")] == []
    assert [row.outcome for row in verdicts].count("agree") >= len(verdicts) // 2


def test_graphs_are_counted() -> None:
    result = bench_import(4, 1)
    assert (result.graphs, result.seed, result.failures) == (4, 1, ())
    assert result.agree + result.refused == 4


def test_the_tail_of_an_approximation_is_rounded() -> None:
    # A Sign behind a Sigmoid of large negative numbers: in the source they are 0, or hardly more,
    # by their place in the tensor.
    assert judge_import(90139).outcome == "agree"


def test_every_row_is_drawn() -> None:
    rows = {row for seed in chosen() for row in rows_of(seed)}
    tables = (STARTS, LAYERS, BETWEEN, QUANTISERS, POOLS, ENDS)
    assert {name for table in tables for name in table} <= rows


def test_a_seed_makes_the_same_graph() -> None:
    one, other = (random_graph(5).maker.model(random_graph(5).output) for _ in range(2))
    assert one == other
    assert judge_import(5) == judge_import(5)


Line = tuple[Fractions, Fractions]
LINE = arithmetic.line_of


def other_line(kind: str, first: bool, change: Callable[[Line], Line]) -> Any:
    """line_of with another line of one operator."""

    def line(found: str, c: Fractions, at_first: bool) -> Line:
        made = LINE(found, c, at_first)
        return change(made) if (found, at_first) == (kind, first) else made

    return line


def opposite(line: Line) -> Line:
    """A line whose slope has the other sign."""
    return -line[0], line[1]


def without_shift(line: Line) -> Line:
    """A line through 0."""
    return line[0], 0 * line[1]


def steeper(line: Line) -> Line:
    """A line of twice the slope."""
    return 2 * line[0], line[1]


def never(*_: Any) -> bool:
    """No."""
    return False


# For each fault in the line of an operator: the row that shows it, and the line instead.
FAULTS: dict[str, tuple[str, Any]] = {
    "c - x rises": ("c Sub x", other_line("Sub", False, opposite)),
    "c - x loses c": ("c Sub x", other_line("Sub", False, without_shift)),
    "x - c loses c": ("x Sub c", other_line("Sub", True, without_shift)),
    "x + c loses c": ("x Add c", other_line("Add", True, without_shift)),
    "c + x loses c": ("c Add x", other_line("Add", False, without_shift)),
    "x / c falls": ("x Div c", other_line("Div", True, opposite)),
    "x / c is steeper": ("x Div c", other_line("Div", True, steeper)),
    "x * c falls": ("x Mul c", other_line("Mul", True, opposite)),
    "c * x falls": ("c Mul x", other_line("Mul", False, opposite)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, fault = FAULTS[name]
    monkeypatch.setattr(arithmetic, "line_of", fault)
    assert wrong_one(row)


def test_neg_without_its_sign_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = elementwise.fill
    monkeypatch.setattr(elementwise, "fill", lambda count, number: real(count, abs(number)))
    assert wrong_one("Neg")


def test_a_norm_without_its_shift_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = elementwise.exact
    monkeypatch.setattr(elementwise, "exact", lambda array: 0 * real(array))
    assert wrong_one("norm")


def test_directions_of_thresholds_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = fold.falls
    monkeypatch.setattr(fold, "falls", lambda *given: ~real(*given))
    assert wrong_one()


def test_pooling_of_what_falls_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subbit.sw.importers.exact.network_builder.rises", lambda *given: True)
    monkeypatch.setattr("subbit.sw.importers.exact.codes.pools_behind", lambda *given: True)
    assert wrong_one("MaxPool")


def test_shifts_of_a_join_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = sums.power_of_two
    monkeypatch.setattr(sums, "power_of_two", lambda ratio: real(ratio) if ratio == 1 else 0)
    assert wrong_one("second conv")


def test_signs_of_logits_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ending.fixed_point

    def unsigned(scale: Fractions, offset: Fractions) -> Any:
        return real(abs(scale), offset)

    monkeypatch.setattr(ending, "fixed_point", unsigned)
    assert wrong_one()


@pytest.mark.parametrize(("name", "row"), [("least", "ArgMin"), ("last", "codes, ArgMax")])
def test_which_class_is_picked_is_checked(
    name: str, row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = picking.pick

    def other(*given: Any, **named: Any) -> Any:
        return real(*given, **{**named, name: not named.get(name, False)})

    monkeypatch.setattr(picking, "pick", other)
    assert wrong_one(row)


def other_conv(change: Callable[[Any, Any, int], Any]) -> Any:
    """convs.Conv2d with other weights, by those it has, its dilation and its groups."""
    real = convs.Conv2d

    def conv(weights: Any, stride: Any, padding: Any, pads: Any, gaps: Any, groups: int) -> Any:
        found, _ = as_weights(change(weights.dense(), gaps, groups))
        return real(found, stride, padding, pads, gaps, groups)

    return conv


def other_window(change: Callable[[Window], Window]) -> Any:
    """window_of with another window."""
    real = convs.window_of
    return lambda *given: change(real(*given))


def turned(window: Window) -> Window:
    """The window with its padding on the other sides."""
    return replace(window, pads=(*window.pads[2:], *window.pads[:2]))


def mirrored() -> Any:
    """own_pads with the names of the two rules for sides swapped."""
    real = windows.own_pads
    other = {"SAME_UPPER": "SAME_LOWER", "SAME_LOWER": "SAME_UPPER"}

    def own_pads(op: Any, *given: Any) -> Any:
        kind = op.attributes.get("auto_pad")
        attributes = {**op.attributes, "auto_pad": other.get(kind, kind)}
        return real(replace(op, attributes=attributes), *given)

    return own_pads


def undivided() -> Any:
    """pools.summed without the number of elements."""
    real = pools.summed
    return lambda *given: real(*given[:-1], 1)


def one_level_up() -> Any:
    """Quantiser whose least level is the next one."""
    real = multithreshold.Quantiser
    return lambda run, base, step, levels: real(run, base + step, step, levels)


def swapped() -> Any:
    """elementwise.add of the two tensors in the other order."""
    real = elementwise.add
    return lambda builder, op, inputs: real(builder, op, inputs[::-1])


def nothing_is_zero() -> Any:
    """sums.times with factors of 1 for those of 0."""
    real = sums.times

    def times(builder: Any, op: Any, *values: Any) -> Any:
        return real(builder, op, *(replace(x, scale=ones(x.scale)) for x in values))

    def ones(scale: Fractions) -> Fractions:
        return np.where(scale == 0, Fraction(1), scale)

    return times


def no_zero_point() -> Any:
    """qoperators.less_zero without the zero point."""
    real = qoperators.less_zero

    def less_zero(builder: Any, op: Any, inputs: Any, place: int, zero: int, *given: Any) -> Any:
        return real(
            builder, op, {k: x for k, x in inputs.items() if k != zero}, place, zero, *given
        )

    return less_zero


# Comparisons, in the order of their table, that take equal numbers the other way.
EQUAL = (np.greater_equal, np.greater, np.less_equal, np.less, np.equal)
# For each fault: the row that shows it, the module and its function, and what makes another one.
OTHER_FAULTS: dict[str, tuple[str, Any, str, Callable[[], Any]]] = {
    "groups read others' channels": (
        "groups",
        convs,
        "Conv2d",
        lambda: other_conv(lambda found, _, n: np.roll(found, len(found) // n * (n > 1), axis=0)),
    ),
    "padding on the other side": (
        "uneven window",
        convs,
        "window_of",
        lambda: other_window(turned),
    ),
    "a Pad on the other side": ("Pad window", convs, "window_of", lambda: other_window(turned)),
    "SAME on the other side": ("auto window", windows, "own_pads", mirrored),
    "gaps from the other end": (
        "dilated window",
        convs,
        "Conv2d",
        lambda: other_conv(
            lambda found, gaps, _: found if gaps == (1, 1) else found[:, :, ::-1, ::-1]
        ),
    ),
    "averages are sums": ("sums", pools, "summed", undivided),
    "thresholds in the file's order": (
        "thresholds of channels",
        multithreshold,
        "np",
        lambda: SimpleNamespace(**{**vars(np), "sort": lambda table, axis: table}),
    ),
    "another out_bias": ("thresholds", multithreshold, "Quantiser", one_level_up),
    "Where takes the other branch": (
        "Where",
        choices,
        "chosen",
        lambda: lambda condition, a, b: np.where(condition != 0, b, a),
    ),
    "comparisons of equal numbers": (
        "comparison",
        choices,
        "COMPARISONS",
        lambda: dict(zip(choices.COMPARISONS, EQUAL, strict=True)),
    ),
    "a difference the other way": ("branches", elementwise, "add", swapped),
    "a factor of 0 counts": ("branches", sums, "times", nothing_is_zero),
    "zero points of integers": ("QLinearConv", qoperators, "less_zero", no_zero_point),
    "types of integers": (
        "output_dtype",
        onnx_quantisers,
        "INTEGERS",
        lambda: {**onnx_quantisers.INTEGERS, 2: "int8", 3: "uint8"},
    ),
}


@pytest.mark.parametrize("name", OTHER_FAULTS)
def test_another_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, module, function, fault = OTHER_FAULTS[name]
    monkeypatch.setattr(module, function, fault())
    assert wrong_one(row)


def wrong_one(row: str = "", seeds: range = range(1, 600)) -> bool:
    """Whether the graphs with a row, of the seeds, show that something is wrong."""
    having = (seed for seed in seeds if not row or row in rows_of(seed))
    return any(judge_import(seed).outcome == "wrong" for seed in having)


def test_what_came_of_a_graph_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = imports.import_network

    def broken(*given: Any, **named: Any) -> Any:
        raise {0: KeyError("k"), 1: NetworkError("net.onnx: node 'A' (B): no; do")}[turn.pop()]

    turn = [1, 0, 1]
    monkeypatch.setattr(imports, "import_network", broken)
    result = bench_import(3, 1)
    assert (result.graphs, result.refused, result.tracebacks, result.wrong) == (3, 2, 1, 0)
    assert result.reasons == {"no": 2}
    assert [row.seed for row in result.failures] == [2]
    monkeypatch.setattr(imports, "import_network", real)
    monkeypatch.setattr(imports, "source_outputs", lambda model, x: np.zeros((len(x), 99)))
    assert not bench_import(4, 1).agree


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert app.run(["bench", "import", "--graphs", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["graphs"] == 3 == report["agree"] + report["refused"]
    assert (report["wrong"], report["tracebacks"]) == (0, 0)

    def broken(*given: Any, **named: Any) -> Any:
        raise KeyError("k")

    monkeypatch.setattr(imports, "import_network", broken)
    assert app.run(["bench", "import", "--graphs", "1", "--seed", "9"]) == 1
    assert "seed 9: traceback: KeyError: 'k': opset" in capsys.readouterr().out
