"""Every class of hw/ states its contract in its own docstring, as far as a program can tell."""

import ast
import inspect
import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import FunctionType
from typing import Any, get_type_hints

import pytest
from amaranth.hdl import Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import View

from subbit.hw.contract.unit import Unit
from tests.paths import ROOT

FILES = sorted((ROOT / "hw").rglob("*.py"))
MODULES = [
    "subbit." + ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in FILES
    if file.name != "__init__.py"
]
MAX_LINES = 400
LEAST_WORDS = 8  # of a contract, beside words that only send the reader elsewhere
# A clause that names another place.
REFERENCE = re.compile(r"[^.;]*\b[Ss]ee\b[^.;]*(?:\.\w[^.;]*)*")
CYCLES = re.compile(r"\b(?:[Ll]atency|[Ii]nterval|[Cc]ycles?)\b")
PORTS = (Signal, stream.Interface, View)


def members(kind: type) -> list[tuple[str, Any]]:
    """The public classes, or functions, that modules of hw/ define, by their full names."""
    found = []
    for name in MODULES:
        module = import_module(name)
        for member in vars(module).values():
            own = isinstance(member, kind) and member.__module__ == name
            if own and not member.__name__.startswith("_"):
                found.append((f"{name}:{member.__qualname__}", member))
    return found


CLASSES = members(type)
FUNCTIONS = members(FunctionType)
COMPONENTS = [pair for pair in CLASSES if issubclass(pair[1], wiring.Component)]
UNITS = [pair for pair in CLASSES if issubclass(pair[1], Unit)]
SETTINGS = ("Unit", "Config", "Shape", "Source", "Table", "Engine")  # ends of contracts' names
CONTRACTS = [
    pair for pair in CLASSES if is_dataclass(pair[1]) and pair[1].__name__.endswith(SETTINGS)
]


def names(pairs: list[tuple[str, Any]]) -> list[Any]:
    """The pairs as cases of a test."""
    return [pytest.param(member, id=name.removeprefix("subbit.hw.")) for name, member in pairs]


def docstring(member: Any) -> str:
    """Its own docstring, not the one that ``dataclass`` makes of its fields."""
    text = inspect.cleandoc(member.__doc__ or "")
    return "" if text.startswith(f"{member.__name__}(") else text


def is_named(name: str, text: str) -> bool:
    """Whether the text has the name as a word."""
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def ports(component: type[wiring.Component]) -> set[str]:
    """The ports that a component's class declares as attributes or in its signature's dict."""
    hints = {name: hint for name, hint in get_type_hints(component).items() if hint in PORTS}
    source = dedent(inspect.getsource(component))
    written = {
        str(key.value)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__"
        for argument in call.args
        if isinstance(argument, ast.Dict)
        for key in argument.keys
        if isinstance(key, ast.Constant)
    }
    return set(hints) | written


@pytest.mark.parametrize("module", MODULES)
def test_every_public_class_and_function_has_a_docstring_of_its_own(module: str) -> None:
    own = [(name, member) for name, member in CLASSES + FUNCTIONS if member.__module__ == module]
    assert not [name for name, member in own if not docstring(member)]


@pytest.mark.parametrize("member", names(CLASSES))
def test_no_class_only_sends_the_reader_elsewhere(member: Any) -> None:
    own = REFERENCE.sub(" ", docstring(member))
    assert len(own.split()) >= LEAST_WORDS, docstring(member)


@pytest.mark.parametrize("component", names(COMPONENTS))
def test_a_component_names_its_ports(component: type[wiring.Component]) -> None:
    text = docstring(component)
    assert ports(component)
    assert not [port for port in sorted(ports(component)) if not is_named(port, text)]


@pytest.mark.parametrize("component", names(COMPONENTS))
def test_a_component_states_its_cycles(component: type[wiring.Component]) -> None:
    makes_a_clock = "clk_o" in ports(component)
    assert makes_a_clock or CYCLES.search(docstring(component))


@pytest.mark.parametrize("unit", names(UNITS))
def test_a_unit_states_latency_and_interval(unit: type[Unit]) -> None:
    text = docstring(unit)
    assert is_named("latency", text.lower())
    assert is_named("interval", text.lower())


@pytest.mark.parametrize("contract", names(CONTRACTS))
def test_a_contract_names_its_settings(contract: Any) -> None:
    text = docstring(contract)
    assert not [field.name for field in fields(contract) if not is_named(field.name, text)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_is_long(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_LINES


def test_the_walk_finds_the_engines() -> None:
    found = {member.__name__ for _, member in CLASSES}
    assert {"Dot", "DotUnit", "Lookup", "LookupUnit", "Window", "Counter", "HostLink"} <= found
    assert {member.kind() for _, member in UNITS if "component" in vars(member)} >= {"Dot", "Fifo"}
