"""What a kind of layer, a unit or a board still lacks, each thing by name."""

import inspect
import pkgutil
import re
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import subbit.hw
import subbit.sw.ir.layers
from subbit.hw.contract.unit import Unit
from subbit.sim.components import CASES
from subbit.sim.design import WholePipeline
from subbit.sw import ir
from subbit.sw.bench.unit_cases import unit_cases
from subbit.sw.ir.kinds import KINDS, LayerKind
from subbit.sw.ir.layer import Layer
from tests.hw.design import test_reset
from tests.paths import ROOT

FORMAT = "docs/reference/network-format.md"
TABLES = ("test_costs.py", "test_reset.py")


def rules() -> list[type[Layer]]:
    """Every class of layers in sw/ir/layers/ that has a name in files."""
    found = classes_below(subbit.sw.ir.layers)
    return [kind for kind in found if issubclass(kind, Layer) and hasattr(kind, "kind")]


def unit_kinds() -> list[type[Unit]]:
    """Every concrete class of units in hw/."""
    return [kind for kind in classes_below(subbit.hw) if issubclass(kind, Unit)]


def classes_below(package: ModuleType) -> list[type[Any]]:
    """The concrete classes of a package that are made in its files, those of circuits aside."""
    found = []
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith("_rtl") or ".design" in module.name:
            continue
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name and not inspect.isabstract(kind):
                found.append(kind)
    return found


def units_of(unit: Unit) -> list[Unit]:
    """The unit, or those of a pipeline of units."""
    if isinstance(unit, WholePipeline):
        return [step.unit for step in unit.pipeline.steps]
    return [unit]


def lacks_of_place(place: str, what: str) -> list[str]:
    """What is missing of an object ``module:name``: its file, itself, its place in __all__."""
    module, _, name = place.partition(":")
    file = module.removeprefix("subbit.").replace(".", "/") + ".py"
    if find_spec(module) is None:
        return [f"{what}: {file}"]
    loaded = import_module(module)
    if not hasattr(loaded, name):
        return [f"{what}: {name} in {file}"]
    return (
        [] if name in getattr(loaded, "__all__", ()) else [f"{what}: {name} in __all__ of {file}"]
    )


def lacks_of_rule(rule: type[Layer]) -> list[str]:
    """What a class of layers lacks to be a kind."""
    known = KINDS.get(rule.kind)
    if known is None or known.rule != f"{rule.__module__}:{rule.__name__}":
        return [f"kind: a row of {rule.kind!r}, {rule.__name__!r} in sw/ir/kinds.py"]
    return []


def lacks_of_kind(name: str, kind: LayerKind) -> list[str]:
    """What a kind of layer lacks."""
    lacks = lacks_of_place(kind.rule, "rule") + lacks_of_place(kind.golden, "golden rule")
    if kind.stage:
        lacks += lacks_of_place(kind.stage, "stage")
    class_name = kind.rule.partition(":")[2]
    if class_name not in ir.__all__:
        lacks.append(f"export: {class_name} in sw/ir/__init__.py")
    page = (ROOT / FORMAT).read_text()
    if not re.search(rf"^\| `{name}`.* \|.* \|", page, re.M):
        lacks.append(f"description: a row of `{name}` in the table of section 3 of {FORMAT}")
    if not re.search(rf"^\*\*`{name}`\*\*", page, re.M):
        lacks.append(f"description: a paragraph on `{name}` in section 5 of {FORMAT}")
    if not tests_name(rf"\b{class_name}\(", "tests/sw"):
        lacks.append(f"tests: one below tests/sw that makes a {class_name}")
    return lacks


def lacks_of_unit(kind: type[Unit]) -> list[str]:
    """What a class of units lacks."""
    lacks = lacks_of_place(f"{kind.__module__}:{kind.__name__}", "contract")
    lacks += lacks_of_place(kind.component, "circuit")
    cases = [unit for build in CASES.values() for unit in units_of(build())]
    own = [unit for unit in cases if type(unit) is kind]
    if not own:
        lacks.append("simulation: a case in CASES of sim/components.py")
    several = any(len(unit.inputs) + len(unit.outputs) > 2 for unit in own)
    if not several and kind not in {type(unit) for unit in test_reset.UNITS}:
        lacks.append("reset: a case in UNITS of tests/hw/design/test_reset.py")
    if sum(kind is type(case.make("ecp5")) for case in unit_cases()) < 2:
        lacks.append("cost: two cases in sw/bench/unit_cases.py")
    if not tests_name(rf"\b{kind.__name__}\b", "tests/hw"):
        lacks.append(f"tests: one below tests/hw that makes a {kind.__name__}")
    return lacks


def tests_name(pattern: str, folder: str) -> bool:
    """Whether a test below the folder has such a text, the tables of cases aside."""
    files = [file for file in (ROOT / folder).rglob("*.py") if file.name not in TABLES]
    return any(re.search(pattern, file.read_text()) for file in files)
