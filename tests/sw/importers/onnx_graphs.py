"""Small QONNX graphs, built on the fly, and the report of importing one."""

from pathlib import Path
from typing import Any

from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.importers.api import check_import, import_file

__all__ = ["GraphMaker", "checked"]


def checked(path: Path, images: int = 40, **options: Any) -> dict[str, Any]:
    """The report of importing ``path``, compared on noise.

    Not on the digits that its input's shape would stand for: their pixels are 0 to 16 of 255.
    """
    options.setdefault("dataset", "folder")
    return check_import(import_file(path, **options), images=images)
