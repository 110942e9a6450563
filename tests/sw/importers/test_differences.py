"""A network that differs from its source is a failure; what the source rounds is none."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import subbit
from subbit.sw.cli import app
from subbit.sw.compress import compress
from subbit.sw.errors import DifferentError, NetworkError
from subbit.sw.importers import api
from subbit.sw.importers.api import check_import, import_file, import_network, sees_digits
from subbit.sw.importers.exact import arithmetic, codes, ending
from subbit.sw.importers.onnx import executor
from subbit.sw.importers.report import verdict
from subbit.sw.ir import BinaryWeights, Encoding, Flatten, Linear, Network, TensorType
from tests.paths import ROOT
from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.samples import message

INPUTS, CLASSES, SPAN = 12, 5, (0.0, 255.0)
EXAMPLE = ROOT / "examples" / "digits-plain.safetensors"


def linear(g: GraphMaker, x: str, outputs: int = CLASSES, scale: float = 1.0) -> str:
    """A linear layer with weights -1, 0 and 1, times a scale."""
    draw = np.random.default_rng(outputs)
    w = g.quant(g.const(draw.integers(-1, 2, (INPUTS, outputs)) * scale), scale, 2)
    return g.node("MatMul", x, w)


def saved(tmp_path: Path, build: Callable[[GraphMaker], str]) -> Path:
    """A graph of vectors in a file."""
    g = GraphMaker(1, INPUTS)
    return g.save(build(g), tmp_path / "net.onnx")


def shifted(g: GraphMaker) -> str:
    """Logits to which one number is added: the class does not depend on it."""
    return g.node("Add", linear(g, "x"), g.const(3.0))


def negated(g: GraphMaker) -> str:
    """Logits that are taken from a number: with the other sign the class is another."""
    return g.node("Sub", g.const(3.0), linear(g, "x"))


def planted(monkeypatch: pytest.MonkeyPatch, slope: int, shift: int) -> None:
    """Arithmetic whose lines have other slopes and shifts."""
    real = arithmetic.line_of

    def line(*given: Any) -> Any:
        one, other = real(*given)
        return slope * one, shift * other

    monkeypatch.setattr(arithmetic, "line_of", line)


@pytest.mark.parametrize(
    ("build", "slope", "shift", "classes"), [(shifted, 1, 0, False), (negated, -1, 1, True)]
)
def test_what_differs_is_not_written(
    build: Callable[[GraphMaker], str],
    slope: int,
    shift: int,
    classes: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, out = saved(tmp_path, build), tmp_path / "out.safetensors"
    arguments = ["import", str(path), "-o", str(out), "--range", "0", "255"]
    assert app.run(arguments) == 0
    out.unlink()
    capsys.readouterr()
    planted(monkeypatch, slope, shift)
    assert app.run(arguments) == 1
    text = capsys.readouterr().out
    assert "nothing is written; --even-if-different writes it" in text
    assert "100 of 200 numbers differ; the first in fc1 (" in text
    assert not out.exists()
    assert app.run([*arguments, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["out"] is None
    agreement = report["agreement"]
    assert (agreement["agrees"], agreement["elements_apart"]) == (False, 100)
    assert (agreement["classes_apart"] > 0) == classes
    assert app.run([*arguments, "--even-if-different"]) == 1
    assert f"written to {out}" in capsys.readouterr().out
    assert out.exists()


def test_the_call_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = saved(tmp_path, shifted), tmp_path / "out.safetensors"
    planted(monkeypatch, 1, 0)
    with pytest.raises(DifferentError) as caught:
        import_network(path, out, span=SPAN)
    assert str(caught.value).startswith("net differs from its source: 20 of 20 images have the ")
    assert not out.exists()
    done = import_network(path, out, span=SPAN, even_if_different=True)
    assert done.network == caught.value.network
    assert done.report == caught.value.report
    assert out.exists()
    # Nothing was compared, so that nothing is known to differ.
    assert import_network(path, span=SPAN, images=0).report["agreement"] is None


class Shifted(nn.Module):
    """Logits to which a number is added."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(INPUTS, CLASSES, bias=False)
        self.last.weight.data = torch.where(self.last.weight.data >= 0, 1.0, -1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x) + 3.0


def test_a_module_that_differs_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    module, example = Shifted(), torch.zeros(1, INPUTS)
    assert subbit.from_torch(module, example, span=SPAN).metadata["import"]["agreement"]["agrees"]
    planted(monkeypatch, 1, 0)
    with pytest.raises(DifferentError):
        subbit.from_torch(module, example, span=SPAN)
    network = subbit.from_torch(module, example, span=SPAN, even_if_different=True)
    assert not network.metadata["import"]["agreement"]["agrees"]


def few(g: GraphMaker, x: str = "x") -> str:
    """Pixels of two bits, 0 to 3."""
    return g.node("Mul", g.quant(x, 64.0, 2, signed=0, mode="FLOOR"), g.const(1 / 64))


def equal_logits(g: GraphMaker) -> str:
    """Logits that are often equal, but which float32 sums of tenths tell apart."""
    return linear(g, few(g), scale=0.1)


def open_codes(g: GraphMaker) -> str:
    """Sums of tenths at the very places where a quantiser rounds up or down."""
    x = g.quant(linear(g, few(g), INPUTS, scale=0.1), 0.2, 4)
    return linear(g, x)


def agreement_of(path: Path) -> dict[str, Any]:
    """The comparison on 500 images of noise."""
    found: dict[str, Any] = check_import(import_file(path, span=SPAN), images=500)["agreement"]
    return found


