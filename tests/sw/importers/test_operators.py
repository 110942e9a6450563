"""Every operator of the importers alone; and what each still lacks, which is nothing."""

import operator
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from subbit.sw.importers.api import check_import
from subbit.sw.importers.exact.picking import PICKING
from subbit.sw.importers.onnx.constants import FOLDABLE
from subbit.sw.importers.onnx.operators import RULES, SPLITTING, supported_operators
from subbit.sw.importers.torch.ending_rules import (
    ENDING_FUNCTIONS,
    ENDING_METHODS,
    ENDING_MODULES,
)
from subbit.sw.importers.torch.function_rules import FUNCTIONS, METHODS
from subbit.sw.importers.torch.module import import_torch, trace
from subbit.sw.importers.torch.tracing import RULES as TORCH_RULES
from tests.paths import DOCS
from tests.sw.importers import test_lines, test_onnx, test_torch
from tests.sw.importers.block_graphs import BLOCKS
from tests.sw.importers.onnx_graphs import GraphMaker, checked
from tests.sw.importers.operator_graphs import ENDINGS, GRAPHS, PASSED, Between, Ending, Matrix
from tests.sw.importers.qoperator_graphs import QOPERATORS
from tests.sw.importers.quantiser_graphs import QUANTISERS
from tests.sw.importers.torch_quantisers import CODED, PASSED_STEPS, Direct

MIDDLES = {**PASSED, **PASSED_STEPS}
PAGE = DOCS / "use" / "import.md"
IMAGE = torch.zeros(1, 2, 8, 8)
SYMBOLS = {
    "@": operator.matmul,
    "+": operator.add,
    "-": operator.sub,
    "-x": operator.neg,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "&": operator.and_,
    "or": operator.or_,
    "^": operator.xor,
    "~": operator.invert,
    "x[]": operator.getitem,
}
# Torch has something of the same name, which is not the same or has no place in a network.
OTHERWISE = {
    "Trunc": "torch.trunc drops what is behind the point, QONNX's Trunc drops bits",
}


@cache
def rows() -> dict[str, tuple[str, ...]]:
    """The table of the page: for each ONNX operator the torch names beside it; under "" the torch
    names without an operator.
    """
    found: dict[str, tuple[str, ...]] = {}
    text = PAGE.read_text().split("## What a graph may hold")[1].split("\n## ")[0]
    for cells in re.findall(r"^\|([^|]*)\|([^|]*)\|[^|]*\|$", text, re.M):
        onnx, names = (tuple(re.findall(r"`([^`]+)`", cell)) for cell in cells)
        for kind in onnx or ("",):
            found[kind] = found.get(kind, ()) + names
    return found


def meant(name: str) -> Any:
    """What a torch name of the table stands for: a class, a function, or the name of a method."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    module, _, rest = name.rpartition(".")
    places = {"nn": nn, "torch": torch, "functional": functional}
    return getattr(places[module], rest) if module else rest


@cache
def onnx_graphs() -> frozenset[str]:
    """The operators in the graphs that tests import."""
    kinds: set[str] = set()
    tables = (GRAPHS, BLOCKS, QUANTISERS, QOPERATORS)
    for build in (*test_onnx.CASES, *(build for table in tables for build in table.values())):
        g = GraphMaker(1, 1, 8, 8)
        build(g, np.random.default_rng(1))
        kinds.update(node.op_type for node in g.nodes)
    return frozenset(kinds)


@cache
def torch_graphs() -> frozenset[Any]:
    """The classes, functions and methods in the modules that tests import."""
    modules = [build() for build, _ in test_torch.CASES.values()]
    modules += [*map(Between, MIDDLES.values()), *map(Direct, CODED.values()), Matrix()]
    modules += map(Ending, ENDINGS.values())
    modules += map(test_lines.Signal, test_lines.MODULES.values())
    found: set[Any] = set()
    for module in modules:
        root, graph = trace(module)
        for node in graph.nodes:
            if node.op == "call_module":
                found.add(type(root.get_submodule(str(node.target))))
            elif node.op in ("call_function", "call_method"):
                found.add(node.target)
    return frozenset(found)


def module_classes() -> list[type]:
    """Torch's own modules for which there is a rule, but for the fake quantisers of torch.ao."""
    every = [
        k for kinds, _ in TORCH_RULES for k in (kinds if isinstance(kinds, tuple) else (kinds,))
    ]
    return [k for k in every if k.__module__.startswith("torch.nn.")]


