"""Networks of 1 to 8 bits in torch: layers, recipes, and the training loop."""

from importlib.util import find_spec

from subbit.sw.errors import ToolError

if find_spec("torch") is None or find_spec("matplotlib") is None:
    raise ToolError(
        "training needs torch and matplotlib; install them with: pip install 'subbit[train]'"
    )

from subbit.sw.nn.checkpoint import start_from
from subbit.sw.nn.loop import TrainingProgress
from subbit.sw.nn.progress import training_bar
from subbit.sw.nn.recipes import RECIPES, Recipe
from subbit.sw.nn.sharing import SharingPenalty

__all__ = [
    "RECIPES",
    "Recipe",
    "SharingPenalty",
    "TrainingProgress",
    "start_from",
    "training_bar",
]
