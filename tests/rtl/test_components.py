"""Each component alone under Verilator and cocotb: the second simulator beside Amaranth's own."""

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import subbit.hw
from subbit.hw.contract.unit import Unit
from subbit.sim.components import CASES, Components, simulate_components
from subbit.sim.design import WholePipeline
from subbit.sw.errors import SubbitError


def test_components(tmp_path: Path, models: Path) -> None:
    components = Components()
    components.build(models)
    for backpressure in ("none", "random"):
        results = components.run(frames=3, backpressure=backpressure, seed=11, folder=tmp_path)
        bad = [f"{row.name}: {row.first_difference}" for row in results if row.mismatches]
        assert not bad, f"{backpressure} back-pressure: " + "; ".join(bad)
        assert [row.name for row in results] == list(CASES)


def test_every_kind_of_unit_has_a_case() -> None:
    kinds = set()
    for module in pkgutil.walk_packages(subbit.hw.__path__, "subbit.hw."):
        if module.name.endswith("_rtl") or ".design" in module.name:
            continue
        for _, found in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(found, Unit) and not inspect.isabstract(found):
                kinds.add(found)
    assert kinds <= {kind for build in CASES.values() for kind in kinds_of(build())}


def kinds_of(unit: Unit) -> set[type[Unit]]:
    """The unit's kind, or those of a pipeline of units."""
    if isinstance(unit, WholePipeline):
        return {type(step.unit) for step in unit.pipeline.steps}
    return {type(unit)}


def test_unknown_case(tmp_path: Path) -> None:
    with pytest.raises(SubbitError, match="there is no case 'windw'; there are upsize, "):
        simulate_components(["windw"], folder=tmp_path)