def has_rule(thing: Any) -> bool:
    """Whether the torch importer takes a class, a function or a method."""
    if isinstance(thing, str):
        return thing in {*METHODS, *ENDING_METHODS}
    if isinstance(thing, type):
        return issubclass(thing, (*module_classes(), *ENDING_MODULES))
    return thing in {*FUNCTIONS, *ENDING_FUNCTIONS}


def namesakes(kind: str) -> list[str]:
    """What torch calls as ONNX does, capitals and underscores aside."""
    places = {"nn": nn, "torch": torch, "functional": functional, "": Tensor}
    plain = kind.lower()
    return [
        f"{place}.{name}"
        for place, module in places.items()
        for name in dir(module)
        if name.replace("_", "").lower() == plain
        and not name.endswith("_")
        and callable(getattr(module, name))
    ]


def lacking(kind: str) -> list[str]:
    """What an ONNX operator still lacks: a rule, a row, a test graph, or a rule for torch."""
    found = (
        [] if kind in {*RULES, *SPLITTING, *FOLDABLE, *PICKING} else ["a rule in sw/importers/onnx"]
    )
    found += [] if kind in rows() else ["a row in docs/import.md"]
    found += [] if kind in onnx_graphs() else ["a test graph"]
    if (
        kind in {*RULES, *SPLITTING, *PICKING}
        and not rows().get(kind)
        and namesakes(kind)
        and kind not in OTHERWISE
    ):
        found.append(f"a rule for torch's {namesakes(kind)[0]}")
    return found


def lacking_in_torch(name: str) -> list[str]:
    """What a torch name of the table still lacks: a rule, or a module in the tests."""
    thing = meant(name)
    found = [] if has_rule(thing) else ["a rule in sw/importers/torch"]
    return found + ([] if thing in torch_graphs() else ["a test module"])


@pytest.mark.parametrize("kind", sorted({*supported_operators(), *rows()} - {""}))
def test_no_operator_lacks_anything(kind: str) -> None:
    assert lacking(kind) == []


@pytest.mark.parametrize("name", sorted({name for row in rows().values() for name in row}))
def test_no_torch_name_lacks_anything(name: str) -> None:
    assert lacking_in_torch(name) == []


def test_every_torch_rule_has_a_row() -> None:
    named = [meant(name) for row in rows().values() for name in row]
    assert [m for m in (*METHODS, *ENDING_METHODS) if m not in named] == []
    assert [f for f in (*FUNCTIONS, *ENDING_FUNCTIONS) if f not in named] == []
    classes = [c for c in named if isinstance(c, type)]
    assert [
        k
        for k in (*module_classes(), *ENDING_MODULES)
        if not any(issubclass(c, k) for c in classes)
    ] == []


def test_exceptions_are_operators() -> None:
    assert set(OTHERWISE) <= set(supported_operators())
    assert all(namesakes(kind) for kind in OTHERWISE)


def test_what_lacks_is_named() -> None:
    assert lacking("Einsum") == [
        "a rule in sw/importers/onnx",
        "a row in docs/import.md",
        "a test graph",
    ]
    assert lacking_in_torch("nn.GLU") == ["a rule in sw/importers/torch", "a test module"]


@pytest.mark.parametrize("name", [*GRAPHS, *BLOCKS])
def test_an_operator_agrees(name: str, tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    build = (GRAPHS | BLOCKS)[name]
    path = g.save(build(g, np.random.default_rng(3)), tmp_path / "net.onnx")
    agreement = checked(path)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


@pytest.mark.parametrize("name", [*MIDDLES, *CODED, "matrix"])
def test_a_torch_function_agrees(name: str) -> None:
    torch.manual_seed(3)
    if name == "matrix":
        module: nn.Module = Matrix()
    else:
        module = Direct(CODED[name]) if name in CODED else Between(MIDDLES[name])
    agreement = check_import(import_torch(module, IMAGE, span=(0.0, 255.0)))["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


@pytest.mark.parametrize("name", ENDINGS)
def test_a_torch_ending_agrees(name: str) -> None:
    torch.manual_seed(3)
    result = import_torch(Ending(ENDINGS[name]), IMAGE, span=(0.0, 255.0))
    agreement = check_import(result)["agreement"]
    assert (agreement["agrees"], agreement["elements"] > 0) == (True, True)
    assert agreement["output"] == ("ranks" if "softmax" in name.lower() else "class")
