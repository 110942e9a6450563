"""Training networks of 1 to 8 bits in torch, and their export to a Network."""

from importlib.util import find_spec

from subbit.sw.errors import ToolError

if find_spec("torch") is None or find_spec("matplotlib") is None:
    raise ToolError(
        "training needs torch and matplotlib; install them with: pip install 'subbit[train]'"
    )

from subbit.sw.nn.checkpoint import start_from
from subbit.sw.nn.export import export
from subbit.sw.nn.loop import TrainingProgress
from subbit.sw.nn.progress import training_bar
from subbit.sw.nn.recipes import RECIPES, Recipe
from subbit.sw.nn.train import TrainResult, train_network

__all__ = [
    "RECIPES",
    "Recipe",
    "TrainResult",
    "TrainingProgress",
    "export",
    "start_from",
    "train_network",
    "training_bar",
]
