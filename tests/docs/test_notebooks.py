"""The notebooks of examples/notebooks run from top to bottom, with few data, and show pictures."""

from pathlib import Path
from typing import Any

import pytest

from tests.paths import EXAMPLES

nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
pytest.importorskip("ipykernel", reason="needs ipykernel")

FOLDER = EXAMPLES / "notebooks"
# Put behind the cell tagged "parameters"; and how many pictures the notebook shows.
SHORT = {
    "images": ("COUNT, EPOCHS, WIDTHS, FRAMES = 10, 1, (4, 4, 4), 2", 3),
    "signals": ("COUNT, EPOCHS, LENGTH = 10, 1, 16", 3),
}
TIMEOUT_S = 600


def read(name: str) -> Any:
    """A notebook, which must be a valid one."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_every_notebook_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {*SHORT}


@pytest.mark.parametrize("name", [*SHORT])
def test_notebooks_hold_no_results(name: str) -> None:
    for cell in read(name).cells:
        assert cell.cell_type == "markdown" or (not cell.outputs and cell.execution_count is None)


@pytest.mark.parametrize("name", [*SHORT])
def test_a_notebook_runs_and_shows_pictures(name: str, tmp_path: Path) -> None:
    notebook, (short, pictures) = read(name), SHORT[name]
    (first,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    named = {line.split(" = ")[0] for line in first.source.splitlines()}
    assert named == set(short.partition(" = ")[0].split(", "))
    place = notebook.cells.index(first) + 1
    notebook.cells.insert(place, nbformat.v4.new_code_cell(short))
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(shown) == pictures
