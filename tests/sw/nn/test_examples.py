"""The networks in examples/: their stated accuracy, their sizes, and what their files say."""

import os
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.data import load_dataset, preprocess
from subbit.sw.golden import predict
from subbit.sw.ir import Add, BinaryWeights, CodebookWeights, Conv2d, Network, load_network
from subbit.sw.ir.planes import branches_of
from tests.paths import EXAMPLES

MNIST = Path(os.environ.get("SUBBIT_MNIST", EXAMPLES.parent.parent / "shared/data/mnist"))
LEAST = {
    "digits-plain": 0.97,
    "digits-codebook": 0.96,
    "digits-tiled": 0.95,
    "mnist-plain": 0.985,
    "mnist-codebook": 0.98,
    "mnist-tiled": 0.97,
    "digits-residual": 0.97,
    "mnist-a1w2": 0.985,
    "mnist-a2w2": 0.988,
    "mnist-a4w4": 0.99,
    "mnist-codebook-a2": 0.985,
}
STARTS = {
    "mnist-a2w2": "mnist-a4w4",
    "mnist-a1w2": "mnist-a2w2",
    "mnist-codebook-a2": "mnist-a2w2",
}
# Bits of the activations behind the convolutions, and of the weights.
PRECISIONS = {
    "digits-residual": (2, 2),
    "mnist-a1w2": (1, 2),
    "mnist-a2w2": (2, 2),
    "mnist-a4w4": (4, 4),
    "mnist-codebook-a2": (2, 1),
}


def correct(network: Network, data: Path | None, limit: int | None) -> int:
    """How many of the first ``limit`` test images the golden model classifies right."""
    about = network.metadata["dataset"]
    dataset = load_dataset(about["name"], "test", data).take(limit)
    classes = predict(network, preprocess(dataset.images, about["preprocess"])).classes
    return int((classes == dataset.labels).sum())


@pytest.mark.parametrize("name", LEAST)
def test_files_state_what_was_measured(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    assert network.name == name
    accuracy, training = network.metadata["accuracy"], network.metadata["training"]
    assert accuracy["correct"] / accuracy["images"] >= LEAST[name]
    assert accuracy["images"] == (359 if name.startswith("digits") else 10_000)
    data = " --data DIR" if name.startswith("mnist") else ""
    command = f"subbit train {name}{data} --out examples/{name}.safetensors"
    start = f" --start examples/{STARTS[name]}.checkpoint" if name in STARTS else ""
    assert training["command"] == f"{command} --seed {training['seed']}{start}"
    if start:
        assert training["started_from"] == f"{STARTS[name]}, epochs 15, seed 1"
    assert (EXAMPLES / f"{name}.safetensors").stat().st_size < 200_000


@pytest.mark.parametrize("name", [name for name in LEAST if name.startswith("digits")])
def test_digits_reach_the_stated_accuracy(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    assert correct(network, None, None) == network.metadata["accuracy"]["correct"]


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"no MNIST files in {MNIST}; set SUBBIT_MNIST")
@pytest.mark.parametrize("name", [name for name in LEAST if name.startswith("mnist")])
def test_mnist_networks_classify_the_first_images(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    assert correct(network, MNIST, 500) >= 500 * (LEAST[name] - 0.02)


def inner_convolutions(network: Network) -> list[Conv2d]:
    """The 3x3 convolutions behind the first."""
    return [n.layer for n in network.nodes if isinstance(n.layer, Conv2d)][1:]


def precision(network: Network) -> tuple[int, int]:
    """The bits of the activation behind the first convolution, and of the inner weights."""
    bits = {len(branches_of(layer.weights)) for layer in inner_convolutions(network)}
    (weights,) = bits
    return network.node("act1").layer.bits, weights


@pytest.mark.parametrize("name", LEAST)
def test_precisions_are_those_of_the_names(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    assert precision(network) == PRECISIONS.get(name, (1, 1))


def test_the_residual_network_has_two_joins_and_a_global_average() -> None:
    network = load_network(EXAMPLES / "digits-residual.safetensors")
    joins = [node for node in network.nodes if isinstance(node.layer, Add)]
    assert [network.types[n].is_code for node in joins for n in node.inputs] == [0, 1, 0, 0]
    assert joins[0].layer.shifts == (0, 4)
    assert [network.types[node.name].shape for node in joins] == [(8, 8, 16), (4, 4, 32)]
    assert network.types["gap1"].shape == (1, 1, 32)


CODEBOOKS = [("digits-codebook", 4), ("mnist-codebook", 5), ("mnist-codebook-a2", 5)]


@pytest.mark.parametrize(("name", "tau"), CODEBOOKS)
def test_codebook_sizes(name: str, tau: int) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    layers = inner_convolutions(network)
    for layer in layers:
        assert isinstance(layer.weights, CodebookWeights)
        assert layer.weights.tau == tau
        assert len(np.unique(layer.weights.codewords, axis=0)) == 1 << tau
        outputs, inputs = layer.weights.shape[:2]
        assert layer.weight_bits == tau * outputs * inputs + 9 * (1 << tau)
    if name == "digits-codebook":
        bits, count = (sum(sizes) for sizes in zip(*map(sizes_of, layers), strict=True))
        assert bits <= 0.56 * count


def sizes_of(layer: Conv2d) -> tuple[int, int]:
    """Stored bits and number of weights."""
    return layer.weight_bits, layer.weight_count


@pytest.mark.parametrize("name", ["digits-tiled", "mnist-tiled"])
def test_tiled_sizes(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    assert network.weight_bits <= 0.35 * network.weight_count
    assert all(layer.weights.repeats == 4 for layer in inner_convolutions(network))


@pytest.mark.parametrize("name", ["digits-plain", "mnist-plain"])
def test_plain_networks_have_one_bit_per_weight(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    assert network.weight_bits == network.weight_count
    assert all(isinstance(la.weights, BinaryWeights) for la in inner_convolutions(network))


@pytest.mark.parametrize("name", LEAST)
def test_the_readme_has_the_files_numbers(name: str) -> None:
    network = load_network(EXAMPLES / f"{name}.safetensors")
    accuracy, training = network.metadata["accuracy"], network.metadata["training"]
    page = (EXAMPLES / "README.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1] == "{} / {}".format(*precision(network))
    assert cells[2] == f"{accuracy['correct']} / {accuracy['images']}"
    assert cells[3] == f"{accuracy['correct'] / accuracy['images']:.2%}".replace("%", " %")
    assert cells[4:6] == [f"{network.weight_count:,}", f"{network.weight_bits:,}"]
    assert cells[6] == f"{network.weight_bits / network.weight_count:.3f}"
    assert cells[8:] == [str(training["epochs"]), str(training["seed"])]
    assert training["command"] in page
