"""What pages name exists: files of the repository, and modules, classes and functions of subbit."""

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = re.compile(r"`((?:hw|sw|sim|boards|tests|tools|src|examples|docs)/[\w./-]+)`")
NAMES = re.compile(r"\bsubbit((?:\.[a-zA-Z_]\w*)+(?::\w+(?:\.\w+)*)?)")
NEW = {
    "clamp",
    "serial",
    "toy",
    "pear",
}  # the worked examples of guides, whose files are to be made


def found(name: str) -> Any:
    """What ``.module.name`` or ``.module:name.attribute`` behind ``subbit`` names."""
    place, _, attributes = name.partition(":")
    parts = [*place.split(".")[1:]]
    module: Any = importlib.import_module("subbit")
    while parts:
        dotted = f"{module.__name__}.{parts[0]}"
        if importlib.util.find_spec(dotted) is None:
            break
        module = importlib.import_module(dotted)
        parts.pop(0)
        if not hasattr(module, "__path__"):
            break
    for attribute in [*parts, *filter(None, attributes.split("."))]:
        module = getattr(module, attribute)
    return module


def is_field(name: str) -> bool:
    """Whether the name is that of a field without a default, which a class does not show."""
    owner, _, field = name.rpartition(".")
    return field in getattr(found(owner), "__annotations__", {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = set(FILES.findall(page.read_text()))
    made = {name for name in named if "NAME" in name or any(word in name for word in NEW)}
    assert not [name for name in named - made if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_modules_and_names_that_a_page_names_exist(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for name in sorted(set(NAMES.findall(prose))):
        if any(word in name.lower() for word in NEW):
            continue
        try:
            found(name)
        except (AttributeError, ImportError):
            assert is_field(name), f"{page.name} names subbit{name}, which is not there"
