"""Which layers of a recipe are compressed for a rate, before and after training."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from subbit.boards import board
from subbit.sw.cli.learn import train_command
from subbit.sw.errors import DataError, FitError
from subbit.sw.ir import TiledWeights, load_network
from subbit.sw.lower.plan import load_plan
from subbit.sw.nn import RECIPES
from subbit.sw.nn.codings import PLAIN, Coding, codings_of
from subbit.sw.nn.models import build_model
from subbit.sw.nn.recipes import find_recipe
from subbit.sw.planner.goal import Goal, planned
from subbit.sw.train.rate import Candidate, candidates_of, recipe_for
from subbit.sw.train.train import Target, plan_path, train_network

SMALL = replace(
    find_recipe("digits-tiled"), name="small", channels=(4,), hidden=128, min_size=100, epochs=1
)


def test_codings_of_a_layer_store_fewer_and_fewer_bits() -> None:
    shape = (64, 32, 3, 3)
    found = list(codings_of(shape, 1000))
    assert found[0] == PLAIN
    stored = [coding.bits(shape) for coding in found]
    assert stored == sorted(stored, reverse=True)
    assert {coding.encoding for coding in found} == {"plain", "tiled", "codebook"}
    assert list(codings_of((16, 64), 1000)) == [PLAIN, *(Coding("tiled", p) for p in (2, 4, 8))]
    assert list(codings_of((10, 9), 1000)) == [PLAIN]
    assert list(codings_of((6, 40), 100)) == [PLAIN, Coding("tiled", 2)]


def test_candidates_are_compressed_layer_by_layer() -> None:
    found = list(candidates_of(replace(SMALL, channels=(8, 16))))
    assert found[0].codings == (PLAIN, PLAIN)
    assert found[-1].codings == (Coding("tiled", 8), Coding("tiled", 8))
    for before, after in pairwise(found):
        changed = [a for b, a in zip(before.codings, after.codings, strict=True) if a != b]
        assert len(changed) == 1
    assert [r.codings for r in candidates_of(find_recipe("digits-residual"))] == [()]


def test_no_coding_reaches_the_rate() -> None:
    recipe = replace(SMALL, channels=(8,), hidden=0)
    with pytest.raises(
        FitError,
        match=r"no coding of small reaches 50,000,000 frames/s .* one reaches [\d,]+; take",
    ):
        recipe_for(recipe, board("icebreaker"), 50_000_000)


@pytest.mark.parametrize("name", RECIPES)
def test_codings_of_recipes_are_their_encodings(name: str) -> None:
    recipe = find_recipe(name)
    if recipe.residual:
        return
    places = range(len(recipe.inner_shapes))
    explicit = replace(recipe, codings=tuple(map(recipe.coding, places)))
    one, other = (build_model(r, 1).state_dict() for r in (recipe, explicit))
    assert {key: value.shape for key, value in one.items()} == {
        key: value.shape for key, value in other.items()
    }


def test_training_for_a_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "small", SMALL)
    seen: list[Candidate] = []
    target = Target(board("icebreaker"), 1_200_000, seen.append)
    result = train_network("small", tmp_path / "net.safetensors", target=target)
    assert [c.text for c in seen] == ["plain", "p 2"]
    assert [c.fps >= 1_200_000 for c in seen] == [False, True]
    stored = [c.weight_bits for c in seen]
    assert stored == sorted(stored, reverse=True)
    network = load_network(result.path)
    assert [type(getattr(node.layer, "weights", None)) for node in network.nodes].count(
        TiledWeights
    ) == 1
    training = network.metadata["training"]
    assert training["command"].endswith("--for icebreaker --fps 1200000")
    assert training["codings"] == ["p 2"]
    assert result.plan == plan_path(result.path)
    plan = load_plan(result.plan, network)
    assert planned(network, board("icebreaker"), plan, Goal(wires=True)).fps == result.fps
    assert result.fps is not None
    assert result.fps >= 1_200_000
    print(f"{training['codings']}: {result.accuracy:.2%}, {result.fps:,.0f} frames/s")


def test_bad_options(tmp_path: Path) -> None:
    for options in (["--for", "icebreaker"], ["--fps", "10"]):
        result = CliRunner().invoke(train_command, ["digits-plain", *options])
        assert result.exit_code == 2
        assert "--for and --fps go together" in result.output
    with pytest.raises(DataError, match="the weight of sharing is a number from 0 up, not -1"):
        train_network("digits-plain", tmp_path / "a.safetensors", sharing=-1.0)
    with pytest.raises(DataError, match="a rate is above 0 frames/s, not 0"):
        train_network(
            "digits-plain", tmp_path / "a.safetensors", target=Target(board("icebreaker"), 0.0)
        )
