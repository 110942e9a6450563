"""Plan: which engine computes each layer, and with what folding. A JSON file that can be edited."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import INPUT, Network
from subbit.sw.kinds import layer_kind
from subbit.sw.stages.stage import Stage

__all__ = ["Plan", "check_plan", "load_plan", "save_plan", "smallest_plan"]

PLAN_VERSION = 1
MAX_PLAN_BYTES = 4 << 20


@dataclass(frozen=True)
class Plan:
    """The stages of a network in order; ``network`` is the digest of the network they were made
    for.
    """

    network: str
    stages: tuple[Stage, ...]


def groups(network: Network) -> Iterator[tuple[type[Stage], tuple[str, ...]]]:
    """The layers that each stage computes, with the stage's class; layers that are mere wiring are
    left out.

    Raises PlanError where the network is no chain.
    """
    source = INPUT
    for node in network.nodes:
        if node.inputs != (source,):
            raise PlanError(
                f"layer {node.name!r} reads {', '.join(node.inputs)}; only chains can be built, "
                "each layer reading the one before it"
            )
        source = node.name
    rest = [node for node in network.nodes if layer_kind(node.layer.kind).stage]
    while rest:
        node, *rest = rest
        cls: type[Stage] = layer_kind(node.layer.kind).load("stage")
        layers = [node.name]
        while rest and rest[0].inputs == (layers[-1],) and cls.absorbs(network, node, rest[0]):
            node, *rest = rest
            layers.append(node.name)
        yield cls, tuple(layers)


def smallest_plan(network: Network) -> Plan:
    """The plan with the least hardware: everything folded as far as it goes."""
    stages: list[Stage] = []
    lanes = 1
    for cls, layers in groups(network):
        stages.append(cls.default(network, layers, lanes))
        lanes = stages[-1].units(network)[-1][1].o.lanes
    return Plan(network.digest, tuple(stages))


def check_plan(network: Network, plan: Plan) -> None:
    """Raise PlanError unless the plan's stages are those of the network, in order."""
    wanted = list(groups(network))
    for position, (cls, layers) in enumerate(wanted):
        stage = plan.stages[position] if position < len(plan.stages) else None
        if stage is None or stage.layers != layers or type(stage) is not cls:
            found = "missing" if stage is None else f"of the layers {', '.join(stage.layers)}"
            raise PlanError(
                f"stage {position + 1} must be of the layers {', '.join(layers)} but is {found}; "
                "make a new plan with `subbit plan`"
            )
    if len(plan.stages) > len(wanted):
        raise PlanError(f"the plan has {len(plan.stages)} stages, the network has {len(wanted)}")


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write the plan as JSON, whole or not at all; raises PlanError where it cannot be written."""
    rows = [json.dumps(stage.to_json()) for stage in plan.stages]
    head = (
        f'{{\n  "subbit_plan": {PLAN_VERSION},\n  "network": "{plan.network}",\n  "stages": [\n    '
    )
    try:
        write_atomic(Path(path), head + ",\n    ".join(rows) + "\n  ]\n}\n")
    except OSError as error:
        raise PlanError(f"cannot write the plan to {path}: {error.strerror}") from None


def load_plan(path: str | os.PathLike[str], network: Network) -> Plan:
    """Read and check a plan for ``network``; raises PlanError, naming the file, the stage and what
    is wrong.
    """
    try:
        if Path(path).stat().st_size > MAX_PLAN_BYTES:
            raise PlanError("too large for a plan")
        row = json.loads(Path(path).read_text(encoding="utf-8"))
        return parse_plan(row, network)
    except OSError as error:
        raise PlanError(
            f"{path}: cannot read the plan ({error.strerror}); check the path"
        ) from None
    except (ValueError, RecursionError):
        raise PlanError(f"{path}: not a JSON file; make a plan with `subbit plan`") from None
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from None


def parse_plan(row: Any, network: Network) -> Plan:
    """The plan in a JSON value."""
    if not isinstance(row, dict) or not isinstance(row.get("stages"), list):
        raise PlanError("not a plan; make one with `subbit plan`")
    if row.get("subbit_plan") != PLAN_VERSION:
        raise PlanError(
            f"plan version {row.get('subbit_plan')!r}; this subbit reads version {PLAN_VERSION}"
        )
    if row.get("network") != network.digest:
        raise PlanError(
            f"the plan is for another network than {network.name!r}; "
            "make a new one with `subbit plan`"
        )
    stages = []
    for stage_row, (cls, layers) in zip(row["stages"], groups(network), strict=False):
        if not isinstance(stage_row, dict) or stage_row.get("layers") != list(layers):
            raise PlanError(
                f"the stage of the layers {', '.join(layers)} is missing or out of order"
            )
        try:
            stages.append(cls.from_json(stage_row, layers))
        except PlanError as error:
            raise PlanError(f"stage {layers[0]!r}: {error}") from None
    plan = Plan(network.digest, tuple(stages))
    if len(row["stages"]) > len(stages):
        raise PlanError(f"the plan has {len(row['stages'])} stages, the network has {len(stages)}")
    check_plan(network, plan)
    return plan
