"""Networks in C: every output is the golden model's, with sanitizers on."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.cli import app
from subbit.sw.errors import NetworkError, SubbitError
from subbit.sw.evaluate import load_frames
from subbit.sw.ir import (
    INPUT,
    Add,
    Affine,
    Linear,
    Network,
    Node,
    TensorType,
    load_network,
    save_network,
)
from subbit.sw.ir.kinds import KINDS
from subbit.sw.mcu import export_c
from subbit.sw.mcu.program import RULES, Program
from tests.networks import GRAPHS, NETWORKS, residual_network, small_network, sums_network
from tests.parts import binary
from tests.paths import EXAMPLES
from tests.sw.mcu.programs import (
    DOTS,
    dots,
    geometry,
    golden,
    moved,
    random_codes,
    run_c,
    scaled,
)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

MADE = {
    **{f"net_{name}": lambda name=name: small_network(name) for name in NETWORKS},
    **GRAPHS,
    "sums": sums_network,
    "geometry": geometry,
    "moved": moved,
    "scaled": scaled,
    **{f"dots_{name}": lambda name=name: dots(name) for name in DOTS},
}


@pytest.mark.parametrize("name", MADE)
def test_outputs_are_those_of_the_golden_model(name: str, tmp_path: Path) -> None:
    network = MADE[name]()
    codes = random_codes(network, 6, 5)
    assert (run_c(network, codes, tmp_path) == golden(network, codes)).all()


@pytest.mark.parametrize("name", ["plain", "codebook", "tiled", "residual"])
def test_whole_test_sets(name: str, tmp_path: Path) -> None:
    network = load_network(EXAMPLES / f"digits-{name}.safetensors")
    codes = load_frames(network, None, None).codes
    assert len(codes) > 300
    assert (run_c(network, codes, tmp_path) == golden(network, codes)).all()


def test_every_layer_with_a_rule_is_tested() -> None:
    networks = [make() for make in MADE.values()]
    assert set(RULES) <= {type(node.layer) for network in networks for node in network.nodes}
    assert set(RULES) == {kind.load("rule") for kind in KINDS.values()}


def test_a_wrong_parameter_is_found(tmp_path: Path) -> None:
    network = small_network("plain")
    source = tmp_path / "src" / f"{export_c(network, tmp_path).name}.c"
    lines = source.read_text().splitlines()
    at = [k for k, line in enumerate(lines) if "_rows[" in line][-1] + 1
    numbers = lines[at].split(", ")
    lines[at] = ", ".join([str(int(numbers[0].strip(" ,")) ^ 1), *numbers[1:]])
    source.write_text("\n".join(lines))
    done = subprocess.run(
        ["make", "-s", "-C", str(tmp_path), "test"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "of 10 frames right" in done.stdout


def test_sub_bit_weights_stay_compressed() -> None:
    bytes_of = {
        name: Program(load_network(EXAMPLES / f"digits-{name}.safetensors")).constants.bytes
        for name in ("plain", "codebook", "tiled")
    }
    assert bytes_of["codebook"] < 0.6 * bytes_of["plain"]
    assert bytes_of["tiled"] < 0.6 * bytes_of["plain"]


def test_tensors_that_do_not_meet_share_memory() -> None:
    program = Program(residual_network())
    places, size = program.placed()
    assert set(places) == set(program.sizes)
    assert size < sum(program.sizes.values())


def test_the_command_writes_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = EXAMPLES / "digits-tiled.safetensors"
    folder = tmp_path / "mcu"
    line = ["export", str(model), "--c", "--name", "digits", "-o", str(folder), "--json"]
    assert app.run(line) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["name"] == "digits"
    assert report["images"] == "images of the data set"
    done = subprocess.run(
        ["make", "-s", "-C", str(folder), "test"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "10 of 10 frames right\n"
    assert not done.stderr
    header = (folder / "src" / "digits.h").read_text()
    assert f"#define DIGITS_PARAMETER_BYTES {report['parameter_bytes']} " in header
    assert "float" not in (folder / "src" / "digits.c").read_text()


def test_the_same_network_gives_the_same_files(tmp_path: Path) -> None:
    network = small_network("tiled")
    for place in ("one", "other"):
        export_c(network, tmp_path / place)
    one, other = (
        {p.relative_to(tmp_path / place): p.read_bytes() for p in (tmp_path / place).rglob("*.*")}
        for place in ("one", "other")
    )
    assert one == other


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = small_network("plain")
    with pytest.raises(NetworkError, match="the name of C functions is 1 to 63 of a-z"):
        export_c(network, tmp_path, name="My Net")
    (tmp_path / "src").write_text("a file")
    with pytest.raises(SubbitError, match=r"cannot write .*; name another place"):
        export_c(network, tmp_path)
    save_network(network, tmp_path / "net.safetensors")
    assert app.run(["export", str(tmp_path / "net.safetensors")]) != 0
    assert "name one thing to export to: --c" in capsys.readouterr().err


def test_layers_without_c_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    network: Network = small_network("plain")
    conv = next(node for node in network.nodes if node.layer.kind == "conv2d")
    monkeypatch.delitem(RULES, type(conv.layer))
    words = f"{conv.name}: there is no C for layers of kind 'conv2d'"
    with pytest.raises(NetworkError, match=words):
        Program(network)


def test_sums_of_many_bits_are_wide() -> None:
    assert Program(small_network("plain")).sum_bits == 32
    network = dots("pixels")
    layers = {node.name: node.layer for node in network.nodes}
    layers["affine"] = Affine(np.ones(7, np.int64), np.full(7, 1 << 38))
    assert Program(Network.chain("wide", network.input_type, layers)).sum_bits == 64


def test_terms_of_a_sum_may_be_wider_than_the_sum(tmp_path: Path) -> None:
    # Each term takes 34 bits, their sum 20.
    chance, ones = np.random.default_rng(1), np.ones(4, np.int64)
    nodes = (
        Node("fc", Linear(binary(chance, 4, 64)), (INPUT,)),
        Node("high", Affine(ones, ones << 20), ("fc",)),
        Node("low", Affine(ones, -(ones << 20)), ("fc",)),
        Node("sum", Add(12, 12), ("high", "low")),
    )
    network = Network("terms", TensorType.codes(1, 1, 64, 1), nodes)
    assert network.output_type.bits < 24
    assert Program(network).sum_bits == 64
    codes = random_codes(network, 3, 5)
    assert (run_c(network, codes, tmp_path) == golden(network, codes)).all()
