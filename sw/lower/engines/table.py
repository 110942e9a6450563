"""The one table of engines. docs/adding-an-engine.md walks through adding one."""

from functools import cache
from importlib import import_module

from subbit.sw.errors import PlanError, quote
from subbit.sw.lower.engines.engine import Engine

__all__ = ["ENGINES", "all_engines", "engine_of"]

# Each engine's name in plan files and its class, as module:name. An engine is loaded when a stage
# first asks for it.
ENGINES: dict[str, str] = {
    "direct": "subbit.sw.lower.engines.direct:DirectEngine",
    "multipliers": "subbit.sw.lower.engines.multipliers:MultipliersEngine",
    "lookup": "subbit.sw.lower.engines.lookup:LookupEngine",
    "block_lookup": "subbit.sw.lower.engines.block_lookup:BlockLookupEngine",
    "shared_rows": "subbit.sw.lower.engines.shared_rows:SharedRowsEngine",
    "unrolled": "subbit.sw.lower.engines.unrolled:UnrolledEngine",
}


def engine_of(name: str) -> Engine:
    """The engine of that name; raises PlanError, with the names there are, if there is none."""
    if name not in ENGINES:
        raise PlanError(f"setting 'engine' must be one of {', '.join(ENGINES)}, not {quote(name)}")
    return loaded(ENGINES[name])


@cache
def loaded(path: str) -> Engine:
    """The engine of that class."""
    module, _, name = path.partition(":")
    engine: Engine = getattr(import_module(module), name)()
    return engine


def all_engines() -> list[Engine]:
    """Every engine, in the order of the table."""
    return [engine_of(name) for name in ENGINES]
