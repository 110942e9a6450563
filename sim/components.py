"""Every component alone: a table of small cases, all in one simulation model side by side.

A component kind that is added gets its cases here; docs/use/simulation.md shows how.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.depthtospace import DepthToSpaceUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.layers.pad import PadUnit
from subbit.hw.layers.select import SelectUnit
from subbit.hw.layers.upsample import UpsampleUnit
from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.hw.post.affine import AffineUnit
from subbit.hw.post.threshold import ThresholdUnit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sim.compare import Difference, compare
from subbit.sim.design import unit_design
from subbit.sim.place import run_folder
from subbit.sim.run import FOLDER
from subbit.sim.runner import build_designs, run_designs
from subbit.sim.small_units import (
    BIPOLAR,
    UNSIGNED,
    affine,
    beside,
    block_lookup,
    codebook,
    depthwise,
    dot,
    lookup,
    plain,
    planes,
    products,
    random_beats,
    shared_rows,
    thresholds,
    tiled,
    twice,
    unrolled,
    wide_network,
    window,
)
from subbit.sw.errors import SubbitError
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.types import TensorType

__all__ = ["CASES", "ComponentResult", "Components", "simulate_components"]

CASES: dict[str, Callable[[], Unit]] = {
    "upsize": lambda: UpsizeUnit(element=Lanes(3, 2), ratio=5, beats=20),
    "upsize_single": lambda: UpsizeUnit(element=Lanes(3, 2), ratio=5, beats=20, single=True),
    "upsize_frame": lambda: UpsizeUnit(element=Lanes(1, 8), ratio=784, beats=784, single=True),
    "upsize_by_1": lambda: UpsizeUnit(element=Lanes(2, 3), ratio=1, beats=7),
    "upsize_runs": lambda: UpsizeUnit(element=Lanes(6, 2), ratio=3, beats=9, runs=2),
    "downsize": lambda: DownsizeUnit(element=Lanes(15, 2), ratio=5, beats=5),
    "fifo": lambda: FifoUnit(element=Lanes(3, 5, True), depth=4, beats=9, memory="distributed"),
    "fifo_depth_1": lambda: FifoUnit(element=Lanes(1, 4), depth=1, beats=9),
    "fifo_block": lambda: FifoUnit(element=Lanes(2, 9), depth=32, beats=50, memory="block"),
    "replay": lambda: ReplayUnit(element=Lanes(4, 2), words=3, folds=4, vectors=5),
    "replay_registers": lambda: ReplayUnit(
        element=Lanes(4, 2), words=3, folds=4, vectors=5, memory="registers"
    ),
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
    "window_oblong": lambda: window(
        *(1, 9, 4),
        kernel=(1, 4),
        stride=(1, 2),
        padding=Padding.ZERO,
        channels=2,
        pads=(0, 2, 0, 1),
    ),
    "window_dilated": lambda: window(
        *(7, 7, 2), kernel=(3, 2), dilation=(2, 3), padding=Padding.PLUS, channels=2, folds=2
    ),
    "window_groups": lambda: window(
        5, 5, 6, kernel=2, stride=2, padding=Padding.ZERO, channels=2, groups=3, folds=2
    ),
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
    "dot_frame": lambda: dot(plain(2, 392), BIPOLAR, 1, 2, 392, post=thresholds(2, 1, 40)),
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
    "products": lambda: products(4, 9, 8, UNSIGNED, 8, pe=2, simd=3, post=thresholds(4, 3, 90000)),
    "products_packed": lambda: products(4, 8, 4, BIPOLAR, 4, pe=4, simd=2, packed=2, pixels=2),
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
    "folded": lambda: unrolled(plain(6, 9), UNSIGNED, 8, fold=4, post=thresholds(6, 3, 900)),
    "folded_pixels": lambda: unrolled(plain(5, 8), BIPOLAR, 2, fold=2, pixels=2, post=affine(5)),
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
    "windowmax": lambda: WindowMaxUnit(
        layer=MaxPool2d(3, 2, (1, 1, 1, 1)), input=TensorType.codes(5, 6, 4, 2), lanes=2
    ),
    "windowmax_integers": lambda: WindowMaxUnit(
        layer=MaxPool2d((2, 3), 1, (1, 0, 0, 2)), input=TensorType.integers(4, 4, 2, -9, 9), lanes=1
    ),
    "windowmax_row": lambda: WindowMaxUnit(
        layer=MaxPool2d(3, 2, (1, 1, 1, 1)), input=TensorType.codes(5, 6, 2, 1), lanes=12
    ),
    "avgpool_padded": lambda: AvgPool2dUnit(
        layer=AvgPool2d(3, 2, (1, 1, 1, 1)), input=TensorType.codes(5, 6, 2, 2), lanes=2
    ),
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
    "concat": lambda: beside(2),
    "concat_pixels": lambda: beside(16),
    "select": lambda: SelectUnit(
        layer=Select.slice(2, 6), input=TensorType.codes(3, 2, 8, 2), lanes=2
    ),
    "select_pixels": lambda: SelectUnit(
        layer=Select.shuffle(6, 3), input=TensorType.integers(3, 4, 6, -9, 9), lanes=12
    ),
    "replay_in_order": lambda: ReplayUnit(
        element=Lanes(1, 3), words=6, folds=1, vectors=5, order=(0, 2, 4, 1, 3, 5)
    ),
    "upsample": lambda: UpsampleUnit(
        layer=Upsample(2, 2), input=TensorType.codes(3, 4, 4, 2), lanes=2
    ),
    "upsample_pixels": lambda: UpsampleUnit(
        layer=Upsample(4, 2), input=TensorType.integers(2, 4, 2, -9, 9), lanes=8
    ),
    "depthtospace": lambda: DepthToSpaceUnit(
        layer=DepthToSpace(2, 2), input=TensorType.codes(2, 4, 8, 2), lanes=2
    ),
    "depthtospace_pixels": lambda: DepthToSpaceUnit(
        layer=DepthToSpace(3, 1), input=TensorType.integers(2, 4, 6, -9, 9), lanes=4
    ),
    "pad": lambda: PadUnit(layer=Pad(1, 2, 1, 0, 1), input=TensorType.codes(3, 4, 4, 2), lanes=2),
    "pad_row": lambda: PadUnit(layer=Pad(1, 2, 1, 0), input=TensorType.codes(3, 4, 2, 1), lanes=8),
    "argmax_lanes": lambda: ArgmaxUnit(input=TensorType.integers(1, 1, 12, -7, 7), lanes=3),
    "argmax_all": lambda: ArgmaxUnit(input=TensorType.integers(1, 1, 10, -7, 7), lanes=10),
    "argmax_map": lambda: ArgmaxUnit(input=TensorType.integers(2, 3, 6, -7, 7), lanes=2),
    "argmax_map_folded": lambda: ArgmaxUnit(input=TensorType.integers(3, 2, 5, -7, 7)),
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
    components = Components(names)
    components.build(models or folder / "models", waves=waves, progress=progress)
    return components.run(
        frames=frames,
        backpressure=backpressure,
        seed=seed,
        folder=folder,
        waves=waves,
        progress=progress,
    )


class Components:
    """The named cases, by default all, in one model for any number of runs.

    Raises SubbitError where a name is unknown.
    """

    def __init__(self, names: Sequence[str] | None = None) -> None:
        names = list(names or CASES)
        unknown = [name for name in names if name not in CASES]
        if unknown:
            raise SubbitError(f"there is no case {unknown[0]!r}; there are {', '.join(CASES)}")
        self.units = {name: CASES[name]() for name in names}
        self.designs = [unit_design(name, unit) for name, unit in self.units.items()]

    def build(self, models: Path, *, waves: bool = False, progress: Progress = SILENT) -> None:
        """Compile the model, or take it from the folder; raises ToolError as subbit.sim.runner."""
        self.model = build_designs(self.designs, models, waves=waves, quick=True, progress=progress)

    def run(
        self,
        *,
        frames: int,
        backpressure: str,
        seed: int,
        folder: Path,
        waves: bool = False,
        progress: Progress = SILENT,
    ) -> list[ComponentResult]:
        """Run the cases on random input of ``frames`` frames each, and compare every stream."""
        inputs = [random_beats(unit, frames, seed) for unit in self.units.values()]
        results = []
        with run_folder(folder / "components") as place:
            outcomes = run_designs(
                *(self.model, self.designs, inputs),
                backpressure=backpressure,
                seed=seed,
                folder=place,
                waves=waves,
                progress=progress,
            )
            for design, beats, outcome in zip(self.designs, inputs, outcomes, strict=True):
                trace = design.trace(frames) if backpressure == "none" else None
                found = compare(design, outcome.folder, beats, trace, None)
                kind = self.units[design.name].kind()
                counts = (found.mismatches, found.first, outcome.cycles)
                results.append(ComponentResult(design.name, kind, frames, *counts))
        return results
