"""Small QONNX graphs, built on the fly, and the report of importing one."""

from pathlib import Path
from typing import Any

from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.importers.api import check_import, import_file

__all__ = ["GraphMaker", "checked"]


def checked(path: Path, images: int = 40, **options: Any) -> dict[str, Any]:
    """The report of importing ``path``, compared on noise."""
    return check_import(import_file(path, **options), images=images)
