"""Data sets, images and preprocessing."""

import gzip
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subbit.sw.data import Dataset, load_dataset, load_image, preprocess
from subbit.sw.data.dataset import stratified
from subbit.sw.data.mnist import read_idx
from subbit.sw.errors import DataError

FIRST_DRAWN = (8, 13, 16, 18, 20, 26)


def idx(array: np.ndarray) -> bytes:
    """The array as the content of an IDX file of unsigned bytes."""
    sides = b"".join(side.to_bytes(4, "big") for side in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sides + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """A train set in ``folder``: the images plain, the labels gzip."""
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))


class TestDigits:
    def test_the_split_is_fixed_stratified_and_disjoint(self) -> None:
        train, test = load_dataset("digits", "train"), load_dataset("digits", "test")
        assert (len(train), len(test)) == (1438, 359)
        assert train.images.shape == (1438, 8, 8, 1)
        assert train.images.dtype == np.uint8
        assert train.images.max() == 16
        shares = np.bincount(test.labels) / np.bincount(train.labels)
        assert shares.min() > 0.24
        assert shares.max() < 0.26
        assert zlib.crc32(test.images.tobytes()) == 4194322486
        seen = {image.tobytes() for image in train.images}
        assert not any(image.tobytes() in seen for image in test.images)

    def test_take_limits_the_images(self) -> None:
        assert len(load_dataset("digits", "test").take(7)) == 7
        assert len(load_dataset("digits", "test").take(None)) == 359


class TestIdx:
    def test_plain_and_gzip_files(self, tmp_path: Path) -> None:
        images = np.arange(5 * 4 * 3).reshape(5, 4, 3)
        write_mnist(tmp_path, images, np.arange(5))
        dataset = load_dataset("mnist", "train", tmp_path)
        assert np.array_equal(dataset.images[..., 0], images)
        assert dataset.labels.tolist() == [0, 1, 2, 3, 4]
        assert dataset.classes == tuple("0123456789")

    def test_no_more_is_unpacked_than_the_shape_says(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.gz"
        path.write_bytes(gzip.compress(idx(np.zeros((2, 3, 3))) + bytes(1 << 26), 1))
        tracemalloc.start()
        with pytest.raises(DataError, match="holds more bytes where its shape"):
            read_idx(path, 3)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 22

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is cut short: 0 bytes are no IDX header"),
            (idx(np.zeros((2, 3, 3)))[:-1], "holds 17 bytes where its shape (2, 3, 3) needs 18"),
            (
                idx(np.zeros((2, 3, 3))) + b"x",
                "holds more bytes where its shape (2, 3, 3) needs 18",
            ),
            (idx(np.zeros((2, 3))) + bytes(8), "is not an IDX file of bytes in 3 dimensions"),
            (b"\x89PNG" + bytes(40), "is not an IDX file of bytes in 3 dimensions"),
            (bytes((0, 0, 8, 3)) + b"\xff" * 12, "declares the shape (4294967295, "),
            (bytes((0, 0, 8, 3)) + bytes(12), "declares the shape (0, 0, 0)"),
            (gzip.compress(idx(np.zeros((2, 3, 3))), mtime=0)[:-9], "is cut short; fetch it again"),
            (b"\x1f\x8b" + bytes(40), "cannot read"),
        ],
    )
    def test_damaged_files_are_named(self, content: bytes, message: str, tmp_path: Path) -> None:
        path = tmp_path / "train-images-idx3-ubyte"
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            read_idx(path, 3)
        assert message in str(caught.value)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_missing_folder_file_and_option(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="name their folder with --data"):
            load_dataset("mnist", "test", None)
        with pytest.raises(DataError, match="is not a folder"):
            load_dataset("mnist", "test", tmp_path / "none")
        with pytest.raises(DataError, match="has no t10k-images-idx3-ubyte"):
            load_dataset("mnist", "test", tmp_path)

    def test_files_of_different_sets(self, tmp_path: Path) -> None:
        write_mnist(tmp_path, np.zeros((3, 4, 4)), np.zeros(2))
        with pytest.raises(DataError, match="3 images but 2 labels"):
            load_dataset("mnist", "train", tmp_path)

    def test_labels_outside_the_classes(self, tmp_path: Path) -> None:
        write_mnist(tmp_path, np.zeros((2, 4, 4)), np.array([1, 10]))
        with pytest.raises(DataError, match=r"outside 0\.\.9"):
            load_dataset("mnist", "train", tmp_path)


