"""The root of the tests, which import their helpers as ``tests.FOLDER.HELPER``."""

import gc
import os
from pathlib import Path

import pytest

from tests.flow.builds import built, built_ice40

__all__ = [
    "built",
    "built_ice40",
    "models",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
]

# The tests run side by side, one on each core: torch's further threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The rooms whose files take minutes each. They go first, so that none of two workers is left alone
# with one of them at the end.
LONG = ("rtl", "hw/contract", "flow")


@pytest.fixture(scope="session")
def models(pytestconfig: pytest.Config) -> Path:
    """The folder of compiled models, kept between tests and between runs of them."""
    return pytestconfig.rootpath / "build" / "models"


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what is there for good, modules and tests, and start
    less often: random graphs are then imported in 0.234 s each instead of 0.256 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long rooms in front; the order within a room stays."""
    rooms = [config.rootpath / "tests" / room for room in LONG]

    def rank(item: pytest.Item) -> int:
        inside = [room in item.path.parents for room in rooms]
        return inside.index(True) if any(inside) else len(rooms)

    items.sort(key=rank)
