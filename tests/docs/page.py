"""Complete files on a page of the documentation, put where Python finds them."""

import importlib
import re
from pathlib import Path

import pytest

__all__ = ["blocks_of", "place_files"]


def blocks_of(page: Path) -> tuple[dict[str, str], list[str]]:
    """The Python blocks of a page: those that are files, by name, and the others in order."""
    files: dict[str, str] = {}
    others: list[str] = []
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        first, _, text = block.partition("\n")
        if first.startswith("# file: "):
            files[first.removeprefix("# file: ")] = text
        else:
            others.append(block)
    return files, others


def place_files(files: dict[str, str], folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Write the files below ``folder``, where the packages of subbit that are there already look
    for them while the test runs.
    """
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name in files:
        place = Path(name).parent
        while not found(place):
            place = place.parent
        package = importlib.import_module("subbit." + ".".join(place.parts))
        patch.setattr(package, "__path__", [*package.__path__, str(folder / place)])


def found(place: Path) -> bool:
    """Whether the package has that folder without the page."""
    return (Path(__file__).parents[2] / place).is_dir()