def test_equal_logits_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, equal_logits)
    agreement = agreement_of(path)
    assert agreement["classes_tied"] > 5
    assert (agreement["classes_apart"], agreement["agrees"]) == (0, True)
    assert f"{agreement['classes_tied']} classes apart within the source's rounding" in verdict(
        agreement
    )
    # Without a tolerance they are differences.
    real = ending.steps_error
    monkeypatch.setattr(ending, "steps_error", lambda *given: 0 * real(*given))
    assert agreement_of(path)["classes_apart"] == agreement["classes_tied"]


def test_open_codes_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, open_codes)
    agreement = agreement_of(path)
    assert agreement["elements_rounded"] > 50
    assert (agreement["elements_apart"], agreement["classes_apart"]) == (0, 0)
    assert agreement["agrees"]
    assert f"{agreement['elements_rounded']} numbers apart within" in verdict(agreement)
    # Without a tolerance they are differences, and so is what follows from them.
    monkeypatch.setattr(codes, "Within", lambda *given: None)
    assert agreement_of(path)["elements_apart"] > agreement["elements_rounded"]


def test_a_wrong_threshold_is_no_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = saved(tmp_path, open_codes), codes.fold

    def off_by_one(*given: Any) -> Any:
        layer = real(*given)
        # All sums are even, as weights of three values are doubled.
        return replace(layer, thresholds=layer.thresholds + 2)

    monkeypatch.setattr(codes, "fold", off_by_one)
    agreement = agreement_of(path)
    assert agreement["elements_apart"] > 1000
    assert not agreement["agrees"]


def whole_codes(g: GraphMaker) -> str:
    """Whole sums, half of which lie halfway between two levels: the source rounds none of them."""
    return linear(g, g.quant(linear(g, few(g), INPUTS), 2.0, 4))


def test_a_wrong_rounding_of_exact_sums_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = saved(tmp_path, whole_codes), codes.fold
    assert agreement_of(path)["elements_rounded"] == 0

    def up(*given: Any) -> Any:
        layer = real(*given)
        return replace(layer, thresholds=layer.thresholds + 1)

    monkeypatch.setattr(codes, "fold", up)
    agreement = agreement_of(path)
    assert agreement["elements_apart"] > 100
    assert agreement["elements_rounded"] == 0


def test_an_executor_that_fails_later_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, calls = saved(tmp_path, shifted), executor.execute_onnx, []

    def later(*given: Any) -> Any:
        calls.append(given)
        if len(calls) > 1:
            raise RuntimeError("out of\nrange")
        return real(*given)

    monkeypatch.setattr(executor, "execute_onnx", later)
    text = message(lambda: import_network(path), NetworkError)
    assert text == "qonnx cannot execute the graph (out of range); import with --images 0"


def test_another_shape_in_the_source_is_named(tmp_path: Path) -> None:
    result = import_file(saved(tmp_path, shifted))

    def run(images: Any) -> Any:
        return {mark.source: np.zeros((len(images), 3)) for mark in result.marks}

    other = replace(result, source=lambda batch: (run, batch))
    assert "has the shape (20, 3) for 20 images, where layer 'fc1' has 1x1x5" in message(
        lambda: check_import(other), NetworkError
    )


def test_a_compression_that_differs_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "out.safetensors"
    arguments = ["compress", str(EXAMPLE), "--tau", "4", "--steps", "1", "--limit", "20"]
    arguments += ["--images", "20", "-o", str(out)]
    assert app.run([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["agreement"]
    assert (found["agrees"], found["images"], found["activations_apart"]) == (True, 200, 0)
    assert found["activations"] > 100_000
    out.unlink()
    real = compress.agreement_of

    def apart(*given: Any) -> dict[str, Any]:
        return {**real(*given), "activations_apart": 7, "agrees": False}

    monkeypatch.setattr(compress, "agreement_of", apart)
    assert app.run(arguments) == 1
    text = capsys.readouterr().out
    assert "nothing is written; --even-if-different writes it" in text
    assert "7 of 614400 activations and 0 of 200 classes differ" in text
    assert not out.exists()
    assert app.run([*arguments, "--even-if-different"]) == 1
    assert out.exists()


def test_another_network_than_the_trained_one_differs() -> None:
    from subbit.sw.compress.finetune import as_module
    from subbit.sw.ir import Network, Threshold, load_network

    network = load_network(EXAMPLE)
    draw = np.random.default_rng(1)
    images = draw.integers(0, 1 << network.input_type.bits, (20, *network.input_type.shape))
    module = as_module(network, images.astype(np.uint8)).eval()
    assert compress.agreement_of(module, network, images)["agrees"]
    nodes = [
        replace(node, layer=replace(node.layer, thresholds=node.layer.thresholds + 2))
        if isinstance(node.layer, Threshold)
        else node
        for node in network.nodes
    ]
    other = Network(network.name, network.input_type, tuple(nodes), network.metadata)
    found = compress.agreement_of(module, other, images)
    assert not found["agrees"]
    assert found["activations_apart"] > 0


@pytest.mark.parametrize(("threshold", "seen"), [(8, True), (128, False)])
def test_digits_are_compared_only_where_they_are_seen(threshold: int, seen: bool) -> None:
    row = {"bits": 1, "thresholds": [threshold]}
    kind = TensorType.codes(8, 8, 1, 1, Encoding.BIPOLAR)
    dataset = {"name": "digits", "preprocess": row}
    layers = {"flatten": Flatten(), "fc": Linear(BinaryWeights(np.ones((10, 64), np.uint8)))}
    network = Network.chain("net", kind, layers, {"dataset": dataset})
    assert sees_digits(network) == seen
    labels = api.test_images(network, None, 5, 1, named=False)[1]
    assert (labels is not None) == seen
    assert api.test_images(network, None, 5, 1, named=True)[1] is not None
