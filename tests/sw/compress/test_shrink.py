"""Finding sub-bit structure: clusters, tiles, thresholds fitted again, training on."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from subbit.sw.cli import app
from subbit.sw.compress.cluster import DISTANCES, cluster_kernels, fit_tile
from subbit.sw.compress.compress import compress_network
from subbit.sw.compress.finetune import Training, as_module, finetune, from_module
from subbit.sw.compress.shrink import best_limit, refit, shrink
from subbit.sw.errors import NetworkError
from subbit.sw.evaluate import load_frames
from subbit.sw.golden import evaluate, predict
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    Conv2d,
    Encoding,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Padding,
    TensorType,
    Threshold,
    load_network,
)
from tests.paths import EXAMPLES
from tests.sw.samples import message

EXAMPLE = EXAMPLES / "digits-plain.safetensors"


def bits(draw: np.random.Generator, *shape: int) -> BinaryWeights:
    """Random weights."""
    return BinaryWeights(draw.integers(0, 2, shape).astype(np.uint8))


def limits(draw: np.random.Generator, channels: int, reach: int) -> Threshold:
    """Random thresholds, some falling."""
    numbers = draw.integers(-reach, reach + 1, (channels, 1))
    return Threshold(numbers, draw.integers(0, 2, channels).astype(np.uint8))


def network(seed: int) -> Network:
    """A small binary network of every layer that can be trained on."""
    draw = np.random.default_rng(seed)
    layers: dict[str, Layer] = {
        "stem": Conv2d(bits(draw, 8, 1, 3, 3), 1, Padding.ZERO),
        "stem_sign": limits(draw, 8, 20),
        "conv": Conv2d(bits(draw, 16, 8, 3, 3), 1, Padding.MINUS),
        "conv_sign": limits(draw, 16, 6),
        "pool": MaxPool2d(),
        "flatten": Flatten(),
        "fc": Linear(bits(draw, 12, 256)),
        "fc_sign": limits(draw, 12, 6),
        "last": Linear(bits(draw, 5, 12)),
        "argmax": Argmax(),
    }
    return Network.chain("small", TensorType.codes(8, 8, 1, 4, Encoding.UNSIGNED), layers)


def frames(count: int, seed: int = 1) -> np.ndarray:
    """Random input codes."""
    return np.random.default_rng(seed).integers(0, 16, (count, 8, 8, 1)).astype(np.uint8)


def test_two_codewords_are_the_best_two() -> None:
    weights = bits(np.random.default_rng(1), 4, 3, 3, 3)
    numbers = (weights.bits.reshape(-1, 9).astype(int) << np.arange(9)).sum(1)
    best = min(
        np.minimum(DISTANCES[a, numbers], DISTANCES[b, numbers]).sum()
        for a, b in combinations(range(512), 2)
    )
    made = cluster_kernels(weights, 1)
    assert int((made.dense() != weights.dense()).sum()) <= best + 1


def test_few_kernels_are_kept() -> None:
    draw = np.random.default_rng(2)
    words = draw.integers(0, 2, (16, 3, 3))
    weights = BinaryWeights(words[draw.integers(0, 16, (9, 7))].astype(np.uint8))
    made = cluster_kernels(weights, 4)
    assert (made.dense() == weights.dense()).all()
    assert len(np.unique(made.codewords.reshape(16, -1), axis=0)) == 16


def test_more_codewords_change_less() -> None:
    weights = bits(np.random.default_rng(3), 16, 16, 3, 3)
    changed = [
        int((cluster_kernels(weights, tau).dense() != weights.dense()).sum()) for tau in range(1, 9)
    ]
    assert changed == sorted(changed, reverse=True)
    assert len(set(changed)) == 8


def test_a_tile_has_the_bit_of_most_repeats() -> None:
    weights = BinaryWeights(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1], [1, 0, 0]], np.uint8))
    made = fit_tile(weights, 4)
    assert made.tile.tolist() == [1, 0, 0]
    assert "do not divide" in message(lambda: fit_tile(weights, 5), NetworkError)


def test_shrinking_chooses_layers() -> None:
    net = network(1)
    small, rows = shrink(net, tau=2, repeats=4, min_size=1000)
    assert [(row.layer, row.encoding) for row in rows] == [("conv", "codebook"), ("fc", "tiled")]
    assert small.weight_bits == 72 + 2 * 128 + 36 + 768 + 60
    assert rows[0].bits_after == 2 * 128 + 36
    assert small.metadata["compressed"]["from"] == net.digest


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "nothing to do"),
        ({"repeats": 4}, "no layer to compress"),
        ({"tau": 8}, "no layer to compress"),
    ],
)
def test_nothing_to_shrink(options: dict[str, int], expected: str) -> None:
    assert expected in message(lambda: shrink(network(1), **options), NetworkError)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_limit_is_best(seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = np.sort(draw.integers(-5, 6, 40))
    wanted = draw.random(40) < 0.5 + 0.1 * x
    errors = {t: int(((x >= t) != wanted).sum()) for t in range(-6, 8)}
    found = best_limit(x, wanted, 9)
    assert errors[found] == min(errors.values())
    best = min(errors, key=lambda t: errors[t])
    assert best_limit(x, wanted, best) == best


def test_refitting_what_did_not_change_changes_nothing() -> None:
    net = network(2)
    assert refit(net, net, frames(30)).nodes == net.nodes


def test_refitting_brings_codes_nearer() -> None:
    net, codes = network(3), frames(60)
    small, _ = shrink(net, tau=2, repeats=4, min_size=1000)
    fit = refit(net, small, codes)
    wanted, before, after = (evaluate(n, codes) for n in (net, small, fit))
    for name in ("conv_sign", "fc_sign"):
        apart = [int((x[name] != wanted[name]).sum()) for x in (before, after)]
        assert apart[1] < apart[0]
    assert (after["stem_sign"] == wanted["stem_sign"]).all()


@pytest.mark.parametrize("shrunk", [False, True])
@pytest.mark.parametrize("seed", [4, 5])
def test_as_a_module_and_back(seed: int, shrunk: bool) -> None:
    net = network(seed)
    if shrunk:
        net, _ = shrink(net, tau=3, repeats=4, min_size=1000)
    module = as_module(net, frames(50))
    back = from_module(net, module)
    codes = frames(40, 2)
    assert [type(node.layer) for node in back.nodes] == [type(node.layer) for node in net.nodes]
    assert back.weight_bits == net.weight_bits
    logits = predict(net, codes).logits
    assert (predict(back, codes).logits == logits).all()
    with torch.no_grad():
        theirs = module(torch.from_numpy(codes).permute(0, 3, 1, 2).float())
    assert (theirs.argmax(1).numpy() == logits.argmax(1)).all()


def test_training_on_learns() -> None:
    torch.manual_seed(1)
    net = load_network(EXAMPLE)
    shown = load_frames(net, None, 400, split="train")
    small, _ = shrink(net, tau=2)
    losses: list[float] = []
    tuned = finetune(
        small,
        shown.codes,
        shown.labels,
        Training(epochs=6, batch=40, lr=3e-3),
        lambda done, total, loss: losses.append(loss),
    )
    assert len(losses) == 60
    before, after = (
        int((predict(n, shown.codes).classes == shown.labels).sum()) for n in (small, tuned)
    )
    assert after > before + 20
    assert tuned.node("conv2").layer.weights.encoding == "codebook"


def test_joined_paths_are_refused() -> None:
    net = load_network(EXAMPLE.with_name("digits-residual.safetensors"))
    text = message(lambda: as_module(net, np.zeros((2, 8, 8, 1), np.uint8)), NetworkError)
    assert "can" in text


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "small.safetensors"
    arguments = ["compress", str(EXAMPLE), "--tau", "5", "-o", str(out)]
    assert app.run([*arguments, "--json", "--images", "100", "--limit", "200"]) == 0
    report = json.loads(capsys.readouterr().out)
    accuracy = {name: row["correct"] for name, row in report["accuracy"].items()}
    assert accuracy["before"] >= accuracy["fitted"] >= 150
    assert report["weight_bits"] == {"before": 21280, "after": 13376}
    made = load_network(out)
    assert made.weight_bits == 13376
    assert app.run([*arguments, "--limit", "20"]) == 0
    text = capsys.readouterr().out
    assert "weight bits: 21,280 to 13,376" in text
    assert "seed 1\n" in text
    assert "trained for" not in text
    assert app.run(["compress", str(out), "--tau", "5"]) == 2
    assert app.run(["compress", str(out), "--tau", "5", "-o", str(out)]) == 2


def test_the_command_trains_as_the_call_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.safetensors"
    arguments = ["compress", str(EXAMPLE), "--tau", "3", "-o", str(out), "--images", "50"]
    options = ["--steps", "12", "--batch", "40", "--lr", "0.004", "--mirror", "--seed", "7"]
    assert app.run([*arguments, *options, "--limit", "90", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    training = Training(steps=12, batch=40, lr=0.004, seed=7, mirror=True)
    phases: list[tuple[str, int, int]] = []
    net = load_network(EXAMPLE)
    same: dict[str, Any] = {"tau": 3, "images": 50, "seed": 7}
    found = compress_network(
        net, **same, limit=90, training=training, progress=lambda *told: phases.append(told)
    )
    assert report == {**found.report, "out": str(out)}
    assert load_network(out).digest == found.network.digest
    assert report["training"]["lr"] == 0.004
    assert [told for told in phases if told[0] == "training"][-1] == ("training", 12, 12)
    slower = compress_network(net, **same, limit=9, training=replace(training, lr=1e-5))
    assert slower.network.digest != found.network.digest
    assert app.run([*arguments, "--epochs", "1", "--train-images", "100", "--limit", "9"]) == 0
    shown = capsys.readouterr().out
    assert "trained for 1 epoch of 100 images a step, learning rate 0.001\nseed 1\n" in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--lr", "0.1"], "say for how long to train: --epochs or --steps"),
        (["--epochs", "1", "--steps", "2"], "say for how long to train: --epochs or --steps"),
        (["--steps", "4", "--lr", "1e30"], "training diverged in step 2; take a lower rate"),
        (["--steps", "4", "--lr", "0"], "'--lr': 0.0 is not in the range x>0"),
    ],
)
def test_training_that_is_refused(
    options: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.safetensors"
    limits = ["--images", "20", "--limit", "9"]
    assert app.run(["compress", str(EXAMPLE), "--tau", "3", "-o", str(out), *limits, *options]) == 2
    assert expected in capsys.readouterr().err
    assert not out.exists()
