"""Pictures as a network takes them, what is shown of them, and the command that classifies them."""

import json
import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
from PIL import Image

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.cli import app
from subbit.sw.cli.device import show_results, tell_seen
from subbit.sw.data import load_dataset
from subbit.sw.errors import DataError
from subbit.sw.golden import predict
from subbit.sw.host.classify import Classification, file_codes
from subbit.sw.host.loopback import BoardModel
from subbit.sw.host.pictures import Picture, read_pictures
from subbit.sw.host.preview import save_preview, text_preview
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    Encoding,
    Flatten,
    Linear,
    Network,
    TensorType,
    load_network,
    save_network,
)
from subbit.sw.labels import class_labels
from tests.sw.samples import message

ROOT = Path(__file__).resolve().parents[3]
PLAIN = ROOT / "examples" / "digits-plain.safetensors"
PICTURES = ROOT / "examples" / "pictures"
DIGITS = {"zero": 0, "three": 3, "seven": 7, "nine": 9}
NETWORKS = ("digits-plain", "digits-codebook", "digits-tiled", "digits-residual")


def right(network: Network, images: list[Image.Image], folder: Path) -> int:
    """How many pictures of digits, saved as files, the golden model gets right."""
    paths = [folder / f"{n}.png" for n in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    pictures = read_pictures(network, paths)
    assert not any(picture.warnings for picture in pictures)
    classes = predict(network, np.stack([picture.codes for picture in pictures])).classes
    return int((classes == load_dataset("digits", "test").labels[: len(images)]).sum())


def test_normal_pictures_are_as_right_as_the_numbers(tmp_path: Path) -> None:
    network, test = load_network(PLAIN), load_dataset("digits", "test")
    grey = [Image.fromarray(np.rint(i[..., 0] * (255 / 16)).astype(np.uint8)) for i in test.images]
    assert right(network, grey, tmp_path) == network.metadata["accuracy"]["correct"] == 355
    for side, filter_ in ((8 * 13, Image.Resampling.NEAREST), (100, Image.Resampling.BICUBIC)):
        large = [image.resize((side, side), filter_) for image in grey]
        assert right(network, large, tmp_path) >= 352
    deep = [Image.fromarray((i[..., 0] * (65535 / 16)).astype(np.uint16)) for i in test.images]
    assert right(network, deep, tmp_path) == 355


def test_the_pictures_are_those_that_the_script_draws() -> None:
    made = run_path(str(PICTURES / "draw.py"))["pictures"]()
    assert {path.stem for path in PICTURES.glob("*.png")} == made.keys() == {*DIGITS, "five-in-ink"}
    for name, picture in made.items():
        with Image.open(PICTURES / f"{name}.png") as kept:
            assert (kept.mode, kept.size) == (picture.mode, (128, 128))
            assert np.array_equal(np.asarray(kept), np.asarray(picture))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_pictures_are_classified_right(name: str) -> None:
    network = load_network(ROOT / "examples" / f"{name}.safetensors")
    pictures = read_pictures(network, [PICTURES / f"{digit}.png" for digit in DIGITS])
    classes = predict(network, np.stack([picture.codes for picture in pictures])).classes
    assert classes.tolist() == list(DIGITS.values())
    assert not any(picture.warnings for picture in pictures)
    (ink,) = read_pictures(network, [PICTURES / "five-in-ink.png"], invert=True)
    assert predict(network, ink.codes[None]).classes.tolist() == [5]
    assert not ink.warnings
    (turned,) = read_pictures(network, [PICTURES / "five-in-ink.png"])
    assert "try it with --invert" in turned.warnings[0]


def test_squeezed_pictures_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    with Image.open(PICTURES / "three.png") as image:
        image.resize((200, 100)).save(path)
    (picture,) = read_pictures(load_network(PLAIN), [path])
    assert picture.warnings[0] == (
        "its 200x100 pixels are squeezed to 8x8; cut it to that proportion"
    )


def test_codes_beyond_the_input_are_refused(tmp_path: Path) -> None:
    network = load_network(PLAIN)
    dataset = {"name": "digits", "preprocess": {"bits": 8, "shift": 0}}
    wrong = Network(network.name, network.input_type, network.nodes, {"dataset": dataset})
    Image.new("L", (8, 8), 255).save(tmp_path / "white.png")
    text = message(lambda: file_codes(wrong, tmp_path / "white.png"), DataError)
    assert "gives codes up to 16, but it takes at most 15" in text


def test_text_previews_show_light_and_dark() -> None:
    codes = np.zeros((8, 8, 1), np.uint8)
    codes[2:6, 4:] = 15
    lines = text_preview(Picture(Path("a"), codes, ()), 15).split("\n")
    assert lines == [" " * 16] * 2 + [" " * 8 + "@" * 8] * 4 + [" " * 16] * 2
    for shape in ((28, 28, 1), (32, 32, 3), (1, 64, 1), (64, 1, 1), (1, 1, 1), (224, 224, 3)):
        lines = text_preview(Picture(Path("a"), np.ones(shape, np.uint8), ()), 1).split("\n")
        assert {len(line) for line in lines} == {len(lines[0])}
        assert 1 <= len(lines[0]) <= 28
        assert set("".join(lines)) == {"@"}


def test_previews_as_a_file(tmp_path: Path) -> None:
    codes = np.zeros((8, 8, 1), np.uint8)
    codes[0, 0] = 15
    pictures = [Picture(Path("a"), codes, ())] * 9
    save_preview(pictures, 15, tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as sheet:
        assert sheet.size == (8 * 116 + 4, 2 * 116 + 4)
        assert sheet.getpixel((4, 4)) == sheet.getpixel((17, 17)) == (255, 255, 255)
        assert sheet.getpixel((18, 18)) == (0, 0, 0)
    with pytest.raises(DataError, match="cannot write the preview"):
        save_preview(pictures, 15, tmp_path / "seen.png" / "no.png")


def test_labels_are_short_and_on_one_line() -> None:
    network = load_network(PLAIN)
    names = ["a\nb", "x" * 5000, "", ["n"], {"a": 1}, None, 7, "[/red]", "ok", ":smile:"]
    named = Network(network.name, network.input_type, network.nodes, {"classes": names})
    labels = class_labels(named, 10)
    assert labels[:3] == ["a b", "x" * 200, "2"]
    assert labels[7] == "[/red]"
    assert class_labels(named, 9) == list("012345678")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A serial port with a board that holds digits-plain with labels of brackets, and its file."""
    network = load_network(PLAIN)
    metadata = {**network.metadata, "classes": [f"[/{n}]" for n in range(10)]}
    named = Network(network.name, network.input_type, network.nodes, metadata)
    save_network(named, tmp_path / "net.safetensors")

    def classify(codes: np.ndarray) -> np.ndarray:
        """The golden model's logits."""
        return predict(named, codes.astype(np.int64)[None]).logits[0]

    board = BoardModel(LinkInfo.from_network(named, 1), classify)
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def serve() -> None:
        """Answer until the port is closed."""
        while True:
            try:
                received = os.read(ours, 4096)
                os.write(ours, board.feed(received))
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield os.ttyname(theirs), tmp_path / "net.safetensors"
    os.close(theirs)
    thread.join(timeout=10)
    os.close(ours)


def test_the_command_shows_what_the_network_sees(
    port: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--port", port[0], "--model", str(port[1])]
    sheet = tmp_path / "seen.png"
    images = [str(PICTURES / f"{name}.png") for name in ("three", "five-in-ink")]
    assert app.run(["run", *options, "--preview", str(sheet), *images]) == 0
    shown = capsys.readouterr()
    assert "[/3]" in shown.out
    assert "@@" in shown.out
    assert f"what the network sees: {sheet}" in shown.out.replace("\n", "")
    (line,) = shown.err.splitlines()
    assert line.startswith(f"subbit: warning: {images[1]}: it looks dark-on-light")
    assert sheet.is_file()
    assert app.run(["run", *options, "--invert", "--json", images[1]]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["index"], row["label"], row["warnings"]) == (images[1], 5, "[/5]", [])


def test_the_command_counts_samples(
    port: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--port", port[0], "--model", str(port[1])]
    assert app.run(["run", *options, "--samples", "20", "--seed", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["of"], found["seed"]) == (20, 359, 4)
    assert found["interval"][0] < found["accuracy"] <= found["interval"][1]
    wanted = [row["wanted"] for row in found["results"]]
    assert np.bincount(wanted).tolist() == [2] * 10
    places = [int(row["name"].split()[2]) for row in found["results"]]
    assert load_dataset("digits", "test").labels[places].tolist() == wanted
    assert found["correct"] == sum(row["index"] == row["wanted"] for row in found["results"])
    assert app.run(["run", *options, "--samples", "20", "--seed", "4"]) == 0
    shown = capsys.readouterr().out
    assert f"{found['correct']} of 20 images right" in shown
    assert "drawn from 359 by class with seed 4" in shown
    assert app.run(["run", *options, "--samples", "2", "--invert"]) == 2
    assert "--invert, --preview and --maps are for images" in capsys.readouterr().err


@pytest.mark.parametrize("shape", [(1, 1, 4), (64, 1, 2)])
def test_rows_and_series_are_shown_without_a_picture(
    shape: tuple[int, int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    source = TensorType.codes(*shape, 1, Encoding.UNSIGNED)
    weights = BinaryWeights(np.ones((2, source.elements), np.uint8))
    layers = {"flat": Flatten(), "fc": Linear(weights), "top": Argmax()}
    network, art = Network.chain("rows", source, layers), dict[str, str]()
    tell_seen(art, network, [Picture(Path("a.csv:2"), np.zeros(shape, np.uint8), ())])
    assert art == {}
    show_results([Classification("a.csv:2", 0, "ant", (3, 1))], art)
    text = capsys.readouterr().out
    assert "a.csv:2" in text
    assert "ant" in text
    assert "--preview" not in text
