"""Cores in folders: what is written, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

import subbit
from subbit.hw.contract.unit import Lanes
from subbit.hw.ip.shape import BUSES, CoreShape, Word, check_bus
from subbit.sw.cli import app
from subbit.sw.errors import NetworkError, PlanError, SubbitError
from subbit.sw.golden import evaluate
from subbit.sw.ip.names import core_name, rename_modules
from subbit.sw.ir import save_network
from subbit.sw.lower.plan import save_plan
from subbit.sw.planner.choose import smallest_plan
from tests.sw.ip.cores import core_network, export_core
from tests.sw.mcu.programs import random_codes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A core with AXI4-Stream."""
    return export_core(
        "classes", tmp_path_factory.mktemp("ip") / "core", "axi-stream", "tiny"
    ).folder


def test_the_folder_has_all_that_a_core_needs(folder: Path) -> None:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    bench = {"Makefile", "test/run.py", "test/bench.py", "test/buses.py", "test/vectors.json"}
    own = {"rtl/tiny.v", "tiny.core", "tiny_template.v", "constraints/tiny.sdc", "README.md"}
    assert found == bench | own
    assert not list(folder.parent.glob(".*"))


def test_every_module_is_named_after_the_core(folder: Path) -> None:
    text = (folder / "rtl/tiny.v").read_text()
    modules = re.findall(r"^module (\w+)", text, re.M)
    assert modules.count("tiny") == 1
    assert len(modules) == len(set(modules)) > 5
    assert all(re.fullmatch(r"tiny(__\w+)?", module) for module in modules)


def test_the_template_and_the_datasheet_name_every_port(folder: Path) -> None:
    text = (folder / "rtl/tiny.v").read_text()
    verilog = text[text.index("module tiny(") :]
    listed = set(re.findall(r"\w+", verilog[verilog.index("(") : verilog.index(")")]))
    template, sheet = (folder / "tiny_template.v").read_text(), (folder / "README.md").read_text()
    assert {"aclk", "aresetn", "s_axis_tdata", "m_axis_tuser", "s_axi_wstrb", "irq"} <= listed
    assert set(re.findall(r"\.(\w+) ", template)) == listed
    assert set(re.findall(r"^\| `(\w+)` \| (?:in|out)put", sheet, re.M)) == listed


def test_the_core_file_is_one(folder: Path) -> None:
    text = (folder / "tiny.core").read_text()
    assert text.startswith("CAPI=2:\n")
    core = yaml.safe_load(text.partition("\n")[2])
    assert core["targets"]["default"]["toplevel"] == "tiny"
    for fileset in core["filesets"].values():
        assert all((folder / path).is_file() for path in fileset["files"])


@pytest.mark.parametrize("name", ["classes", "logits"])
def test_vectors_are_the_golden_models(name: str, tmp_path: Path) -> None:
    done = export_core(name, tmp_path / "core", "plain")
    assert done.images.startswith("random")
    vectors = json.loads((done.folder / "test/vectors.json").read_text())
    network = core_network(name)
    codes = random_codes(network, done.frames, 1)
    wanted = evaluate(network, codes)
    logits = wanted["fc2" if name == "classes" else "fc"].numpy().reshape(len(codes), -1)
    for frame, result in enumerate(vectors["results"]):
        numbers = [int(word, 16) for word in result]
        assert numbers[: len(logits[frame])] == [int(x) & 0xFF for x in logits[frame]]
        if name == "classes":
            assert numbers[-1] == logits[frame].argmax()


def test_the_command_writes_what_the_call_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    network = core_network("classes")
    save_network(network, tmp_path / "net.safetensors")
    save_plan(smallest_plan(network), tmp_path / "plan.json")
    line = ["export", str(tmp_path / "net.safetensors"), "--bus", "axi-stream", "--name", "tiny"]
    line += ["--plan", str(tmp_path / "plan.json"), "-o", str(tmp_path / "ip"), "--json"]
    assert app.run(line) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["name"], report["bus"], report["frames"]) == ("tiny", "axi-stream", 10)
    assert report["ports"][0] == ["aclk", "input", 1]
    for path in folder.rglob("*"):
        if path.is_file():
            assert (tmp_path / "ip" / path.relative_to(folder)).read_text() == path.read_text()
    assert app.run(line) == 2
    assert "exists and is not empty; name a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name one thing to export to"),
        (["--c", "--bus", "plain"], "name one thing to export to"),
        (["--c", "--max"], "a plan is for an IP core"),
        (["--bus", "plain", "--name", "9lives"], "starting with no digit, not '9lives'"),
        (["--bus", "plain", "--name", "logic"], "'logic' is a word of Verilog"),
        (["--bus", "pci"], "'pci' is not one of 'axi-stream', 'wishbone', 'plain'"),
    ],
)
def test_wrong_options_are_refused(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_network(core_network("classes"), tmp_path / "net.safetensors")
    out = tmp_path / "ip"
    assert app.run(["export", str(tmp_path / "net.safetensors"), *options, "-o", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.v").write_text("mine")
    for place in (tmp_path, tmp_path / "mine.v"):
        with pytest.raises(SubbitError, match="exists and is not empty"):
            export_core("classes", place, "plain")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.v"]
    (tmp_path / "empty").mkdir()
    export_core("classes", tmp_path / "empty", "plain")


def test_a_bus_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="a core has one of the buses axi-stream, wishbone, plain"):
        subbit.export_ip(core_network("classes"), tmp_path / "ip", bus="pci")


def test_names_of_cores() -> None:
    assert core_name(None, "digits-plain") == "digits_plain"
    assert core_name(None, "logic") == "net_logic"
    assert core_name(None, "3 nets") == "net_3_nets"
    assert core_name("MyNet_2", "x") == "MyNet_2"
    for name in ("", "a b", "a.b", "ä", "x" * 64, "a-b", "Module"):
        with pytest.raises(NetworkError):
            core_name(name, "x")


def test_modules_whose_new_names_would_meet() -> None:
    text = "module \\n.a.b (x);\nmodule \\n.a__b (x);\n  \\n.a.b  \\U$1 (x);\n"
    assert rename_modules(text, "n").splitlines() == [
        "module n__a__b (x);",
        "module n__a__b_ (x);",
        "  n__a__b  \\U$1 (x);",
    ]


def test_buses_are_those_of_the_page() -> None:
    assert BUSES == ("axi-stream", "wishbone", "plain")


def test_beats_that_do_not_fit_axi() -> None:
    wide = Lanes(600, 8)
    shape = CoreShape(i=wide, o=Lanes(1, 9, True), i_beats=1, o_beats=3, in_flight=2)
    words = "a beat of the input has 600 elements, 4,800 bits with padding, and AXI4-Stream carries"
    for bus in ("axi-stream", "wishbone"):
        with pytest.raises(PlanError, match=words):
            check_bus(bus, shape)
    check_bus("plain", shape)


def test_beats_in_words() -> None:
    assert (Word(Lanes(3, 3)).bits, Word(Lanes(3, 3)).lane_bits) == (16, 3)
    assert Word(Lanes(3, 3)).pack(np.array([[1, 2, 7]])) == [1 | 2 << 3 | 7 << 6]
    assert (Word(Lanes(2, 9, True)).bits, Word(Lanes(2, 33, True)).bits) == (32, 128)
    assert Word(Lanes(2, 9, True)).pack(np.array([[-1, 5]])) == [0x5FFFF]
