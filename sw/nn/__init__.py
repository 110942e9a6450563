"""Training binary networks in torch, and their export to a Network."""

from importlib.util import find_spec

from subbit.sw.errors import ToolError

_missing = [name for name in ("torch", "matplotlib") if find_spec(name) is None]
if _missing:
    raise ToolError(
        f"training needs {' and '.join(_missing)}; install it with: pip install 'subbit[train]'"
    )

from subbit.sw.nn.export import export
from subbit.sw.nn.loop import Progress
from subbit.sw.nn.progress import training_bar
from subbit.sw.nn.recipes import RECIPES, Recipe
from subbit.sw.nn.train import TrainResult, train_network

__all__ = [
    "RECIPES",
    "Progress",
    "Recipe",
    "TrainResult",
    "export",
    "train_network",
    "training_bar",
]
