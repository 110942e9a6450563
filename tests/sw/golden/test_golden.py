"""The golden model against a reference that is nothing but loops over Python's integers."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from subbit.sw import golden
from subbit.sw.errors import DataError, NetworkError, ToolError
from subbit.sw.golden import evaluate, predict, run_batches
from subbit.sw.golden.conv2d import by_patches
from subbit.sw.golden.run import logits_name
from subbit.sw.ir import (
    Affine,
    Argmax,
    AvgPool2d,
    BinaryWeights,
    CodebookWeights,
    Conv2d,
    Encoding,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Padding,
    PlanesWeights,
    TensorType,
    Threshold,
    TiledWeights,
)
from subbit.sw.ir.kinds import layer_kind
from subbit.sw.ir.window import Window
from tests.sw.samples import binary, chain, codes, conv_weights, message, threshold, tiled

Numbers = NDArray[np.int64]
RNG = np.random.default_rng(21)


def weight(weights: Any, place: tuple[int, ...]) -> int:
    """One weight, straight from the arrays that define it."""
    if isinstance(weights, BinaryWeights):
        return 2 * int(weights.bits[place]) - 1
    if isinstance(weights, CodebookWeights):
        word = weights.codewords[weights.indices[place[:2]]]
        return 2 * int(word[place[2:]]) - 1
    if isinstance(weights, PlanesWeights):
        pairs = zip(weights.scales, weights.planes, strict=True)
        return sum(scale * weight(plane, place) for scale, plane in pairs)
    f = 0
    for index, side in zip(place, weights.shape, strict=True):
        f = f * side + index
    q = len(weights.tile)
    return int(weights.scales[f // q]) * (2 * int(weights.tile[f % q]) - 1)


def value(kind: TensorType, code: int) -> int:
    """What one code stands for."""
    return 2 * code - (2**kind.bits - 1) if kind.encoding is Encoding.BIPOLAR else code


def conv_by_loops(layer: Conv2d, kind: TensorType, frame: Numbers) -> Numbers:
    """One frame's convolution, element by element."""
    outputs, inputs, rows, columns = layer.weights.shape
    around = {"none": 0, "zero": 0, "minus": value(kind, 0), "plus": value(kind, kind.high)}
    shape = layer.infer((kind,)).shape
    result = np.zeros(shape, np.int64)
    (above, left), window = layer.window.pads[:2], layer.window
    for row, column, o in np.ndindex(shape):
        total = 0
        first = o // (outputs // layer.groups) * inputs
        for c, i, j in product(range(inputs), range(rows), range(columns)):
            y = row * window.strides[0] + i * window.dilations[0] - above
            x = column * window.strides[1] + j * window.dilations[1] - left
            inside = 0 <= y < kind.height and 0 <= x < kind.width
            pixel = value(kind, int(frame[y, x, first + c])) if inside else around[layer.padding]
            total += weight(layer.weights, (o, c, i, j)) * pixel
        result[row, column, o] = total
    return result


