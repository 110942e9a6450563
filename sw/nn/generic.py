"""Recipes on the user's own data: which fit, and with which sizes."""

from dataclasses import replace
from math import ceil
from typing import Any

from subbit.sw.data import DataOptions, Prepared, prepare
from subbit.sw.data.kinds import place_of
from subbit.sw.errors import DataError
from subbit.sw.nn.augment import Augmentation
from subbit.sw.nn.recipes import GENERIC, Recipe

__all__ = ["fit_recipe", "prepare_for", "refuse_other_data"]

# Data sets of recipes, and the kind that their files are; digits have none.
KIND_OF = {"mnist": "idx", "cifar10": "cifar10"}
STEPS = 2000
EPOCHS = (15, 200)
LARGE, LARGE_BATCH = 4000, 100
LEAST_SIDE = 4
# A signal is halved while it has at least so many values.
LEAST_LENGTH = 8
MNIST_SIDE = 28


def prepare_for(recipe: Recipe, data: Any, kind: str | None, options: DataOptions) -> Prepared:
    """The data that a generic recipe is to be trained on; raises DataError, see prepare, where
    there are none, and where they are of a family that the recipe is not for.
    """
    if data is None:
        raise DataError(f"recipe {recipe.name!r} is for your own data; name them with --data")
    prepared = prepare(data, kind, options)
    fit_recipe(recipe, prepared)
    return prepared


def fit_recipe(recipe: Recipe, prepared: Prepared) -> Recipe:
    """The recipe with the sizes, classes and epochs for these data.

    Epochs are as many as make 2,000 steps, but 15 to 200. Raises DataError where the recipe is for
    other data, naming those that fit.
    """
    fault = misfit(recipe, prepared)
    if fault:
        raise DataError(
            f"recipe {recipe.name!r} {fault}; recipes that fit these data "
            f"({prepared.what}): {fitting(prepared)}"
        )
    height, width, channels = prepared.shape
    count = len(prepared.train)
    batch = LARGE_BATCH if count >= LARGE else recipe.batch
    epochs = min(max(ceil(STEPS / max(count // batch, 1)), EPOCHS[0]), EPOCHS[1])
    moves = recipe.augmentation if prepared.family == "pictures" else Augmentation()
    return replace(
        recipe,
        dataset=prepared.description.kind,
        height=height,
        width=width,
        input_channels=channels,
        bits=prepared.bits,
        classes=len(prepared.classes),
        channels=recipe.channels[: blocks(recipe, height, width)],
        epochs=epochs,
        batch=batch,
        augmentation=replace(moves, shift=moves.shift * min(height, width) / MNIST_SIDE),
    )


def misfit(recipe: Recipe, prepared: Prepared) -> str | None:
    """Why a generic recipe is not for these data; None if it is."""
    if prepared.family not in recipe.families:
        return f"is for {' and '.join(recipe.families)}, not for {prepared.family}"
    height, width, _ = prepared.shape
    if recipe.body == "cnn" and min(height, width) < LEAST_SIDE:
        return f"needs samples of at least {LEAST_SIDE}x{LEAST_SIDE}, not {height}x{width}"
    if recipe.body == "signal" and height < LEAST_LENGTH:
        return f"needs series of at least {LEAST_LENGTH} values, not {height}"
    return None


def blocks(recipe: Recipe, height: int, width: int) -> int:
    """How many blocks of convolutions a sample of that size has room for."""
    found = 1
    while recipe.body == "cnn" and min(height, width) >> (found + 1) >= 2:
        found += 1
    while recipe.body == "signal" and height >> found >= LEAST_LENGTH:
        found += 1
    return found


def fitting(prepared: Prepared) -> str:
    """The names of the recipes that fit."""
    return ", ".join(name for name, recipe in GENERIC.items() if misfit(recipe, prepared) is None)


def refuse_other_data(recipe: Recipe, data: Any, kind: str | None) -> None:
    """Raise DataError where a recipe for one data set is given another, naming recipes that fit.

    What cannot be told to be a data set of any kind is left to the recipe's own loader.
    """
    if data is None and kind is None:
        return
    wanted, text = KIND_OF.get(recipe.dataset), ""
    try:
        where, found = place_of(data, kind)
        if found.name == wanted:
            return
        family = found.family_of(found.look(where, DataOptions()))
        names = ", ".join(name for name, row in GENERIC.items() if family in row.families)
        text = f", but {where} is {found.what}; recipes for such data: {names}"
    except DataError:
        if wanted is not None:
            return
    own = "takes no --data" if wanted is None else f"takes {recipe.dataset} as {wanted} files"
    raise DataError(f"recipe {recipe.name!r} is for {recipe.dataset} and {own}{text}")
