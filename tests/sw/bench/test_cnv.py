"""CNV from published parameters: against the formulas that come with them, and bad files."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from subbit.sw.data import preprocess
from subbit.sw.errors import NetworkError, PlanError
from subbit.sw.golden import evaluate
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.models.cnv import CONVOLUTIONS, LINEARS, build_cnv
from subbit.sw.models.cnv_plan import FOLDING, cnv_plan
from tests.paths import SHARED
from tests.sw.samples import message

REAL = SHARED / "models" / "cnv-w1a1-cifar10.npz"
CHANNELS = (3, 4, 6, 5, 8, 4, 10, 12, 7, 3)
Arrays = dict[str, NDArray[np.int64]]


def parameters(seed: int = 1, channels: tuple[int, ...] = CHANNELS) -> Arrays:
    """Random parameters of the form of CNV, with few channels."""
    draw = np.random.default_rng(seed)
    arrays = {}
    for place, name in enumerate((*CONVOLUTIONS, *LINEARS)):
        shape = channels[place + 1], channels[place], *((3, 3) if name in CONVOLUTIONS else ())
        arrays[f"{name}.weight"] = draw.choice(np.array([-1, 1], np.int8), shape)
        size = np.prod(shape[1:])
        if name == "conv0":
            arrays["conv0.threshold"] = draw.integers(-500, 500, shape[0], np.int32)
        elif name != "fc2":
            arrays[f"{name}.threshold"] = draw.integers(size * 2 // 5, size * 3 // 5 + 1, shape[0])
    return arrays


def by_formula(arrays: Arrays, image: NDArray[np.uint8]) -> Arrays:
    """Every layer's output [y][x][c] from the formulas that the parameters were published with."""
    x = np.clip(np.floor((image / 255 * 2 - 1) * 128), -128, 127).astype(np.int64)
    found = {}
    for name in (*CONVOLUTIONS, *LINEARS):
        w = arrays[f"{name}.weight"].astype(np.int64)
        kernel = w.shape[2] if w.ndim == 4 else 1
        side = x.shape[0] - kernel + 1
        w = w.reshape(*w.shape[:2], kernel, kernel)
        dot = np.zeros((side, side, len(w)), np.int64)
        for ky in range(kernel):
            for kx in range(kernel):
                dot += x[ky : ky + side, kx : kx + side] @ w[:, :, ky, kx].T
        if name == "fc2":
            return found | {name: dot}
        number = 2 * dot if name == "conv0" else (dot + w[0].size) // 2
        x = np.where(number > arrays[f"{name}.threshold"], 1, -1)
        found[f"{name}_sign"] = (x + 1) // 2
        if name in ("conv1", "conv3"):
            half = side // 2
            x = x.reshape(half, 2, half, 2, -1).max(axis=(1, 3))
            found[f"{name}_pool"] = (x + 1) // 2
    return found


def check(arrays: Arrays, path: Path, images: NDArray[np.uint8]) -> None:
    """Every tensor of the built network against the formulas."""
    network = build_cnv(path)
    codes = preprocess(images, network.metadata["dataset"]["preprocess"])
    tensors = evaluate(network, codes)
    for frame, image in enumerate(images):
        wanted = by_formula(arrays, image)
        for name, expected in wanted.items():
            np.testing.assert_array_equal(tensors[name][frame].numpy(), expected, name)
        assert tensors["argmax"][frame].item() == wanted["fc2"].argmax()


