"""Every component alone: a table of small cases, all in one simulation model side by side.

A component kind that is added gets its cases here; docs/use/simulation.md shows how.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.post.affine import AffineUnit
from subbit.hw.post.threshold import ThresholdUnit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.window import WindowUnit
from subbit.sim.compare import Difference, compare
from subbit.sim.design import WholePipeline, unit_design
from subbit.sim.place import run_folder
from subbit.sim.random_parts import (
    RNG,
    affine,
    bits,
    codebook,
    plain,
    planes,
    thresholds,
    tiled,
)
from subbit.sim.run import FOLDER
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.errors import SubbitError
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.network import INPUT, Network, Node
from subbit.sw.ir.random_weights import (
    random_binary,
    random_tiled,
)
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, Weights
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.lower.stages.add import AddStage
from subbit.sw.lower.stages.dot import DotStage

__all__ = ["CASES", "ComponentResult", "random_beats", "simulate_components"]

UNSIGNED, BIPOLAR = Encoding.UNSIGNED, Encoding.BIPOLAR


def window(
    *shape: int, code: tuple[Encoding, int] = (BIPOLAR, 1), kernel: int = 3, **options: Any
) -> WindowUnit:
    """Windows over codes of this shape."""
    settings: dict[str, Any] = {"stride": 1, "padding": Padding.NONE, "channels": 1, "folds": 1}
    height, width, channels = shape
    kind = TensorType.codes(height, width, channels, code[1], code[0])
    return WindowUnit(input=kind, kernel=kernel, **(settings | options))


def dot(
    weights: Weights, encoding: Encoding, bits: int, pe: int, simd: int, **more: Any
) -> DotUnit:
    """An engine for three vectors a frame."""
    settings: dict[str, Any] = {"masked": False, "vectors": 3}
    return DotUnit(
        weights=weights, encoding=encoding, bits=bits, pe=pe, simd=simd, **(settings | more)
    )


def lookup(outputs: int, channels: int, tau: int, **more: Any) -> LookupUnit:
    """A lookup engine with thresholds."""
    weights = codebook(outputs, channels, tau)
    ends = thresholds(outputs, 1, 20)
    return LookupUnit(
        weights=weights, encoding=BIPOLAR, bits=1, masked=False, vectors=3, post=ends, **more
    )


def block_lookup(outputs: int, channels: int, tau: int, **more: Any) -> BlockLookupUnit:
    """A block-RAM lookup engine with thresholds."""
    weights = codebook(outputs, channels, tau)
    ends = thresholds(outputs, 1, 20)
    return BlockLookupUnit(
        weights=weights, encoding=BIPOLAR, bits=1, masked=False, vectors=3, post=ends, **more
    )


def shared_rows(
    rows: int, length: int, repeats: int, pe: int, simd: int, at_once: int = 1, pixels: int = 1
) -> SharedRowsUnit:
    """An engine of shared rows, its sums counted from 0 up, with thresholds."""
    ones = np.ones(rows, np.int64)
    rest = {"post": Affine(ones, length * ones), "pixels": pixels}
    inner = dot(plain(rows, length), BIPOLAR, 1, pe, simd, **rest)
    ends = thresholds(rows * repeats, 1, 2 * length)
    return SharedRowsUnit(dot=inner, repeats=repeats, post=ends, at_once=at_once)


def unrolled(weights: Weights, encoding: Encoding, bits: int, **more: Any) -> UnrolledUnit:
    """A layer whose weights are wires, for three vectors a frame."""
    return UnrolledUnit(weights=weights, encoding=encoding, bits=bits, **({"vectors": 3} | more))


def depthwise(
    channels: int, code: tuple[Encoding, int], padding: str, at_once: int, pixels: int = 1
) -> DepthwiseUnit:
    """A 3x3 depthwise convolution with thresholds of two bits."""
    layer = DepthwiseConv2d(BinaryWeights(bits(channels, channels, 1, 3, 3)), 1, Padding(padding))
    kind = TensorType.codes(4, 5, channels, code[1], code[0])
    ends = thresholds(channels, 3, 9)
    return DepthwiseUnit(layer=layer, input=kind, channels=at_once, post=ends, pixels=pixels)


def twice(depths: tuple[int, int], lanes: int = 2) -> WholePipeline:
    """A fork whose branches are added, behind queues of these depths."""
    kind = TensorType.codes(3, 4, 4, 3)
    network = Network("twice", kind, (Node("add", Add(0, 2), (INPUT, INPUT)),))
    queues = tuple(zip(("input>add", "input>add#2"), depths, strict=True))
    return WholePipeline(
        Pipeline(network, Plan(network.digest, (AddStage(("add",), 0, lanes),), queues))
    )


def wide_network() -> WholePipeline:
    """A convolution of whole rows, one of shared rows, and a linear layer: 5 cycles a frame."""
    x = TensorType.codes(4, 4, 2, 1, BIPOLAR)
    first = Conv2d(random_binary(RNG(1), (4, 2, 3, 3)), 1, Padding.ZERO)
    second = Conv2d(random_tiled(RNG(2), (8, 4, 3, 3), 4), 1, Padding.NONE)
    layers: dict[str, Layer] = {"conv1": first, "act1": thresholds(4, 1, 6)}
    layers |= {"conv2": second, "act2": thresholds(8, 1, 9), "flatten": Flatten()}
    layers["fc"] = Linear(plain(10, 32))
    network = Network.chain("wide", x, layers)
    rows: dict[str, Any] = {"pixels": 8, "output_pixels": 8, "input_pixels": 4, "compare": "logic"}
    shared: dict[str, Any] = {
        "engine": "shared_rows",
        "pixels": 2,
        "output_pixels": 2,
        "input_pixels": 4,
    }
    stages = (
        DotStage(("conv1", "act1"), pe=4, simd=18, blanks="sums", **rows),
        DotStage(("conv2", "act2"), pe=1, simd=36, own=(("repeats", 4),), **shared),
        DotStage(("fc",), pe=10, simd=32),
    )
    return WholePipeline(Pipeline(network, Plan(network.digest, stages)))


CASES: dict[str, Callable[[], Unit]] = {
    "upsize": lambda: UpsizeUnit(element=Lanes(3, 2), ratio=5, beats=20),
    "upsize_by_1": lambda: UpsizeUnit(element=Lanes(2, 3), ratio=1, beats=7),
    "upsize_runs": lambda: UpsizeUnit(element=Lanes(6, 2), ratio=3, beats=9, runs=2),
    "downsize": lambda: DownsizeUnit(element=Lanes(15, 2), ratio=5, beats=5),
    "fifo": lambda: FifoUnit(element=Lanes(3, 5, True), depth=4, beats=9, memory="distributed"),
    "fifo_depth_1": lambda: FifoUnit(element=Lanes(1, 4), depth=1, beats=9),
    "fifo_block": lambda: FifoUnit(element=Lanes(2, 9), depth=32, beats=50, memory="block"),
    "replay": lambda: ReplayUnit(element=Lanes(4, 2), words=3, folds=4, vectors=5),
    "replay_one_beat": lambda: ReplayUnit(element=Lanes(4, 1), words=1, folds=3, vectors=5),
    "replay_block": lambda: ReplayUnit(
        element=Lanes(2, 8), words=5, folds=2, vectors=4, memory="block"
    ),
    "window_masked": lambda: window(5, 6, 4, padding=Padding.ZERO, channels=2, folds=3),
    "window_bare": lambda: window(6, 5, 2, code=(BIPOLAR, 2), folds=2),
    "window_stride_2": lambda: window(7, 6, 2, stride=2, padding=Padding.MINUS, channels=2),
    "window_bytes": lambda: window(6, 6, 1, code=(UNSIGNED, 8), padding=Padding.ZERO, folds=2),
    "window_5x5": lambda: window(7, 7, 2, kernel=5, stride=2, padding=Padding.PLUS, folds=2),
    "window_1x1": lambda: window(5, 5, 4, kernel=1, stride=2, channels=2, folds=2),
    "window_two_pixels": lambda: window(5, 6, 2, padding=Padding.ZERO, pixels=2, folds=2),
    "window_payload_delay": lambda: window(
        *(5, 9, 2), padding=Padding.ZERO, channels=2, pixels=3, folds=5, payload_delay=1
    ),
    "window_payload_delay_2": lambda: window(
        6, 5, 2, channels=2, folds=3, code=(BIPOLAR, 2), payload_delay=2
    ),
    "window_block": lambda: window(5, 9, 4, padding=Padding.ZERO, memory="block"),
    "window_wide": lambda: window(6, 8, 2, channels=2, input_pixels=4, pixels=3, memory="block"),
    "window_wide_masked": lambda: window(
        5, 9, 2, padding=Padding.ZERO, channels=2, input_pixels=3, pixels=3, folds=3
    ),
    "window_wide_late": lambda: window(
        5, 6, 2, channels=2, padding=Padding.PLUS, input_pixels=3, pixels=3, payload_delay=1
    ),
    "window_rows": lambda: window(6, 4, 1, padding=Padding.ZERO, input_pixels=8, pixels=8),
    "window_row_to_pixels": lambda: window(
        5, 8, 1, code=(BIPOLAR, 2), input_pixels=8, pixels=2, folds=2, payload_delay=1
    ),
    "window_frame": lambda: window(4, 4, 2, channels=2, stride=2, input_pixels=16, pixels=1),
    "dot_plain": lambda: dot(plain(6, 24), BIPOLAR, 1, 2, 8, post=thresholds(6, 1, 8)),
    "dot_bytes": lambda: dot(plain(4, 18), UNSIGNED, 8, 2, 9, post=thresholds(4, 3, 900)),
    "dot_masked": lambda: dot(plain(4, 18), BIPOLAR, 2, 4, 9, masked=True),
    "dot_codebook": lambda: dot(codebook(8, 4, 3), BIPOLAR, 1, 4, 18, post=thresholds(8, 1, 9)),
    "dot_codebook_block": lambda: dot(codebook(8, 2, 4), BIPOLAR, 1, 2, 9, memory="block"),
    "dot_tiled": lambda: dot(tiled(8, 16, [1] * 4), BIPOLAR, 1, 2, 8, post=thresholds(8, 1, 9)),
    "dot_tiled_crossing": lambda: dot(tiled(4, 20, [3, 1, 2, 5, 1]), BIPOLAR, 2, 2, 4),
    "dot_two_pixels": lambda: dot(plain(4, 16), BIPOLAR, 1, 2, 8, pixels=2),
    "dot_whole_pixels": lambda: dot(
        plain(6, 12), BIPOLAR, 1, 6, 12, pixels=4, post=thresholds(6, 1, 6)
    ),
    "dot_frame": lambda: dot(plain(16, 784), BIPOLAR, 1, 16, 784, post=thresholds(16, 1, 40)),
    "dot_payload_delay": lambda: dot(
        plain(4, 16), BIPOLAR, 1, 2, 8, memory="logic", payload_delay=1
    ),
    "dot_payload_delay_2": lambda: dot(
        plain(8, 16), BIPOLAR, 2, 2, 8, memory="block", payload_delay=2, x_branches=1
    ),
    "dot_large": lambda: dot(
        plain(16, 264), BIPOLAR, 1, 4, 132, memory="block", pixels=4, payload_delay=2
    ),
    "dot_planes": lambda: dot(planes(6, 3), BIPOLAR, 2, 2, 9, post=thresholds(6, 3, 90)),
    "dot_planes_in_series": lambda: dot(
        planes(6, 4), BIPOLAR, 4, 2, 9, masked=True, x_branches=2, w_branches=1
    ),
    "dot_bytes_in_series": lambda: dot(
        *(plain(4, 18), UNSIGNED, 8, 2, 9), post=thresholds(4, 1, 900), x_branches=1
    ),
    "dot_affine": lambda: dot(plain(10, 12), BIPOLAR, 1, 5, 12, post=affine(10)),
    "deal": lambda: DealUnit(pixel=Lanes(2, 1), pixels=3, passes=2, groups=2),
    "deal_pairs": lambda: DealUnit(pixel=Lanes(4, 3), pixels=2, passes=3, groups=2, pe=2),
    "lookup": lambda: lookup(8, 3, 4, lanes=2, dot9=2),
    "lookup_balanced": lambda: lookup(16, 4, 3, lanes=2),
    "block_lookup": lambda: block_lookup(6, 8, 3, pixels=4, ports=4, dot9=2),
    "block_lookup_ecp5": lambda: block_lookup(8, 4, 4, pixels=9, ports=4, dot9=1, form="ecp5"),
    "block_lookup_counts": lambda: block_lookup(6, 4, 5, pixels=3, ports=2, dot9=2, fill="block"),
    "shared_rows": lambda: shared_rows(6, 12, 2, pe=2, simd=4),
    "shared_rows_short": lambda: shared_rows(4, 8, 2, pe=2, simd=8),
    "shared_rows_some_at_once": lambda: shared_rows(4, 8, 4, pe=2, simd=4, at_once=2, pixels=2),
    "shared_rows_at_once": lambda: shared_rows(4, 8, 4, pe=2, simd=4, at_once=4, pixels=3),
    "unrolled": lambda: unrolled(plain(8, 24), BIPOLAR, 1, post=thresholds(8, 1, 8)),
    "unrolled_bytes": lambda: unrolled(plain(6, 9), UNSIGNED, 8, post=thresholds(6, 3, 900)),
    "unrolled_codebook": lambda: unrolled(codebook(8, 2, 3), BIPOLAR, 1, pixels=2),
    "unrolled_tiled": lambda: unrolled(tiled(4, 20, [3, 1, 2, 5, 1]), BIPOLAR, 2, post=affine(4)),
    "unrolled_planes": lambda: unrolled(planes(6, 3), BIPOLAR, 2, post=thresholds(6, 7, 90)),
    "threshold": lambda: ThresholdUnit(
        layer=thresholds(4, 1, 20), input=TensorType.integers(3, 2, 4, -30, 30), lanes=2
    ),
    "threshold_tree": lambda: ThresholdUnit(
        layer=thresholds(4, 7, 90),
        input=TensorType.integers(2, 2, 4, -100, 99),
        lanes=2,
        form="tree",
    ),
    "threshold_3_bit": lambda: ThresholdUnit(
        layer=thresholds(6, 7, 90), input=TensorType.integers(2, 2, 6, -100, 99), lanes=3
    ),
    "threshold_rows": lambda: ThresholdUnit(
        layer=thresholds(2, 3, 20), input=TensorType.integers(4, 3, 2, -30, 30), lanes=12
    ),
    "affine_pixels": lambda: AffineUnit(
        layer=affine(2), input=TensorType.integers(2, 6, 2, -50, 70), lanes=6
    ),
    "affine": lambda: AffineUnit(
        layer=affine(6), input=TensorType.integers(2, 1, 6, -50, 70), lanes=2
    ),
    "maxpool": lambda: MaxPool2dUnit(input=TensorType.codes(4, 6, 4, 1), lanes=2),
    "maxpool_integers": lambda: MaxPool2dUnit(input=TensorType.integers(5, 5, 2, -9, 9), lanes=1),
    "maxpool_pixels": lambda: MaxPool2dUnit(input=TensorType.codes(5, 8, 2, 2), lanes=8),
    "maxpool_odd_pixels": lambda: MaxPool2dUnit(input=TensorType.codes(4, 6, 2, 1), lanes=6),
    "maxpool_row": lambda: MaxPool2dUnit(input=TensorType.integers(5, 5, 2, -9, 9), lanes=10),
    "maxpool_odd_rows": lambda: MaxPool2dUnit(input=TensorType.codes(6, 4, 1, 3), lanes=12),
    "maxpool_frame": lambda: MaxPool2dUnit(input=TensorType.codes(7, 5, 2, 1), lanes=70),
    "avgpool_pixels": lambda: AvgPool2dUnit(
        layer=AvgPool2d(2), input=TensorType.codes(5, 8, 2, 2), lanes=8
    ),
    "avgpool_overlapping_rows": lambda: AvgPool2dUnit(
        layer=AvgPool2d(3, 2), input=TensorType.integers(6, 7, 2, -9, 5), lanes=14
    ),
    "avgpool_rows": lambda: AvgPool2dUnit(
        layer=AvgPool2d(2), input=TensorType.codes(4, 5, 2, 1), lanes=20
    ),
    "globalavgpool_pixels": lambda: GlobalAvgPoolUnit(input=TensorType.codes(3, 4, 2, 3), lanes=4),
    "globalavgpool_frame": lambda: GlobalAvgPoolUnit(input=TensorType.codes(3, 5, 2, 1), lanes=30),
    "avgpool": lambda: AvgPool2dUnit(
        layer=AvgPool2d(2), input=TensorType.codes(4, 5, 4, 2), lanes=2
    ),
    "avgpool_overlapping": lambda: AvgPool2dUnit(
        layer=AvgPool2d(3, 2), input=TensorType.integers(5, 7, 2, -9, 5), lanes=1
    ),
    "globalavgpool": lambda: GlobalAvgPoolUnit(input=TensorType.codes(3, 4, 4, 1), lanes=2),
    "depthwise": lambda: depthwise(4, (BIPOLAR, 2), "zero", 2),
    "depthwise_two_rows": lambda: depthwise(3, (BIPOLAR, 1), "minus", 3, pixels=10),
    "depthwise_bytes": lambda: depthwise(3, (UNSIGNED, 8), "none", 3),
    "wide_network": wide_network,
    "fork_add": lambda: twice((0, 0)),
    "fork_add_queued": lambda: twice((3, 5)),
    "fork_add_row": lambda: twice((0, 0), 16),
    "argmax_lanes": lambda: ArgmaxUnit(input=TensorType.integers(1, 1, 12, -7, 7), lanes=3),
    "argmax_all": lambda: ArgmaxUnit(input=TensorType.integers(1, 1, 10, -7, 7), lanes=10),
    "argmax": lambda: ArgmaxUnit(input=TensorType.integers(1, 1, 10, -7, 7)),
}


@dataclass(frozen=True)
class ComponentResult:
    """What the simulation of one case found; see subbit.sim.run.SimResult for the fields."""

    name: str
    kind: str
    frames: int
    mismatches: int
    first_difference: Difference | None
    cycles: int


def random_beats(unit: Unit, frames: int, seed: int) -> Beats:
    """Input beats of some frames, from the whole range that the unit's input may have."""
    low, high = unit.i_range
    return RNG(seed).integers(low, high + 1, (frames * unit.i_beats, unit.i.lanes), np.int64)