def layer_by_loops(layer: Any, kind: TensorType, frame: Numbers) -> Numbers:
    """One frame through any layer, element by element."""
    if isinstance(layer, Conv2d):
        return conv_by_loops(layer, kind, frame)
    result = np.zeros(layer.infer((kind,)).shape, np.int64)
    for y, x, c in np.ndindex(result.shape):
        if isinstance(layer, Linear):
            result[y, x, c] = sum(
                weight(layer.weights, (c, i)) * value(kind, int(code))
                for i, code in enumerate(frame[0, 0])
            )
        elif isinstance(layer, MaxPool2d):
            block = [frame[2 * y + i, 2 * x + j, c] for i in (0, 1) for j in (0, 1)]
            result[y, x, c] = max(block)
        elif isinstance(layer, Threshold):
            passed = sum(int(frame[y, x, c]) >= int(t) for t in layer.thresholds[c])
            result[y, x, c] = passed if layer.rising[c] else layer.levels - passed
        elif isinstance(layer, Affine):
            result[y, x, c] = int(layer.scale[c]) * int(frame[y, x, c]) + int(layer.offset[c])
        elif isinstance(layer, Argmax):
            result[y, x, c] = max(range(kind.channels), key=lambda i: (int(frame[0, 0, i]), -i))
        else:
            rest, channel = divmod(c, kind.channels)
            result[y, x, c] = frame[rest // kind.width, rest % kind.width, channel]
    return result


def assert_same(network: Network, given: Numbers) -> None:
    """Every tensor of the golden model must be that of the loops, and within its type."""
    tensors = evaluate(network, given)
    assert list(tensors) == list(network.types)
    for node in network.nodes:
        source, kind = node.inputs[0], network.types[node.name]
        wanted = [
            layer_by_loops(node.layer, network.types[source], frame)
            for frame in tensors[source].numpy()
        ]
        got = tensors[node.name]
        assert got.dtype == torch.int64
        np.testing.assert_array_equal(got.numpy(), np.stack(wanted), err_msg=node.name)
        assert kind.low <= int(got.min())
        assert int(got.max()) <= kind.high


@pytest.mark.parametrize("seed", range(4))
def test_whole_network(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = chain(rng)
    assert_same(network, codes(rng, network.input_type, 3))


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("encoding", list(conv_weights(RNG, (4, 3, 3, 3))))
def test_convolutions(side: int, encoding: str) -> None:
    weights = conv_weights(RNG, (3, 2, side, side))[encoding]
    for stride, padding, kind in product((1, 2), Padding, Encoding):
        unsuited = kind is Encoding.UNSIGNED and padding in (Padding.MINUS, Padding.PLUS)
        if kind is Encoding.INTEGER or unsuited or (side == 1 and padding is not Padding.NONE):
            continue
        source = TensorType.codes(6, 5, 2, int(RNG.integers(1, 9)), kind)
        network = Network.chain("conv", source, {"conv": Conv2d(weights, stride, padding)})
        assert_same(network, codes(RNG, source, 2))


@pytest.mark.parametrize("pads", [(0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 0), (1, 1, 1, 0)])
@pytest.mark.parametrize("stride", [1, 2])
def test_uneven_padding(stride: int, pads: tuple[int, int, int, int]) -> None:
    for side, padding in product((3, 5), (Padding.ZERO, Padding.MINUS, Padding.PLUS)):
        source = TensorType.codes(6, 5, 2, 2)
        conv = Conv2d(binary(RNG, (3, 2, side, side)), stride, padding, pads)
        assert_same(Network.chain("conv", source, {"conv": conv}), codes(RNG, source, 2))


def test_any_window() -> None:
    """Random kernels, strides, dilations, padding and groups."""
    draw, count = np.random.default_rng(8), 0
    while count < 24:
        (kh, kw), (gap, other) = draw.integers(1, 8, 2).tolist(), draw.integers(1, 5, 2).tolist()
        bare = Window((kh, kw), dilations=(gap, other))
        above, left, below, right = (int(draw.integers(0, most + 1)) for most in bare.most_pads)
        pads, groups = (above, left, below, right), int(draw.choice([1, 2, 3]))
        down, across = draw.integers(1, 5, 2).tolist()
        height, width = draw.integers(1, 9, 2).tolist()
        if min(replace(bare, pads=pads, strides=(down, across)).outputs(height, width)) < 1:
            continue
        count += 1
        conv = Conv2d(
            binary(draw, (3 * groups, 2, kh, kw)),
            (down, across),
            Padding.PLUS if any(pads) else Padding.NONE,
            pads if any(pads) else None,
            (gap, other),
            groups,
        )
        source = TensorType.codes(height, width, 2 * groups, 2)
        network = Network.chain("any", source, {"conv": conv})
        assert_same(network, codes(draw, source, 2))


@pytest.mark.parametrize("stride", [1, 2])
def test_weights_meet_integers(stride: int) -> None:
    source = TensorType.codes(8, 7, 2, 3)
    layers: dict[str, Layer] = {
        "sums": AvgPool2d(2, 1),
        "conv": Conv2d(binary(RNG, (3, 2, 3, 3)), stride, Padding.ZERO, (1, 0, 1, 1)),
        "flat": Flatten(),
        "fc": Linear(binary(RNG, (4, 3 * (7 if stride == 1 else 4) * (5 if stride == 1 else 3)))),
    }
    network = Network.chain("n", source, layers)
    given = codes(RNG, source, 3)
    found = evaluate(network, given)
    for name, read in (("conv", "sums"), ("fc", "flat")):
        layer, kind = network.node(name).layer, network.types[read]
        loops = [layer_by_loops(layer, kind, frame) for frame in found[read].numpy()]
        np.testing.assert_array_equal(found[name].numpy(), np.stack(loops))


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("kind", [Encoding.UNSIGNED, Encoding.BIPOLAR])
def test_every_width_of_codes(width: int, kind: Encoding) -> None:
    source = TensorType.codes(3, 4, 2, width, kind)
    layers: dict[str, Layer] = {
        "conv": Conv2d(binary(RNG, (3, 2, 3, 3)), 1, Padding.ZERO),
        "act": threshold(RNG, 3, width, 30),
        "flat": Flatten(),
        "fc": Linear(tiled(RNG, (5, 36), 20, scaled=True)),
        "affine": Affine(RNG.integers(-9, 9, 5), RNG.integers(-99, 99, 5)),
        "top": Argmax(),
    }
    assert_same(Network.chain("n", source, layers), codes(RNG, source, 3))


def test_threshold_at_its_boundaries() -> None:
    layer = Threshold([[-1, -1, 2], [-(1 << 47), 0, 1 << 47]], [1, 0])
    values = torch.tensor([[-2, 0], [-1, -1], [1, -(1 << 47)], [2, (1 << 47) - 1]])
    kind = TensorType.integers(4, 1, 2, -(1 << 47), (1 << 47) - 1)
    got = (
        layer_kind("threshold")
        .load("golden")(layer, (kind,), values.reshape(1, 4, 1, 2))
        .reshape(4, 2)
    )
    assert got.tolist() == [[0, 1], [2, 2], [2, 2], [3, 1]]


def test_argmax_takes_the_lowest_of_equals() -> None:
    x = torch.tensor([[3, 7, 7, 1], [0, 0, 0, 0], [-5, -9, -5, -5]]).reshape(3, 1, 1, 4)
    kind = TensorType.integers(1, 1, 4, -9, 9)
    got = layer_kind("argmax").load("golden")(Argmax(), (kind,), x)
    assert got.flatten().tolist() == [1, 0, 0]


def test_sums_beyond_the_exact_range_of_float32() -> None:
    """Weights of +-32767 on 8-bit codes: odd sums far above 2**24."""
    row = np.ones(200, int)
    weights = TiledWeights((1, 200), row, [32767])
    source = TensorType.codes(1, 1, 200, 8)
    given = codes(RNG, source, 4)
    network = Network.chain("wide", source, {"fc": Linear(weights)})
    assert network.output_type.high > 1 << 24
    assert_same(network, given)
    conv = Conv2d(TiledWeights((1, 200, 1, 1), row, [32767]))
    assert_same(Network.chain("wide", source, {"conv": conv}), given)


def test_patches_give_the_same_as_torch() -> None:
    x = torch.from_numpy(RNG.integers(-9, 9, (2, 3, 7, 6))).float()
    for side, stride in product((1, 3, 4), (1, 2)):
        w = torch.from_numpy(RNG.integers(-1, 2, (4, 3, side, side))).float()
        wanted = torch.nn.functional.conv2d(x, w, stride=stride)
        assert torch.equal(by_patches(x, w, Window((side, side), (stride, stride))), wanted)


def test_an_inexact_convolution_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    sloppy = torch.nn.functional.conv2d

    def inexact(*args: Any, **kwargs: Any) -> torch.Tensor:
        return sloppy(*args, **kwargs) + 0.25

    monkeypatch.setattr("subbit.sw.golden.conv2d.functional.conv2d", inexact)
    network = chain(RNG)
    assert_same(network, codes(RNG, network.input_type, 2))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int64, np.uint64])
