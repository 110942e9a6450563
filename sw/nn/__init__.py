"""Training binary networks in torch, and their export to a Network."""

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
