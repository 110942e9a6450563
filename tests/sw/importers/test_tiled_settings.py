"""What a Tiled Bit Networks checkpoint does not hold: p by layer, lambda, alphas."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.importers.papers.settings import (
    TileSettings,
    parse_repeats,
    parse_shapes,
    read_config,
)
from tests.sw.samples import message

SIZES = {"conv1": 1728, "layer1.0.conv1": 36_864, "layer1.0.conv2": 147_456, "fc": 64_000}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (TileSettings(4), [1, 1, 4, 4]),
        (TileSettings(4, 64_001), [1, 1, 4, 1]),
        (TileSettings(4, 0), [4, 4, 4, 4]),
        (TileSettings((1, 2, 8, 1)), [1, 2, 8, 1]),
        (TileSettings(dict(zip(reversed(SIZES), (1, 4, 2, 3), strict=True))), [3, 2, 4, 1]),
    ],
)
def test_p_of_every_layer(settings: TileSettings, wanted: list[int]) -> None:
    assert list(settings.by_layer(SIZES).items()) == list(zip(SIZES, wanted, strict=True))


def test_p_of_a_text() -> None:
    assert parse_repeats("4") == 4
    assert parse_repeats("1, 4,2") == [1, 4, 2]
    assert parse_repeats("a.b=4, fc=1") == {"a.b": 4, "fc": 1}
    assert parse_shapes(["fc1=128x784", "c=8x4x3x3"]) == {"fc1": (128, 784), "c": (8, 4, 3, 3)}


BAD: dict[str, tuple[Any, str]] = {
    "short": ((4, 4), "2 values of p for 4 tiled layers ('conv1', 'layer1.0.conv1'"),
    "unnamed": ({"conv1": 1}, "p is missing for 'layer1.0.conv1', 'layer1.0.conv2', 'fc'"),
    "unknown": (dict.fromkeys([*SIZES, "fd"], 1), "no tiled layer is named 'fd'"),
    "odd": ((1, 1, 1, 7), "layer 'fc' has 64000 weights, which p = 7 must divide"),
    "none": (0, "p is an integer in 1..1048576, not 0"),
    "true": (True, "not True"),
    "real": (4.0, "not 4.0"),
    "within": ((4, "4"), "not '4'"),
}


@pytest.mark.parametrize("name", BAD)
def test_p_that_does_not_fit_is_refused(name: str) -> None:
    repeats, expected = BAD[name]
    assert expected in message(lambda: TileSettings(repeats).by_layer(SIZES), NetworkError)


def test_lambda_that_leaves_no_tile_is_refused() -> None:
    text = message(lambda: TileSettings(4).by_layer({"a": 63_999, "b": 10}), NetworkError)
    assert "no layer has 64000 weights" in text
    assert TileSettings(4, 64_000).by_layer({"a": 63_999}) == {"a": 1}
    assert "leave it out of a list" in message(lambda: TileSettings([4], 3), NetworkError)
    assert "lambda is 0 or more" in message(lambda: TileSettings(4, -1), NetworkError)
    assert "'weight' or 'scores'" in message(lambda: TileSettings(4, alpha="x"), NetworkError)


@pytest.mark.parametrize("text", ["", "4,", "-1", "x", "a=", "=4,=4", "a=1,4", "a=1,a=2", "9" * 9])
def test_texts_that_say_no_p(text: str) -> None:
    if text == "=4,=4":
        assert parse_repeats(text) == [4, 4]
        return
    message(lambda: parse_repeats(text), NetworkError)


@pytest.mark.parametrize("text", ["fc", "fc=", "fc=12", "fc=1x2x3x4x5", "=1x2", "fc=ax2"])
def test_texts_that_say_no_shape(text: str) -> None:
    assert "a shape is NAME=OUTxIN" in message(lambda: parse_shapes([text]), NetworkError)
    assert "twice" in message(lambda: parse_shapes(["a=1x2", "a=1x2"]), NetworkError)


RESNET = """arch: ResNet34  # one of theirs
# ===== Sparsity =========== #
layer_type: SubnetConvTiledFull
global_compression_factor: 2
min_compress_size: 150000

alpha_type: multiple
alpha_param: weight
multigpu: 0,1,2,3
"""


def config(folder: Path, text: str) -> TileSettings:
    """The settings of a configuration of that text."""
    path = folder / "net.yaml"
    path.write_text(text)
    return read_config(path)


def test_configurations(tmp_path: Path) -> None:
    found = config(tmp_path, RESNET)
    assert (found.repeats, found.min_size) == (2, 150_000)
    assert (found.alpha, found.single, found.source) == ("weight", False, "by net.yaml")
    found = config(tmp_path, "layer_compression_factors: '1,1,4'\nalpha_param: scores\n")
    assert found.repeats == [1, 1, 4]
    assert (found.alpha, found.single, found.built) == ("scores", True, True)
    found = config(tmp_path, "layer_compression_factors: 4\nglobal_compression_factor: ~\n")
    assert found.repeats == [4]
    found = config(tmp_path, "compression_factor: 4")
    assert (found.repeats, found.min_size) == (4, 0)
    found = config(tmp_path, "global_compression_factor: 8\ncompression_factor: 2\n")
    assert (found.repeats, found.min_size) == (8, 64_000)


def test_a_list_is_in_the_order_of_building(tmp_path: Path) -> None:
    blocks = ["conv1", "layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0", "fc"]
    sizes = dict.fromkeys(blocks, 64)
    found = config(tmp_path, "layer_compression_factors: 1,2,4,8,16").by_layer(sizes)
    assert found == dict(zip(blocks, (1, 4, 8, 2, 16), strict=True))
    assert list(found) == blocks
    assert TileSettings([1, 2, 4, 8, 16]).by_layer(sizes)["layer2.0.downsample.0"] == 8


BAD_CONFIGS: Mapping[str, tuple[str, str]] = {
    "empty": ("", "it has none of global_compression_factor"),
    "nothing": ("global_compression_factor: null", "it has none of"),
    "both": (
        "global_compression_factor: 4\nlayer_compression_factors: 1,4",
        "p is said twice, by global_compression_factor and layer_compression_factors",
    ),
    "twice": ("compression_factor: 4\ncompression_factor: 2", "compression_factor occurs twice"),
    "nested": ("net:\n  compression_factor: 4", "line 2 is no 'key: value'"),
    "real": ("compression_factor: 4.5", "compression_factor must be an integer, not '4.5'"),
    "code": ("compression_factor: !!python/name:os.system", "must be an integer"),
    "lambda": ("global_compression_factor: 4\nmin_compress_size: 64k", "must be an integer"),
    "alpha": ("compression_factor: 4\nalpha_param: mean", "alphas come from"),
    "zero": ("layer_compression_factors: 1,0", "p is an integer in"),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_bad_configurations(name: str, tmp_path: Path) -> None:
    text, expected = BAD_CONFIGS[name]
    found = message(lambda: config(tmp_path, text), NetworkError)
    assert found.startswith(f"{tmp_path / 'net.yaml'}: ")
    assert expected in found