def test_any_integer_array_and_tensor_is_taken(kind: Any) -> None:
    network = chain(RNG)
    given = codes(RNG, network.input_type, 3)
    wanted = evaluate(network, given)
    for form in (given.astype(kind), np.asfortranarray(given.astype(kind)), given[::-1][::-1]):
        got = evaluate(network, form)
        assert all(torch.equal(got[name], wanted[name]) for name in wanted)
    assert torch.equal(evaluate(network, torch.from_numpy(given))["top"], wanted["top"])


@pytest.mark.parametrize("batch", [None, 1, 2, 5, 100])
def test_batches_change_nothing(batch: int | None) -> None:
    network = chain(RNG)
    given = codes(RNG, network.input_type, 5)
    whole = evaluate(network, given)
    seen = []
    for part, tensors in run_batches(network, given, batch):
        seen += range(part.start, part.stop)
        assert all(torch.equal(tensors[name], whole[name][part]) for name in whole)
    assert seen == list(range(5))
    done: list[int] = []
    classes, logits = predict(network, given, batch, done.append)
    np.testing.assert_array_equal(classes, whole["top"].flatten().numpy())
    np.testing.assert_array_equal(logits, whole["scale"].reshape(5, 7).numpy())
    assert (classes.dtype, logits.dtype, done[-1]) == (np.int64, np.int64, 5)


