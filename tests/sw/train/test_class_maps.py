"""Data with a class for each pixel: read, trained on, compared and refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import subbit
from subbit.layers import BatchNorm, BinaryConv2d, Scale, SignActivation
from subbit.sw.data import DataOptions, prepare
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.metrics import confusion, mean_iou
from subbit.sw.nn.loop import Split, mean_loss
from tests.sw.samples import message

SIDE, COUNT = 8, 20


def maps(count: int = COUNT) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Noise with a bright square, of which class 1 is wanted, and 0 elsewhere."""
    draw = np.random.RandomState(1)
    y = np.zeros((count, SIDE, SIDE), np.int64)
    for one in y:
        row, column = draw.randint(0, SIDE - 3, 2)
        one[row : row + 3, column : column + 3] = 1
    x = (60 * draw.rand(*y.shape) + 180 * y).astype(np.uint8)
    return x, y


class Net(nn.Module):
    """Logits for each pixel."""

    def __init__(self, classes: int = 2, stride: int = 1) -> None:
        super().__init__()
        first = BinaryConv2d(1, 8, padding="zero", stride=stride)
        self.body = nn.Sequential(first, BatchNorm(8), SignActivation())
        self.logits = BinaryConv2d(8, classes, 1, integers=True)
        self.scale = Scale(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Codes to ``(n, classes, h, w)``."""
        scaled: Tensor = self.scale(self.logits(self.body(x)))
        return scaled


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of 120 steps."""
    out = tmp_path_factory.mktemp("maps") / "maps.safetensors"
    training = subbit.OwnTraining(epochs=30, batch=4, lr=0.05)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return subbit.train_model(Net(), out, maps(), training=training)


def test_data_are_class_maps() -> None:
    found = prepare(maps())
    assert (found.family, found.classes) == ("class maps", ("0", "1"))
    assert (len(found.train), len(found.test)) == (16, 4)
    assert found.test.labels.shape == (4, SIDE, SIDE)
    again = prepare(maps(), options=DataOptions(seed=2))
    assert not np.array_equal(again.test.images, found.test.images)


def test_a_file_names_its_classes_and_channels(tmp_path: Path) -> None:
    x, y = maps()
    path = tmp_path / "maps.npz"
    np.savez(path, x=np.stack([x] * 3, axis=1), y=y, classes=np.array(["dark", "bright"]))
    found = prepare(path)
    assert (found.classes, found.shape) == (("dark", "bright"), (SIDE, SIDE, 3))


def test_a_torch_dataset_has_maps(trained: Any) -> None:
    rows = list(zip(*maps(), strict=True))
    pairs: Any = torch.utils.data.Subset(rows, range(COUNT))  # type: ignore[arg-type]
    assert np.array_equal(prepare(pairs).test.labels, prepare(maps()).test.labels)


def test_the_network_is_what_was_trained(trained: Any) -> None:
    network = trained.network
    assert network.output_type.shape == (SIDE, SIDE, 1)
    assert network.nodes[-1].layer.kind == "argmax"
    assert (trained.what, trained.images) == ("pixels", 4 * SIDE * SIDE)
    row = network.metadata["accuracy"]
    assert (row["correct"], row["images"], row["of"]) == (trained.correct, trained.images, "pixels")
    assert trained.accuracy > 0.9  # 0.86 of the pixels are dark
    assert trained.path.with_suffix(".confusion.png").exists()


def test_evaluation_counts_pixels(trained: Any) -> None:
    found = subbit.evaluate_dataset(trained.network, maps())
    assert (found.correct, found.answers, found.images) == (trained.correct, trained.images, 4)
    assert found.iou == mean_iou(confusion(found.predicted, found.labels, 2))
    summary = found.summary()
    assert (summary["pixels"], summary["iou"]) == (trained.images, found.iou)
    assert "interval" not in summary
    assert sum(row["images"] for row in found.by_class()) == found.answers
    assert sum(row["correct"] for row in found.by_class()) == found.correct
    drawn = subbit.evaluate_dataset(trained.network, maps(), 2)
    assert (drawn.images, drawn.summary()["of"]) == (2, 4)


def test_the_loss_is_the_mean_of_all_pixels() -> None:
    x, y = maps(6)
    split = Split(torch.from_numpy(x)[:, None].float(), torch.from_numpy(y))
    net = Net().eval()
    with torch.no_grad():
        wanted = float(functional.cross_entropy(net(split.codes), split.labels))
    assert mean_loss(net, split) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Net(3), "3 logits, and the data have 2 classes"),
        (Net(2, 2), "the data have a class for each of 8x8 pixels"),
        (nn.Sequential(Net(), nn.Flatten()), "(batch, classes, height, width)"),
    ],
)
def test_models_that_do_not_fit(model: nn.Module, text: str, tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    assert text in message(lambda: subbit.train_model(model, out, maps()), NetworkError)


def test_images_are_not_moved_without_their_maps(tmp_path: Path) -> None:
    training = subbit.OwnTraining(shift=1)
    text = message(
        lambda: subbit.train_model(Net(), tmp_path / "a.safetensors", maps(), training=training),
        DataError,
    )
    assert text.startswith("class maps are not moved with their images")


def test_recipes_and_quantising_refuse_them(tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    text = message(lambda: subbit.train_network("cnn-plain", out, maps()), DataError)
    assert "not for class maps" in text
    text = message(lambda: subbit.quantise_model(nn.Flatten(), out, maps()), DataError)
    assert text.startswith("these data have a class for each pixel")


def test_labels_and_network_must_be_of_one_kind(trained: Any) -> None:
    x, y = maps()
    text = message(
        lambda: subbit.evaluate_dataset(trained.network, (x, y[:, 0, 0]), split="all"), DataError
    )
    assert text.endswith(
        "gives a class for each of 8x8 pixels, and the data have one for each image"
    )


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (np.zeros((COUNT, 8, 7), int), "samples x have 8x8 pixels, class maps y 8x7"),
        (np.zeros((COUNT, 8, 8)), "an integer for each pixel"),
        (np.full((COUNT, 8, 8), 2), "no sample is of the class '0'"),
        (np.full((COUNT, 8, 8), -1), "the labels go from -1 to -1"),
    ],
)
def test_maps_that_are_none(y: np.ndarray[Any, Any], text: str) -> None:
    assert text in message(lambda: prepare((maps()[0], y)), DataError)


def test_patience_holds_out_images_with_their_maps(tmp_path: Path) -> None:
    training = subbit.OwnTraining(epochs=3, batch=4, patience=3)
    found = subbit.train_model(Net(), tmp_path / "a.safetensors", maps(), training=training)
    assert 0 < found.correct <= found.images
