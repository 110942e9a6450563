"""The block-RAM lookup engine against its unit."""

from typing import Any

import numpy as np
import pytest
from dots import codebook
from harness import check_unit
from planted import Watched
from test_lookup import BIPOLAR, UNSIGNED, end

from subbit.sw.ir import Encoding
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from subbit.sw.units.block_lookup import BlockLookup
from subbit.sw.units.unit import Beats
from subbit.sw.units.window import Window


def engine(
    outputs: int = 4,
    channels: int = 4,
    tau: int = 3,
    post: str = "threshold1",
    bits: int = 1,
    encoding: Encoding = BIPOLAR,
    **rest: Any,
) -> BlockLookup:
    rng = np.random.default_rng(outputs + channels + tau)
    weights = codebook(rng, outputs, channels, tau)
    ends = end(post, rng, outputs, 9 * channels << bits)
    settings = {"masked": False, "vectors": 3, "pixels": 2, **rest}
    return BlockLookup(weights, encoding, bits, post=ends, **settings)


def windows(rng: np.random.Generator, unit: BlockLookup, frames: int) -> Beats:
    """Windows of random pixels; with a mask, of a tensor of two rows."""
    count = frames * unit.vectors * unit.cin // unit.dot9
    if not unit.masked:
        return rng.integers(0, 1 << unit.bits, (count, unit.i.lanes))
    width = unit.vectors * unit.pixels // 2
    x = TensorType.codes(2, width, unit.cin, unit.bits, unit.encoding)
    window = Window(x, 3, 1, Padding.ZERO, unit.dot9, 1, pixels=unit.pixels)
    return window.reference(
        rng.integers(0, 1 << unit.bits, (frames * x.elements // unit.dot9, unit.dot9))
    )


def check(unit: BlockLookup) -> None:
    check_unit(Watched(unit), windows(np.random.default_rng(1), unit, 2))


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize(("encoding", "masked"), [(BIPOLAR, 0), (BIPOLAR, 1), (UNSIGNED, 0)])
@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2"])
def test_inputs_and_ends(bits: int, encoding: Encoding, masked: int, post: str) -> None:
    check(
        engine(
            post=post,
            bits=bits,
            encoding=encoding,
            masked=bool(masked),
            ports=2,
            vectors=2 + 2 * masked,
        )
    )


@pytest.mark.parametrize(
    ("tau", "channels", "outputs", "pixels", "ports", "dot9"),
    [
        (3, 4, 16, 9, 4, 2),  # nine entries a word; as many cycles to fill as to read
        (3, 4, 8, 3, 2, 1),
        (4, 6, 8, 1, 3, 3),  # two turns of three ports
        (5, 4, 4, 4, 1, 1),  # one port
        (2, 12, 6, 2, 4, 2),  # three turns
        (1, 1, 4, 2, 1, 1),
        (6, 8, 3, 2, 8, 8),
        (8, 2, 4, 2, 2, 2),
    ],
)
@pytest.mark.parametrize("form", ["portable", "ecp5"])
def test_foldings(
    tau: int, channels: int, outputs: int, pixels: int, ports: int, dot9: int, form: str
) -> None:
    check(engine(outputs, channels, tau, pixels=pixels, ports=ports, dot9=dot9, form=form))


@pytest.mark.parametrize(("ports", "dot9"), [(1, 1), (2, 1), (2, 2), (6, 3), (6, 6)])
def test_blanks(ports: int, dot9: int) -> None:
    check(engine(3, 6, 2, "none", masked=True, vectors=4, pixels=3, ports=ports, dot9=dot9))
