"""What a stem of 8 x 8 bits takes on multipliers and on branches, at the same rate."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from subbit.hw.contract.limits import MEASURED
from subbit.sw.bench.costs import map_units
from subbit.sw.errors import SubbitError
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.network import Network
from subbit.sw.ir.random_weights import random_planes, random_threshold
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.lower.stages.dot import DotStage

__all__ = ["FOLDINGS", "StemRow", "bench_multipliers", "stem_network"]

FABRIC, BITS, SEED = "ecp5", 8, 1
FOLDINGS = ((2, 49), (1, 147))  # PE and SIMD: 98 and 147 multipliers
ENGINES: dict[str, dict[str, Any]] = {"multipliers": {}, "direct": {"popcount": FABRIC}}


@dataclass(frozen=True)
class StemRow:
    """The stem on an engine, window and thresholds included, after synthesis for an ECP5.

    ``cycles`` a frame; ``engine_lut4`` those of the engine alone; ``lut4_ratio``: of all LUT4s, to
    those of branches (the engine ``direct``) with the same folding.
    """

    engine: str
    pe: int
    simd: int
    cycles: int
    lut4: int
    engine_lut4: int
    flip_flops: int
    block_rams: int
    multipliers: int
    lut4_ratio: float


def stem_network(side: int, kernel: int, outputs: int, out_bits: int = 4) -> Network:
    """A convolution of stride 2 over pictures of ``side`` x ``side`` bytes of three colours, to
    codes of ``out_bits`` bits; weights of 8 bits at random.
    """
    rng = np.random.default_rng(SEED)
    weights = random_planes(rng, BITS, (outputs, 3, kernel, kernel))
    reach = round(3 * (weights.row_length * 4.0 ** (2 * BITS - 1)) ** 0.5)
    after = random_threshold(rng, outputs, (1 << out_bits) - 1, reach)
    x = TensorType.codes(side, side, 3, BITS, Encoding.UNSIGNED)
    layers = {"conv": Conv2d(weights, 2, Padding.ZERO), "act": after}
    return Network.chain("stem", x, layers)


def bench_multipliers(
    foldings: Sequence[tuple[int, int]] = FOLDINGS,
    *,
    side: int = 224,
    kernel: int = 7,
    outputs: int = 64,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Map a stem with each folding (PE and SIMD) on both engines: ``stems``, a StemRow each.

    Raises SubbitError where a folding does not fit the layer, ToolError where Yosys fails.
    """
    network = stem_network(side, kernel, outputs)
    rows: list[StemRow] = []
    for pe, simd in foldings:
        found: dict[str, StemRow] = {}
        for engine, settings in ENGINES.items():
            progress.phase(f"{engine}, pe {pe}, simd {simd}")
            stage = DotStage(layers=("conv", "act"), pe=pe, simd=simd, engine=engine, **settings)
            found[engine] = mapped_row(stage, network)
        if len({row.cycles for row in found.values()}) > 1:
            raise SubbitError("the engines take unlike numbers of cycles")
        branches = found["direct"].lut4
        rows += [replace(r, lut4_ratio=round(r.lut4 / branches, 4)) for r in found.values()]
    return {
        "fabric": FABRIC,
        "outputs": list(network.types["act"].shape),
        "kernel": kernel,
        "stems": [asdict(row) for row in rows],
    }


def mapped_row(stage: DotStage, network: Network) -> StemRow:
    """The stage's units after synthesis; the ratio is left open."""
    units = dict(stage.units(network, MEASURED))
    cells = map_units(units, FABRIC)
    engine = cells["multipliers" if "multipliers" in cells else "dot"]
    whole = sum(cells.values(), start=type(engine)())
    return StemRow(
        engine=stage.engine,
        pe=stage.pe,
        simd=stage.simd,
        cycles=max(unit.interval_cycles for unit in units.values()),
        engine_lut4=engine.lut4,
        **whole.counts,
        lut4_ratio=0.0,
    )
