"""The table of layer kinds."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import Layer
from subbit.sw.ir.kinds import KINDS, LayerKind, layer_kind, register
from tests.sw.samples import message


@pytest.mark.parametrize("name", list(KINDS))
def test_every_rule_and_golden_rule_exists(name: str) -> None:
    rule = KINDS[name].load("rule")
    assert issubclass(rule, Layer)
    assert rule.kind == name
    assert callable(KINDS[name].load("golden"))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("conv3d", "conv2d"),
        ("Conv2D", "conv2d"),
        ("MaxPool", "maxpool2d"),
        ("ReLU", "threshold"),
        ("BatchNorm2d", "threshold"),
        ("Gemm", "linear"),
        ("SOFTMAX", "argmax"),
        ("Resize", "upsample"),
        ("Split", "select"),
        ("Concatenate", "concat"),
        ("maxpol2d", "maxpool2d"),
    ],
)
def test_unknown_kinds_name_the_nearest(name: str, nearest: str) -> None:
    text = f"unsupported layer {name!r}; the nearest supported one is {nearest!r}"
    assert message(lambda: layer_kind(name), NetworkError) == text


@pytest.mark.parametrize("name", ["", "gelu", "x" * 500])
def test_unknown_kinds_that_are_spelt_like_none(name: str) -> None:
    text = message(lambda: layer_kind(name), NetworkError)
    assert text.startswith(
        f"unsupported layer {name[:64]!r}; the supported ones are conv2d, linear,"
    )


def test_a_kind_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subbit.sw.ir.kinds.KINDS", dict(KINDS))
    register("negate", LayerKind("tests.sw.samples:chain", "tests.sw.samples:codes"))
    assert layer_kind("negate").load("rule").__name__ == "chain"
    with pytest.raises(ValueError, match="layer kind 'negate' is registered already"):
        register("negate", LayerKind("", ""))


@pytest.mark.parametrize(
    "module", ["ir.kinds", "ir", "ir.file", "ir.layers.conv2d", "ir.weights", "evaluate"]
)
def test_each_module_can_be_imported_first_and_needs_no_torch(module: str) -> None:
    heavy = "{'torch', 'amaranth'} & sys.modules.keys()"
    code = f"import sys, subbit.sw.{module}; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@dataclass(frozen=True)
class Doubtful(Layer):
    """A layer of a user's that keeps the base's parts."""

    kind = "doubtful"

    def infer(self, inputs: Any) -> Any:
        """The input's type."""
        return inputs[0]

    @classmethod
    def from_parts(cls, attributes: Any, tensors: Any) -> "Doubtful":
        """No parts."""
        return cls()


def test_a_layer_without_weights_needs_only_its_rule() -> None:
    layer = Doubtful()
    assert (layer.weight_count, layer.weight_bits) == (0, 0)
    assert (layer.attributes(), layer.tensors()) == ({}, {})
    assert layer == Doubtful()
