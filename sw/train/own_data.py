"""The data that a user's own model is trained on, as codes, with all that its network must know."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data import DataOptions, prepare
from subbit.sw.errors import DataError
from subbit.sw.ir import Encoding, TensorType
from subbit.sw.nn.loop import Split
from subbit.sw.nn.recipes import find_recipe
from subbit.sw.nn.training_data import as_split, prepared_metadata, training_data

__all__ = ["OwnData", "own_data"]


@dataclass(frozen=True, eq=False)
class OwnData:
    """Training and test set as codes of ``input_type``.

    ``name``: of the kind of data; ``codes``: those of the test set, ``[n][h][w][c]``; ``metadata``:
    what the network's file says of data set, preprocessing, classes and pixels; ``text``: the data
    in a line.
    """

    name: str
    input_type: TensorType
    train: Split
    test: Split
    codes: NDArray[np.uint8]
    metadata: dict[str, Any]
    text: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.metadata["classes"])

    @property
    def maps(self) -> bool:
        """Whether there is a class for each pixel."""
        return self.test.labels.ndim == 3


def own_data(data: Any, kind: str | None = None, options: DataOptions | None = None) -> OwnData:
    """The data set in ``data``, a path, arrays or a torch Dataset, of the ``kind`` that it looks
    like or that is named; the bundled digits without one.

    Raises DataError where it cannot be read, see prepare.
    """
    if data is None:
        if kind is not None:
            raise DataError(f"there are no data of kind {kind}: name them with --data")
        return digits()
    prepared = prepare(data, kind, options)
    codes = prepared.codes(prepared.test)
    return OwnData(
        prepared.description.kind,
        TensorType.codes(*prepared.shape, prepared.bits, Encoding.UNSIGNED),
        as_split(prepared.codes(prepared.train), prepared.train),
        as_split(codes, prepared.test),
        codes,
        prepared_metadata(prepared),
        prepared.text(),
    )


def digits() -> OwnData:
    """The bundled data set, as the recipes have it."""
    found = training_data(find_recipe("digits-plain"), None)
    kind = found.recipe.input_type
    height, width, _ = kind.shape
    classes = len(found.metadata["classes"])
    text = f"{found.text}, {height}x{width} of {kind.bits} bits, {classes} classes"
    parts = found.train, found.test, found.codes, found.metadata, text
    return OwnData("digits", kind, *parts)
