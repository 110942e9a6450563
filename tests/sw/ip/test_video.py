"""The design of examples/video: blocks' means, pictures that come too early, a class on LEDs."""

import random
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.sim import Simulator

from subbit.hw.contract.unit import Lanes
from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.planner.choose import smallest_plan
from tests.paths import EXAMPLES
from tests.sw.ip.cores import core_network, perceptron


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The example's folder, where Python looks for modules."""
    path = EXAMPLES / "video"
    sys.path.insert(0, str(path))
    yield path
    sys.path.remove(str(path))


@pytest.fixture(scope="module")
def video(folder: Path) -> ModuleType:
    """The example's components."""
    return import_module("video")


def geometry(video: ModuleType) -> Any:
    """A picture of 20 x 14 pixels, of which 4 x 3 blocks of 4 x 4 are looked at."""
    sizes = {"width": 20, "height": 14, "columns": 4, "rows": 3, "block": 4}
    return video.Geometry(**sizes, blank_bytes=6, blank_lines=2)


def packets(video: ModuleType, picture: list[list[int]], ready: float) -> Any:
    """What a scaler gives of a still picture in five pictures' time, taken in that share of cycles:
    packets of codes, and how many pictures it left out.
    """
    g, chance = geometry(video), random.Random(3)
    camera = video.PatternCamera(geometry=g, picture=picture)
    scaler = video.BoxScaler(geometry=g, lanes=Lanes(2, 4))
    m = Module()
    m.submodules.camera, m.submodules.scaler = camera, scaler
    wiring.connect(m, camera.pins, scaler.pins)
    found: list[list[int]] = [[]]
    missed = 0

    async def bench(ctx: Any) -> None:
        nonlocal missed
        seen = Cat(scaler.o.data, scaler.o.last, scaler.o.valid, scaler.missed)
        for _ in range(5 * (2 * g.width + g.blank_bytes) * (g.height + g.blank_lines)):
            taken = chance.random() < ready
            ctx.set(scaler.o.ready, taken)
            number = ctx.get(seen)
            missed += number >> 10
            if taken and number >> 9 & 1:
                found[-1] += [number & 15, number >> 4 & 15]
                if number >> 8 & 1:
                    found.append([])
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found[:-1], missed


PICTURE = [[random.Random(10 * y + x).randrange(256) for x in range(4)] for y in range(3)]
CODES = [value >> 4 for row in PICTURE for value in row]


def test_codes_are_the_means_of_blocks(video: ModuleType) -> None:
    found, missed = packets(video, PICTURE, 1.0)
    assert len(found) >= 3
    assert all(packet == CODES for packet in found)
    assert missed == 0


def test_a_picture_that_comes_too_early_is_left_out_whole(video: ModuleType) -> None:
    found, missed = packets(video, PICTURE, 0.005)
    assert missed > 0
    assert found
    assert all(packet == CODES for packet in found)


def test_geometries_that_do_not_fit(video: ModuleType) -> None:
    with pytest.raises(ValueError, match="pixels a side, not 3"):
        video.Geometry(block=3)
    with pytest.raises(ValueError, match="are more than 160 x 120 pixels"):
        video.Geometry(columns=28, rows=28, block=8)


@pytest.mark.skipif(find_spec("cocotb") is None, reason="cocotb is missing")
def test_the_leds_show_the_class(folder: Path, models: Path) -> None:
    shown_classes = import_module("run").shown_classes
    network = perceptron(5)
    codes = np.random.default_rng(5).integers(0, 16, (1, 8, 8, 1))
    wanted = int(evaluate(network, codes)["class"].reshape(-1)[0])
    g = import_module("video").Geometry(width=20, height=18, block=2, blank_bytes=8)
    shown = shown_classes(network, smallest_plan(network), codes[0, ..., 0], g, models)
    assert wanted != 0
    assert shown == [wanted, wanted]


def test_a_network_without_a_class(folder: Path, video: ModuleType, models: Path) -> None:
    run = import_module("run")
    network = core_network("logits")
    with pytest.raises(NetworkError, match="ends in no class that LEDs could show"):
        run.shown_classes(
            network, smallest_plan(network), np.zeros((4, 4)), video.Geometry(), models
        )
