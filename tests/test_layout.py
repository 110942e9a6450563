"""Who may import whom; docs/architecture.md says why."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.paths import ROOT

WINGS = ("hw", "sim", "sw", "boards")
AMARANTH_ROOMS = ("subbit.hw.design.", "subbit.hw.families.", "subbit.sim.")
# From Amaranth to Verilog, and measuring single components.
AMARANTH_TOOLS = ("subbit.sw.flow.", "subbit.sw.bench.")
CONTRACT_USERS = ("subbit.sw.lower.", "subbit.sw.planner.")


@cache
def modules() -> dict[str, Path]:
    """Every module of the package with its file."""
    found = {}
    for wing in WINGS:
        for path in (ROOT / wing).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(("subbit", *parts)).removesuffix(".__init__")] = path
    return found


def imported(module: str) -> Iterator[str]:
    """What the module imports, inside functions too."""
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in modules() else node.module


@cache
def graph() -> dict[str, set[str]]:
    """The imports among the modules of the package."""
    return {module: set(imported(module)) & modules().keys() for module in modules()}


def room(module: str) -> str:
    """The folder of a wing that a module stands in, inner folders included; a lone file is one."""
    parts = modules()[module].relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:2])


def cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of places that reach each other (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(place: str) -> None:
        number[place] = low[place] = len(number)
        stack.append(place)
        for other in sorted(edges.get(place, ())):
            if other not in number:
                visit(other)
            if other in stack:
                low[place] = min(low[place], low[other])
        if low[place] == number[place]:
            at = stack.index(place)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for place in sorted(edges):
        if place not in number:
            visit(place)
    return found


def test_no_module_imports_itself_by_a_detour() -> None:
    assert cycles(graph()) == []


def test_cycles_are_found() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]


def test_rooms_of_hardware_and_lowering_stand_on_each_other() -> None:
    edges: dict[str, set[str]] = {}
    for module, others in graph().items():
        for other in others:
            if room(module) != room(other):
                edges.setdefault(room(module), set()).add(room(other))
    wings = ("hw", "sw.lower", "sw.planner", "sim")
    bad = [group for group in cycles(edges) if any(place.startswith(wings) for place in group)]
    assert bad == []


def may_use_amaranth(module: str) -> bool:
    """Circuits, whole designs, families and simulation; and what turns them into Verilog."""
    return module.endswith("_rtl") or module.startswith((*AMARANTH_ROOMS, *AMARANTH_TOOLS))


@pytest.mark.parametrize("module", sorted(modules()))
def test_only_circuits_import_amaranth(module: str) -> None:
    uses = [name for name in imported(module) if name.partition(".")[0] == "amaranth"]
    assert not uses or may_use_amaranth(module), f"{module} imports {uses}"


def test_nothing_in_hw_imports_torch() -> None:
    hardware = [module for module in modules() if module.startswith("subbit.hw")]
    assert not [name for name in hardware if "torch" in {x.split(".")[0] for x in imported(name)}]


def test_lowering_and_planner_import_contracts_only() -> None:
    users = [module for module in modules() if module.startswith(CONTRACT_USERS)]
    circuits = [(user, other) for user in users for other in graph()[user] if "_rtl" in other]
    designs = [(u, o) for u in users for o in graph()[u] if o.startswith("subbit.hw.design")]
    assert circuits + designs == []


def test_no_import_renames_a_class() -> None:
    """Two things of one name in one file: one of them wants a better name."""
    renamed = []
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("subbit"):
                renamed += [
                    f"{module}: {name.name} as {name.asname}"
                    for name in node.names
                    if name.asname and name.name[:1].isupper()
                ]
    assert renamed == []