class TestCifar10:
    def record(self, label: int) -> bytes:
        """A record whose red plane is 1, green 2, blue 3."""
        return bytes([label]) + b"".join(bytes([plane]) * 1024 for plane in (1, 2, 3))

    def test_planes_become_channels(self, tmp_path: Path) -> None:
        folder = tmp_path / "cifar-10-batches-bin"
        folder.mkdir()
        (folder / "test_batch.bin").write_bytes(self.record(3) + self.record(9))
        dataset = load_dataset("cifar10", "test", tmp_path)
        assert dataset.images.shape == (2, 32, 32, 3)
        assert dataset.images[1, 5, 6].tolist() == [1, 2, 3]
        assert [dataset.classes[label] for label in dataset.labels] == ["cat", "truck"]

    def test_cut_and_foreign_files(self, tmp_path: Path) -> None:
        (tmp_path / "test_batch.bin").write_bytes(self.record(3)[:-1])
        with pytest.raises(DataError, match="not a whole number of 3073-byte records"):
            load_dataset("cifar10", "test", tmp_path)
        (tmp_path / "test_batch.bin").write_bytes(self.record(10))
        with pytest.raises(DataError, match="has the label 10"):
            load_dataset("cifar10", "test", tmp_path)
        with pytest.raises(DataError, match=r"has no data_batch_1\.bin"):
            load_dataset("cifar10", "train", tmp_path)


class TestFolder:
    def fill(self, folder: Path, shape: tuple[int, ...]) -> None:
        """Two classes with one image each in ``folder``, filled with 10 and 20."""
        for value, name in ((20, "dog"), (10, "cat")):
            (folder / name).mkdir(parents=True)
            Image.fromarray(np.full(shape, value, np.uint8)).save(folder / name / "a.png")

    def test_classes_are_sorted(self, tmp_path: Path) -> None:
        self.fill(tmp_path, (4, 5))
        dataset = load_dataset("folder", "test", tmp_path)
        assert dataset.classes == ("cat", "dog")
        assert dataset.images.shape == (2, 4, 5, 1)
        assert dataset.images[:, 0, 0, 0].tolist() == [10, 20]

    def test_splits_and_colour(self, tmp_path: Path) -> None:
        self.fill(tmp_path / "train", (4, 5, 3))
        self.fill(tmp_path / "test", (6, 6, 3))
        assert load_dataset("folder", "train", tmp_path).images.shape == (2, 4, 5, 3)
        assert load_dataset("folder", "test", tmp_path).images.shape == (2, 6, 6, 3)

    def test_what_does_not_fit_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="has no images"):
            load_dataset("folder", "train", tmp_path)
        self.fill(tmp_path, (4, 5))
        Image.new("L", (4, 4)).save(tmp_path / "dog" / "b.jpg")
        with pytest.raises(DataError, match=r"b\.jpg is \(4, 4, 1\)"):
            load_dataset("folder", "train", tmp_path)


