"""Trained networks of several precisions side by side, with the same folding."""

import tempfile
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from subbit.boards import board
from subbit.sw.bench.precision import FABRIC, PAIRS, SEED, bench_engines, mapped
from subbit.sw.errors import PlanError
from subbit.sw.evaluate import evaluate_dataset
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.layers.convolution import Convolution
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.network import Network
from subbit.sw.ir.planes import branches_of
from subbit.sw.lower.graph import groups, lanes_before
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner import DEFAULT_LUT4, Planned, default_plan, planned
from subbit.sw.shares import sampled

__all__ = ["alike", "bench_networks", "bench_precision", "precision_of"]

BOARD = board("ulx3s-85f")
SAME = ("pe", "simd", "pixels", "weights", "popcount", "lanes", "channels", "fifo")
NAMES = ("lut4", "flip_flops", "block_rams")


def bench_precision(
    networks: Iterable[Network] = (),
    pairs: Iterable[tuple[int, int]] = PAIRS,
    pe: int = 4,
    simd: int = 36,
    portable: bool = True,
    *,
    lut4: int = DEFAULT_LUT4,
    data: Path | None = None,
    limit: int | None = None,
    synthesise: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``subbit bench precision --json`` prints: bench_engines and bench_networks, and beside
    an engine the accuracy of the network of its bits. Raises SubbitError.
    """
    engines = bench_engines(pairs, pe, simd, portable, progress)
    trained = bench_networks(networks, lut4, data, limit, synthesise, progress)
    for row in engines:
        same = [t["accuracy"] for t in trained if (t["m"], t["k"]) == (row["m"], row["k"])]
        row["accuracy"] = same[0] if same else None
    found = {"fabric": FABRIC, "seed": SEED, "pe": pe, "simd": simd, "engines": engines}
    return found | {"networks": trained}


def bench_networks(
    networks: Iterable[Network],
    lut4: int,
    data: Path | None = None,
    limit: int | None = None,
    synthesise: bool = False,
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """A row for each network, planned with the folding that the first gets for ``lut4`` LUTs.

    ``m``, ``k``: see precision_of; ``correct`` of ``images`` and their share ``accuracy``: of
    ``limit`` images drawn by class from the folder ``data`` (of so many, see sampled), or without
    one what the network's file says; ``weight_bits``, ``cycles`` of a frame, ``lut4`` and
    ``block_rams``, estimated or (``synthesise``) as Yosys maps them for an ECP5. Raises
    SubbitError.
    """
    rows: list[dict[str, Any]] = []
    reference: Plan | None = None
    for network in networks:
        progress.phase(network.name)
        plan = alike(network, reference) if reference else default_plan(network, BOARD, lut4)
        reference = reference or plan
        result = planned(network, BOARD, plan)
        row = precision_of(network) | {"network": network.name, "weight_bits": network.weight_bits}
        row |= accuracy(network, data, limit) | {"synthesised": synthesise}
        row["cycles"] = result.timing.interval_cycles
        rows.append(row | cells(result, synthesise, progress))
    progress.phase("")
    return rows


def precision_of(network: Network) -> dict[str, Any]:
    """``m``: the most bits of the codes that its layers behind the first take; ``k``: the most bit
    planes of a layer's weights; ``encodings`` of these.
    """
    bits, planes, encodings = [1], [1], set()
    for node in network.nodes:
        if not isinstance(node.layer, (Convolution, Linear)):
            continue
        weights = node.layer.weights
        x = network.types[node.inputs[0]]
        bits += [x.bits] if "input" not in node.inputs else []
        planes.append(len(branches_of(weights)))
        encodings |= {plane.encoding for _, plane in branches_of(weights)}
    return {"m": max(bits), "k": max(planes), "encodings": sorted(encodings)}


def alike(network: Network, reference: Plan) -> Plan:
    """A plan with the folding of the stages of the same names in another plan."""
    twins = {stage.layers[0]: stage for stage in reference.stages}
    stages: list[Stage] = []
    lanes: dict[str, int] = {}
    for cls, layers in groups(network):
        stage = cls.default(network, layers, lanes_before(network, layers, lanes))
        twin = twins.get(layers[0])
        if twin and isinstance(stage, twin.__class__):
            known = {field.name for field in fields(twin)}
            folding = {name: getattr(twin, name) for name in SAME if name in known}
            stage = replace(stage, **folding)
        try:
            units = stage.units(network)
        except PlanError as error:
            raise PlanError(
                f"network {network.name!r} cannot have the folding of the first network: {error}"
            ) from None
        lanes[layers[-1]] = units[-1][1].o.lanes
        stages.append(stage)
    return Plan(network.digest, tuple(stages), device=reference.device)


def accuracy(network: Network, data: Path | None, limit: int | None) -> dict[str, Any]:
    """``accuracy``, ``correct`` and ``images``: of the images in the folder, or what the file says,
    or None where it says nothing.
    """
    if data is not None:
        found = evaluate_dataset(network, data, limit)
        total = found.population or found.images
        drawn = sampled(found.correct, found.images, total, found.seed)
        return shares(found.correct, found.images) | drawn
    said = network.metadata.get("accuracy")
    row = said if isinstance(said, dict) else {}
    correct, images = row.get("correct"), row.get("images")
    if type(correct) is not int or type(images) is not int or not 0 <= correct <= images != 0:
        return {"accuracy": None, "correct": None, "images": None}
    return shares(correct, images)


def shares(correct: int, images: int) -> dict[str, Any]:
    """The numbers and their share."""
    return {"accuracy": round(correct / images, 4), "correct": correct, "images": images}


def cells(result: Planned, synthesise: bool, progress: Progress) -> dict[str, int]:
    """LUT4s and block RAMs of the accelerator, without its host link."""
    if not synthesise:
        return {name: getattr(result.cost, name) for name in NAMES}
    from subbit.hw.design.accelerator import Accelerator

    pipeline = Pipeline(result.network, result.plan)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as folder:
        found = mapped(Accelerator(pipeline=pipeline), Path(folder), progress)
    return {name: found[name] for name in NAMES}
