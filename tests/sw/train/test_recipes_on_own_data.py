"""Recipes on data of one's own: what fits, what is refused, what the network's file says."""

from pathlib import Path

import numpy as np
import pytest

from subbit.sw.data import DataOptions, prepare
from subbit.sw.errors import DataError
from subbit.sw.evaluate import evaluate_dataset, load_frames
from subbit.sw.host.pictures import read_pictures
from subbit.sw.importers.torch.export import export
from subbit.sw.ir import load_network
from subbit.sw.nn.generic import fit_recipe
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import GENERIC, find_recipe
from subbit.sw.train.train import train_network
from tests.sw.data.data_files import MAKERS, make_pictures
from tests.sw.nn.nn_checks import assert_same
from tests.sw.samples import message

FAMILIES = {
    "folder": "pictures",
    "wav": "audio",
    "npz": "table",
    "csv": "table",
    "series": "series",
    "idx": "pictures",
    "cifar10": "pictures",
    "cifar100": "pictures",
}


@pytest.mark.parametrize("kind", [*MAKERS])
def test_every_recipe_that_fits_is_built_and_exported(kind: str, tmp_path: Path) -> None:
    prepared = prepare(MAKERS[kind](tmp_path / "data"))
    codes = prepared.codes(prepared.test)[:4]
    fits = [name for name, recipe in GENERIC.items() if FAMILIES[kind] in recipe.families]
    for name, recipe in GENERIC.items():
        if name not in fits:
            text = message(lambda recipe=recipe: fit_recipe(recipe, prepared), DataError)
            assert f"not for {FAMILIES[kind]}; recipes that fit these data" in text
            assert text.endswith(": " + ", ".join(fits))
            continue
        fitted = fit_recipe(recipe, prepared)
        assert (fitted.input_type.shape, fitted.classes) == (prepared.shape, len(prepared.classes))
        assert 15 <= fitted.epochs <= 200
        module = build_model(fitted, 1).eval()
        assert_same(module, export(module, fitted.input_type, name), codes)


TRAINED = {
    "folder": ("cnn-codebook", "red/0.png", "red"),
    "wav": ("cnn-plain", "low/0.wav", "low"),
    "csv": ("mlp-plain", "", "a"),
    "npz": ("mlp-a2w2", "", "0"),
    "series": ("signal-plain", "", "up"),
}


@pytest.mark.parametrize("kind", [*TRAINED])
def test_trained_and_applied_alike(kind: str, tmp_path: Path) -> None:
    recipe, sample, wanted = TRAINED[kind]
    data, out = MAKERS[kind](tmp_path / "data"), tmp_path / "net.safetensors"
    told: list[str] = []
    options = DataOptions(size=(8, 8)) if kind == "folder" else None
    result = train_network(recipe, out, data, epochs=2, options=options, told=told.append)
    network = load_network(out)
    assert told == [prepare(data, options=options).text()]
    assert network.dataset == prepare(data, options=options).description.to_json()
    size = " --size 8x8" if kind == "folder" else ""
    command = network.metadata["training"]["command"]
    assert (
        command
        == f"subbit train {recipe} --data DIR{size} --out net.safetensors --epochs 2 --seed 1"
    )
    found = evaluate_dataset(network, data)
    assert (found.correct, found.images) == (result.correct, result.images)
    assert found.summary()["dataset"] == kind
    assert [row["name"] for row in found.by_class()] == network.metadata["classes"]
    # A file, or the first row of one, becomes the codes that the data set's sample became.
    whole = load_frames(network, data, split="all")
    path = data / sample if sample else data
    picture = read_pictures(network, [path])[0]
    first = int(np.flatnonzero(whole.labels == whole.classes.index(wanted))[0])
    assert np.array_equal(picture.codes, whole.codes[first])


def test_colours_are_learned(tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    data = make_pictures(tmp_path / "data", 12)
    result = train_network("mlp-plain", out, data, epochs=40, options=DataOptions(size=(4, 4)))
    assert result.accuracy == 1.0


REFUSED = {
    "digits-plain": (
        "recipe 'digits-plain' is for digits and takes no --data, but {path} is a folder of "
        "pictures by class; recipes for such data: cnn-plain, cnn-codebook, cnn-tiled, cnn-a2w2, "
        "mlp-plain, mlp-tiled, mlp-a2w2"
    ),
    "mnist-tiled": (
        "recipe 'mnist-tiled' is for mnist and takes mnist as idx files, but {path} is a folder of "
        "pictures by class; recipes for such data: cnn-plain, cnn-codebook, cnn-tiled, cnn-a2w2, "
        "mlp-plain, mlp-tiled, mlp-a2w2"
    ),
    "signal-plain": (
        "recipe 'signal-plain' is for series, not for pictures; recipes that fit these data "
        "(a folder of pictures by class): cnn-plain, cnn-codebook, cnn-tiled, cnn-a2w2, mlp-plain, "
        "mlp-tiled, mlp-a2w2"
    ),
}


@pytest.mark.parametrize("recipe", [*REFUSED])
def test_a_recipe_refuses_data_of_another_kind(recipe: str, tmp_path: Path) -> None:
    data, out = make_pictures(tmp_path / "data", 2), tmp_path / "net.safetensors"
    text = message(lambda: train_network(recipe, out, data), DataError)
    assert text == REFUSED[recipe].format(path=data)
    assert not out.exists()


def test_what_else_is_refused_before_training(tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    text = message(lambda: train_network("cnn-plain", out), DataError)
    assert text == "recipe 'cnn-plain' is for your own data; name them with --data"
    text = message(lambda: train_network("digits-plain", out, tmp_path), DataError)
    assert text == "recipe 'digits-plain' is for digits and takes no --data"
    tiny = (np.zeros((8, 2, 3), np.uint8), np.arange(8) % 2)
    text = message(lambda: train_network("cnn-plain", out, tiny), DataError)
    assert "needs samples of at least 4x4, not 2x3; recipes that fit these data" in text
    assert "known are digits-plain" in message(lambda: find_recipe("cnn"), DataError)


def test_a_network_refuses_data_of_another_kind(tmp_path: Path) -> None:
    out, data = tmp_path / "net.safetensors", MAKERS["csv"](tmp_path / "table")
    train_network("mlp-plain", out, data, epochs=1)
    network = load_network(out)
    other = make_pictures(tmp_path / "pictures", 2)
    text = message(lambda: load_frames(network, other), DataError)
    assert text == (
        f"{other} is a folder of pictures by class, but the network was trained on a table (CSV); "
        "name such data, or say the kind with --data-kind where it fits the network"
    )
    text = message(lambda: load_frames(network), DataError)
    assert text == "the network was trained on a table (CSV); name the data with --data"
    text = message(lambda: read_pictures(network, [other / "red" / "0.png"]), DataError)
    assert "0.png is no text; save it as text in UTF-8" in text
