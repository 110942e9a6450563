"""What a run trains on: a recipe's own data set, or the user's data, in one form."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from subbit.sw.data import DataOptions, Dataset, Prepared, preprocess
from subbit.sw.data.pixels import measure_pixels
from subbit.sw.nn.generic import fit_recipe, prepare_for, refuse_other_data
from subbit.sw.nn.loop import Split, load_split
from subbit.sw.nn.recipes import Recipe

__all__ = ["TrainingData", "as_split", "prepared_metadata", "training_data"]

# Pictures that are looked at to know what others should look like.
MEASURED = 5000


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A ``recipe`` of the sizes of its data, and the data.

    ``train`` and ``test`` are codes, ``codes`` those of the test set as bytes; ``metadata`` is what
    the network's file says of data, classes and pixels; ``text`` the data in a line.
    """

    recipe: Recipe
    train: Split
    test: Split
    codes: NDArray[np.uint8]
    metadata: dict[str, Any]
    text: str


def training_data(
    recipe: Recipe, data: Any, kind: str | None = None, options: DataOptions | None = None
) -> TrainingData:
    """The data of a recipe, in ``data`` where it needs some; raises DataError, see prepare_for and
    load_split, where they do not fit it.
    """
    if recipe.dataset:
        refuse_other_data(recipe, data, kind)
        shown, train = load_split(recipe, "train", data)
        dataset, test = load_split(recipe, "test", data)
        codes = preprocess(dataset.images, recipe.preprocess)
        row: dict[str, Any] = {"name": recipe.dataset, "preprocess": recipe.preprocess}
        text = f"{recipe.dataset}: {len(shown)} to train, {len(dataset)} to test"
        return TrainingData(recipe, train, test, codes, metadata_of(row, shown, True), text)
    prepared = prepare_for(recipe, data, kind, options or DataOptions())
    test_codes = prepared.codes(prepared.test)
    return TrainingData(
        fit_recipe(recipe, prepared),
        as_split(prepared.codes(prepared.train), prepared.train),
        as_split(test_codes, prepared.test),
        test_codes,
        prepared_metadata(prepared),
        prepared.text(),
    )


def prepared_metadata(prepared: Prepared) -> dict[str, Any]:
    """What a network's file says of the user's data: how they are read, their classes, and of
    pictures what up to 5,000 training images look like.
    """
    some = prepared.train.at(prepared.train.draw(MEASURED))
    pictures = prepared.family in ("pictures", "class maps") and some.images.dtype == np.uint8
    return metadata_of(prepared.description.to_json(), some, pictures)


def as_split(codes: NDArray[np.uint8], dataset: Dataset) -> Split:
    """Codes and labels as tensors."""
    tensor = torch.from_numpy(codes).permute(0, 3, 1, 2).float()
    return Split(tensor, torch.from_numpy(dataset.labels))


def metadata_of(row: dict[str, Any], train: Dataset, pictures: bool) -> dict[str, Any]:
    """Data set, classes, and of pictures what the training images look like."""
    found = {"dataset": row, "classes": list(train.classes)}
    if pictures:
        found["pixels"] = measure_pixels(train.images, train.white).to_json()
    return found