class TestImage:
    def test_scaled_and_converted(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        Image.new("RGB", (10, 20), (30, 60, 90)).save(path)
        assert load_image(path, 4, 5, 3)[0, 0].tolist() == [30, 60, 90]
        assert load_image(path, 20, 10, 1).shape == (20, 10, 1)
        with pytest.raises(DataError, match="1 or 3 channels; the network wants 2"):
            load_image(path, 4, 5, 2)

    def test_missing_foreign_and_huge(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there is no image"):
            load_image(tmp_path / "none.png", 8, 8, 1)
        (tmp_path / "text.png").write_text("no image at all")
        with pytest.raises(DataError, match="is not an image"):
            load_image(tmp_path / "text.png", 8, 8, 1)
        Image.new("1", (5000, 5000)).save(tmp_path / "huge.png")
        with pytest.raises(DataError, match="5000x5000 pixels, more than"):
            load_image(tmp_path / "huge.png", 8, 8, 1)


class TestDraw:
    def counts(self, sizes: list[int], count: int, seed: int = 1) -> list[int]:
        """How many of each class are drawn from classes of these sizes, one after the other."""
        labels = np.repeat(np.arange(len(sizes)), sizes)
        chosen = stratified(labels, count, seed)
        assert np.array_equal(chosen, np.unique(chosen))
        return np.bincount(labels[chosen], minlength=len(sizes)).tolist()

    def test_every_class_has_its_share(self) -> None:
        assert self.counts([1000] * 10, 2000) == [200] * 10
        assert self.counts([600, 300, 100], 10) == [6, 3, 1]
        assert self.counts([600, 300, 100], 5) in ([3, 2, 0], [3, 1, 1])
        assert sum(self.counts([7, 11, 13, 17], 9)) == 9
        assert self.counts([5, 0, 5], 4) == [2, 0, 2]

    @pytest.mark.parametrize("count", [1, 3, 7, 10, 15, 358])
    def test_no_class_is_off_by_more_than_one(self, count: int) -> None:
        whole = load_dataset("digits", "test")
        found = whole.at(whole.draw(count))
        assert len(found) == count
        wanted = count * np.bincount(whole.labels) / len(whole)
        assert (np.abs(np.bincount(found.labels, minlength=10) - wanted) < 1).all()

    def test_the_seed_decides(self) -> None:
        whole = load_dataset("digits", "test")
        draws = [tuple(whole.draw(50, seed).tolist()) for seed in (1, 1, 2)]
        assert draws[0] == draws[1] != draws[2]
        assert {tuple(self.counts([9] * 4, 2, seed)) for seed in range(30)} > {(1, 1, 0, 0)}
        # The stream of numpy's RandomState does not change between versions.
        assert draws[0][:6] == FIRST_DRAWN

    def test_all_images_keep_their_places(self) -> None:
        whole = load_dataset("digits", "test")
        for count in (None, 359, 1 << 20):
            assert np.array_equal(whole.draw(count), np.arange(359))
        assert whole.at(whole.draw(5)).white == whole.white == 16

    def test_images_of_a_folder_are_of_every_class(self, tmp_path: Path) -> None:
        for label in range(5):
            (tmp_path / f"class{label}").mkdir()
            for n in range(8):
                Image.new("L", (4, 4), 20 * label).save(tmp_path / f"class{label}" / f"{n}.png")
        whole = load_dataset("folder", "test", tmp_path)
        assert np.bincount(whole.at(whole.draw(10)).labels).tolist() == [2] * 5


class TestPreprocess:
    def test_shift_and_clip(self) -> None:
        pixels = np.array([0, 15, 16, 17, 255], np.uint8)
        assert preprocess(pixels, {"bits": 4, "shift": 0}).tolist() == [0, 15, 15, 15, 15]
        assert preprocess(pixels, {"bits": 4, "shift": 4}).tolist() == [0, 0, 1, 1, 15]
        assert preprocess(pixels, {"bits": 8, "shift": 0}).tolist() == pixels.tolist()

    @pytest.mark.parametrize(
        "spec",
        [
            {"bits": 4},
            {"bits": 9, "shift": 0},
            {"bits": 4, "shift": -1},
            {"bits": True, "shift": 0},
        ],
    )
    def test_bad_specifications(self, spec: dict[str, int]) -> None:
        with pytest.raises(DataError, match="preprocessing"):
            preprocess(np.zeros(1, np.uint8), spec)


def test_unknown_names_and_splits() -> None:
    with pytest.raises(DataError, match="unknown data set 'cifar'; known are digits, mnist"):
        load_dataset("cifar", "test")
    for name in ("digits", "mnist", "cifar10", "folder"):
        with pytest.raises(DataError, match="not 'validation'"):
            load_dataset(name, "validation")


def test_a_dataset_checks_that_its_arrays_belong_together() -> None:
    with pytest.raises(DataError, match="do not belong together"):
        Dataset(np.zeros((2, 4, 4, 1), np.uint8), np.zeros(3, np.int64), ("a",))
