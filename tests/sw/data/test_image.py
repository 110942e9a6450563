"""Picture files of every kind, depth and background, and what is no picture."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subbit.sw.data.image import load_image, read_image, scale_image
from subbit.sw.errors import DataError
from tests.sw.mutations import damaged_bytes
from tests.sw.samples import message

RAMP = np.linspace(0, 1, 48).reshape(6, 8)
BYTES = np.rint(255 * RAMP).astype(np.uint8)
WORDS = np.rint(65535 * RAMP).astype(np.uint16)


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    """The image in a file."""
    image.save(path, **options)
    return path


def palette(path: Path) -> Path:
    """The ramp as an image of 256 colours."""
    image = Image.fromarray(BYTES).convert("RGB").quantize(256)
    return saved(image, path)


LOSSLESS: dict[str, Callable[[Path], Path]] = {
    "8-bit.png": lambda p: saved(Image.fromarray(BYTES), p),
    "16-bit.png": lambda p: saved(Image.fromarray(WORDS), p),
    "rgb.png": lambda p: saved(Image.fromarray(BYTES).convert("RGB"), p),
    "opaque.png": lambda p: saved(Image.fromarray(BYTES).convert("RGBA"), p),
    "grey.bmp": lambda p: saved(Image.fromarray(BYTES), p),
    "grey.tiff": lambda p: saved(Image.fromarray(BYTES), p),
    "16-bit.tiff": lambda p: saved(Image.fromarray(WORDS), p),
    "packed.tiff": lambda p: saved(Image.fromarray(BYTES), p, compression="tiff_deflate"),
    "0-to-1.tiff": lambda p: saved(Image.fromarray(RAMP.astype(np.float32)), p),
    "0-to-255.tiff": lambda p: saved(Image.fromarray(255 * RAMP.astype(np.float32)), p),
    "0-to-65535.tiff": lambda p: saved(Image.fromarray(65535 * RAMP.astype(np.float32)), p),
    "grey.gif": lambda p: saved(Image.fromarray(BYTES), p),
    "colours.png": palette,
    "grey.pgm": lambda p: saved(Image.fromarray(BYTES), p),
    "16-bit.pgm": lambda p: saved(Image.fromarray(WORDS), p),
    "rgb.ppm": lambda p: saved(Image.fromarray(BYTES).convert("RGB"), p),
    "grey.webp": lambda p: saved(Image.fromarray(BYTES), p, lossless=True),
    "no-suffix": lambda p: saved(Image.fromarray(BYTES), p, format="PNG"),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_every_depth_and_format_shows_the_same(name: str, tmp_path: Path) -> None:
    path = LOSSLESS[name](tmp_path / name)
    found = read_image(path, 1)
    assert (found.shape, found.dtype) == ((6, 8, 1), np.float32)
    assert np.abs(found[..., 0] - RAMP).max() < 0.0021
    if "16" in name:
        assert np.abs(found[..., 0] - RAMP).max() < 1e-5
    assert read_image(path, 3).shape == (6, 8, 3)
    assert np.array_equal(load_image(path, 6, 8, 1)[..., 0], BYTES)


def test_bits_and_jpeg(tmp_path: Path) -> None:
    check = np.indices((8, 8)).sum(axis=0) % 2 == 1
    path = saved(Image.fromarray(check), tmp_path / "bits.png")
    assert np.array_equal(read_image(path, 1)[..., 0], check)
    path = saved(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), tmp_path / "cmyk.jpg")
    assert read_image(path, 1).min() > 0.98


def on(ink: int, opaque: np.ndarray) -> Image.Image:
    """Ink of one brightness where it is opaque."""
    grey = Image.new("L", opaque.shape[::-1], ink)
    return Image.merge("LA", (grey, Image.fromarray((255 * opaque).astype(np.uint8))))


def test_transparent_parts_contrast_with_the_rest(tmp_path: Path) -> None:
    opaque = np.zeros((4, 4))
    opaque[1, 1] = 1
    opaque[2, 2] = 0.5
    for ink, back in ((0, 1.0), (60, 1.0), (255, 0.0), (200, 0.0)):
        path = saved(on(ink, opaque), tmp_path / "a.png")
        found = read_image(path, 1)[..., 0]
        assert found[0, 0] == back
        assert found[1, 1] == pytest.approx(ink / 255)
        assert found[2, 2] == pytest.approx((ink / 255 + back) / 2, abs=0.01)
    assert read_image(saved(on(9, 0 * opaque), tmp_path / "b.png"), 1).min() == 1.0


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "I;16"])
def test_one_colour_may_be_transparent(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(WORDS if mode == "I;16" else BYTES)
    image = image if mode in ("L", "I;16") else image.convert(mode)
    clear = {"L": 0, "RGB": (0, 0, 0), "P": 0, "I;16": 0}[mode]
    path = saved(image, tmp_path / "a.png", transparency=clear)
    found = read_image(path, 1)[..., 0]
    assert found[0, 0] in (0.0, 1.0)
    assert found[5, 7] == pytest.approx(1.0, abs=0.01)


def test_a_picture_stands_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    for name in ("a.png", "a.jpg", "a.tiff", "packed.tiff", "a.webp"):
        packing = {"compression": "tiff_lzw"} if "packed" in name else {}
        path = saved(Image.fromarray(BYTES), tmp_path / name, exif=exif, **packing)
        found = read_image(path, 1)[..., 0]
        assert found.shape == (8, 6)
        assert np.abs(found - np.rot90(RAMP, -1)).max() < 0.06


def pnm(kind: bytes, width: int, height: int, top: int, body: bytes) -> bytes:
    """A portable anymap."""
    return b"%s\n%d %d\n%d\n" % (kind, width, height, top) + body


def test_what_has_no_known_range_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    for numbers in (RAMP - 0.5, 1e6 * RAMP, RAMP * np.nan, np.full((2, 2), np.inf)):
        saved(Image.fromarray(numbers.astype(np.float32)), path)
        assert "says nothing of black and white" in message(lambda: read_image(path), DataError)
    for integers in (np.array([[-5, 7]]), np.array([[0, 1 << 30]])):
        saved(Image.fromarray(integers.astype(np.int32)), path)
        assert "says nothing of black and white" in message(lambda: read_image(path), DataError)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    total = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", total)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed)


BAD: dict[str, tuple[bytes, str]] = {
    "eps": (EPS, "it is not an image of a known kind; name a PNG"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image of a known kind"),
    "pdf": (b"%PDF-1.4\n1 0 obj\n", "not an image of a known kind"),
    "empty": (b"", "not an image of a known kind"),
    "psd": (b"8BPS\x00\x01" + bytes(60), "not an image of a known kind"),
    "ico": (b"\x00\x00\x01\x00\x01\x00" + bytes(60), "not an image of a known kind"),
    "bomb": (bomb(100_000, 100_000), "it "),
    "large": (bomb(5000, 5000), "it has 5000x5000 pixels, more than 16777216"),
    "cut": (bomb(300, 300), "it is not an image that can be read"),
    "plugin": (pnm(b"P5", 4, 4, 0, bytes(16)), "it is not an image"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused(name: str, tmp_path: Path) -> None:
    content, expected = BAD[name]
    path = tmp_path / "three.png"
    path.write_bytes(content)
    text = message(lambda: read_image(path, 1), DataError)
    assert text.startswith(f"{path}: ")
    assert expected in text
    assert len(text) < 500


def test_folders_and_missing_files(tmp_path: Path) -> None:
    assert "it is not an image but a folder" in message(lambda: read_image(tmp_path), DataError)
    path = tmp_path / "none.png"
    assert message(lambda: read_image(path), DataError) == (
        f"there is no image {path}; check the path"
    )


DAMAGED = ("8-bit.png", "packed.tiff", "grey.gif", "grey.bmp", "grey.webp", "16-bit.pgm", "a.jpg")
LOSSY = {"a.jpg": lambda p: saved(Image.fromarray(BYTES), p)}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_pictures_never_end_in_a_traceback(name: str, tmp_path: Path) -> None:
    path = (LOSSLESS | LOSSY)[name](tmp_path / name)
    content, texts = path.read_bytes(), []
    for seed in range(60):
        path.write_bytes(damaged_bytes(content, seed))
        try:
            found = read_image(path, 1)
        except DataError as error:
            texts.append(str(error))
        else:
            assert 0 <= found.min() <= found.max() <= 1
    assert len(texts) > 5
    assert all(text.startswith(f"{path}: ") and "\n" not in text for text in texts)


def test_scaling_averages_or_joins() -> None:
    wide = np.repeat(np.repeat(RAMP, 16, axis=0), 16, axis=1).astype(np.float32)[..., None]
    assert np.abs(scale_image(wide, 6, 8)[..., 0] - RAMP).max() < 1e-6
    small = np.array([[0.0, 1.0]], np.float32)[..., None]
    grown = scale_image(small, 1, 8)[0, :, 0]
    assert (np.diff(grown) >= 0).all()
    assert (grown[0], grown[-1]) == (0, 1)
