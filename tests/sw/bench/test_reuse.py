"""subbit bench reuse: the published ratios, and small engines through synthesis."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from subbit.sw.bench import reuse
from subbit.sw.cli.bench_reuse import reuse_command


def test_the_published_ratios() -> None:
    assert reuse.bench_cycles() == {"resnet18_cycle_ratio": 3.135, "resnet34_cycle_ratio": 3.342}


@pytest.mark.parametrize(("tau", "lanes", "ratio"), [(5, 8, 3.87), (4, 8, 6.27), (6, 4, 1.93)])
def test_other_tables(tau: int, lanes: int, ratio: float) -> None:
    assert round(reuse.bench_cycles(tau, lanes)["resnet18_cycle_ratio"], 2) == ratio


def test_layers_of_the_networks() -> None:
    assert len(list(reuse.resnet("resnet18"))) == 16
    assert len(list(reuse.resnet("resnet34"))) == 32
    assert next(iter(reuse.resnet("resnet34"))) == (56, 64, 64)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines of a few LUTs."""
    for name, value in {
        "DIRECT": {64: (1, 36)},
        "DECODED": 1,
        "PORTS": 4,
        "PIXELS": 2,
        "TILE": (4, 8, 1, 9),
        "TALL": 4,
    }.items():
        monkeypatch.setattr(reuse, name, value)


def command(*arguments: str) -> Any:
    done = CliRunner().invoke(reuse_command, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.usefixtures("small")
def test_small_engines() -> None:
    found = command("--taus", "3", "--couts", "64", "--repeats", "2", "--channels", "")
    assert found["resnet18_cycle_ratio"] == 3.135
    ratio = found["equal_lut_ratio"]["3"]["block_lookup"]["64"]
    direct, block = found["equal_lut"]
    assert block["bmacs_per_cycle"] == 4 * 2 * 9
    assert ratio == pytest.approx(direct["lut4_per_bmac"] / block["lut4_per_bmac"], abs=1e-3)
    assert 1.7 < found["shared_rows_ratio"]["2"] <= 2
    assert found["shared_rows"][0]["bit_ratio"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--couts", "100"), "100 is not one of those measured"),
        (("--taus", "x"), "no list of numbers"),
    ],
)
def test_wrong_numbers(arguments: tuple[str, str], said: str) -> None:
    done = CliRunner().invoke(reuse_command, [*arguments])
    assert done.exit_code == 2
    assert said in done.output