def first_images(archive: Path, count: int) -> NDArray[np.uint8]:
    """The images that come first in the archive, which are quick to reach."""
    found: list[NDArray[np.uint8]] = []
    with tarfile.open(archive, "r|xz") as stream:
        for member in stream:
            file = stream.extractfile(member)
            if file:
                found.append(np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")))
            if len(found) == count:
                break
    return np.stack(found)


class TestBuild:
    def test_small_network_of_the_form(self, tmp_path: Path) -> None:
        arrays = parameters()
        np.savez(tmp_path / "small.npz", **arrays)
        images = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
        check(arrays, tmp_path / "small.npz", images)

    def test_thresholds_at_the_edge(self, tmp_path: Path) -> None:
        """A threshold that is met exactly, in conv0 with both parities, gives -1."""
        arrays = parameters()
        images = np.full((1, 32, 32, 3), 200, np.uint8)
        dots = arrays["conv0.weight"].sum(axis=(1, 2, 3), dtype=np.int64) * 72
        arrays["conv0.threshold"] = 2 * dots - np.array([-1, 0, 1, 2])
        np.savez_compressed(tmp_path / "edge.npz", **arrays)
        signs = evaluate(build_cnv(tmp_path / "edge.npz"), images)["conv0_sign"]
        assert signs[0, 0, 0].tolist() == [0, 0, 1, 1]
        check(arrays, tmp_path / "edge.npz", images)

    def test_published_parameters(self) -> None:
        if not REAL.exists():
            pytest.skip("the published parameters of CNV are not at hand")
        draw = np.random.default_rng(3)
        images = draw.integers(0, 256, (1, 4, 4, 3)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
        check(dict(np.load(REAL)), REAL, images)

    def test_published_parameters_on_photographs(self) -> None:
        archive = SHARED / "data" / "cifar10" / "cifar10-jpeg.tar.xz"
        if not REAL.exists() or not archive.exists():
            pytest.skip("CNV's parameters or the images of CIFAR-10 are not at hand")
        check(dict(np.load(REAL)), REAL, first_images(archive, 3))


def pack(name: str, content: bytes) -> bytes:
    """An archive with one file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, content)
    return target.getvalue()


def npy(array: NDArray[np.generic]) -> bytes:
    """The array in numpy's format."""
    target = io.BytesIO()
    np.lib.format.write_array(target, array, allow_pickle=True)
    return target.getvalue()


def npz(**changes: object) -> bytes:
    """A small network's archive with some arrays replaced, or left out where None."""
    arrays = {**parameters(), **changes}
    target = io.BytesIO()
    np.savez(target, **{name: array for name, array in arrays.items() if array is not None})
    return target.getvalue()


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "wanted"),
        [
            (b"", "damaged or no .npz file"),
            (npz()[:-40], "damaged or no .npz file"),
            (pack("a.npy", b"what"), "'a.npy' is not in numpy's format"),
            (pack("a.npy", npy(np.zeros(3))), "holds float64, not integers"),
            (pack("a.npy", npy(np.array([{}], object))), "holds object, not integers"),
            (pack("a.npy", npy(np.arange(9))[:-8]), "cut short or too long for its shape (9,)"),
            (npz(**{"conv2.weight": None}), "the array conv2.weight is missing"),
            (npz(**{"fc1.threshold": None}), "the array fc1.threshold is missing"),
            (npz(bias=np.arange(3)), "unknown arrays bias"),
            (npz(**{"fc2.weight": np.zeros((3, 7), np.int8)}), "fc2.weight must hold -1 and +1"),
            (npz(**{"fc2.weight": np.ones(7, np.int8)}), "must have 2 dimensions, not the shape"),
            (npz(**{"fc2.weight": np.ones((3, 8), np.int8)}), "want 8 inputs, not 7"),
            (npz(**{"fc0.threshold": np.arange(9)}), "fc0 has 12 outputs but 9 thresholds"),
            (npz(**{"fc0.threshold": np.full(10, 1 << 40)}), "fc0.threshold must lie in"),
        ],
        ids=range(14),
    )
    def test_message(self, tmp_path: Path, content: bytes, wanted: str) -> None:
        path = tmp_path / "bad.npz"
        path.write_bytes(content)
        text = message(lambda: build_cnv(path), NetworkError)
        assert str(path) in text
        assert wanted in text

    def test_no_file(self, tmp_path: Path) -> None:
        text = message(lambda: build_cnv(tmp_path / "none.npz"), NetworkError)
        assert "No such file or directory; check the path" in text

    def test_bombs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("subbit.sw.importers.arrays.npz.MAX_ARRAY_BYTES", 1000)
        path = tmp_path / "large.npz"
        np.savez_compressed(path, a=np.zeros(1 << 20, np.int8))
        assert "larger than 1000 bytes" in message(lambda: build_cnv(path), NetworkError)
        monkeypatch.setattr("subbit.sw.importers.arrays.npz.MAX_ARRAYS", 2)
        path.write_bytes(npz())
        assert "more than 2 arrays" in message(lambda: build_cnv(path), NetworkError)


class TestPlan:
    def test_cycles_of_the_plan(self, tmp_path: Path) -> None:
        """With weights of the real size, whatever they are: cycles do not depend on them."""
        channels = (3, 64, 64, 128, 128, 256, 256, 512, 512, 10)
        np.savez(tmp_path / "full.npz", **parameters(channels=channels))
        network = build_cnv(tmp_path / "full.npz")
        plan = cnv_plan(network)
        assert {stage.layers[0] for stage in plan.stages} >= FOLDING.keys()
        assert Pipeline(network, plan).interval_cycles == 6476

    def test_another_network_is_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "small.npz", **parameters())
        network = build_cnv(tmp_path / "small.npz")
        text = message(lambda: Pipeline(network, cnv_plan(network)), PlanError)
        assert "stage 'conv0'" in text