def simulate_components(
    names: Sequence[str] | None = None,
    *,
    frames: int = 20,
    backpressure: str = "none",
    seed: int = 1,
    folder: Path = FOLDER,
    models: Path | None = None,
    waves: bool = False,
    progress: Progress = SILENT,
) -> list[ComponentResult]:
    """Run the named cases, by default all, on random input; compare them as ``simulate`` does.

    Raises SubbitError where a name is unknown, ToolError where a tool is missing or fails.
    """
    names = list(names or CASES)
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise SubbitError(f"there is no case {unknown[0]!r}; there are {', '.join(CASES)}")
    units = {name: CASES[name]() for name in names}
    designs = [unit_design(name, unit) for name, unit in units.items()]
    inputs = [random_beats(unit, frames, seed) for unit in units.values()]
    model = build_designs(designs, models or folder / "models", waves=waves, progress=progress)
    results = []
    with run_folder(folder / "components") as place:
        outcomes = run_designs(
            *(model, designs, inputs),
            backpressure=backpressure,
            seed=seed,
            folder=place,
            waves=waves,
            progress=progress,
        )
        for design, beats, outcome in zip(designs, inputs, outcomes, strict=True):
            trace = design.trace(frames) if backpressure == "none" else None
            found = compare(design, outcome.folder, beats, trace, None)
            kind = units[design.name].kind()
            counts = (found.mismatches, found.first, outcome.cycles)
            results.append(ComponentResult(design.name, kind, frames, *counts))
    return results