def test_no_frames_give_no_classes() -> None:
    network = chain(RNG)
    none = codes(RNG, network.input_type, 1)[:0]
    assert evaluate(network, none)["top"].shape == (0, 1, 1, 1)
    classes, logits = predict(network, none)
    assert (classes.shape, logits.shape) == ((0,), (0, 7))


def test_classes_without_an_argmax() -> None:
    source = TensorType.codes(1, 1, 3, 1)
    network = Network.chain("fc", source, {"fc": Linear(BinaryWeights([[0, 1, 1], [1, 1, 1]] * 2))})
    assert predict(network, np.ones((1, 1, 1, 3), int)).classes.tolist() == [1]
    assert predict(network, np.ones((1, 1, 1, 3), int)).logits.tolist() == [[1, 3, 1, 3]]


NETWORK = chain(RNG)
GIVEN = codes(RNG, NETWORK.input_type, 2)
ERRORS: list[tuple[Any, str]] = [
    (GIVEN[0], "frames are an array [n][y][x][c], not ndarray of shape (8, 8, 2)"),
    ([[1]], "frames are an array [n][y][x][c], not list of shape (1, 1)"),
    (
        GIVEN[:, :7],
        "the network takes frames of 8x8x2 (height, width, channels), not 7x8x2",
    ),
    (GIVEN / 2, "input codes are integers, not float64; preprocess the images first"),
    (GIVEN > 2, "input codes are integers, not bool; preprocess the images first"),
    (
        torch.zeros((1, 8, 8, 2)),
        "input codes are integers, not torch.float32; preprocess the images first",
    ),
    (
        torch.zeros((1, 8, 8, 2)) > 0,
        "input codes are integers, not torch.bool; preprocess the images first",
    ),
    (GIVEN + 1, "input codes must lie in 0..15, not 1..16; preprocess the images first"),
    (GIVEN - 1, "input codes must lie in 0..15, not -1..14; preprocess the images first"),
]


@pytest.mark.parametrize(("given", "text"), ERRORS, ids=range(len(ERRORS)))
@pytest.mark.parametrize("function", [evaluate, predict, lambda *a: next(run_batches(*a))])
def test_codes_that_do_not_fit(function: Callable[..., Any], given: Any, text: str) -> None:
    assert message(lambda: function(NETWORK, given), DataError) == text


def test_what_has_no_class_and_no_batch() -> None:
    source = TensorType.codes(4, 4, 1, 1)
    network = Network.chain("map", source, {"pool": MaxPool2d()})
    assert message(lambda: logits_name(network), NetworkError) == (
        "network 'map' ends in a map, 2x2x1 bipolar 1 bit; only a vector of logits has a class"
    )
    assert message(lambda: predict(NETWORK, GIVEN, 0), DataError) == (
        "a batch has at least one frame, not 0"
    )


def test_without_torch_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert message(lambda: importlib.reload(golden), ToolError) == (
        "the golden model needs torch; install it with: pip install 'subbit[train]'"
    )
