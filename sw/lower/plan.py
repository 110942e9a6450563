"""Plan: which engine computes each layer, and with what folding. A JSON file that can be edited."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subbit.boards import DEVICES
from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.sw.atomic import advice, write_atomic
from subbit.sw.errors import PlanError, quote
from subbit.sw.ir.limits import MAX_QUEUE_BEATS
from subbit.sw.ir.network import Network
from subbit.sw.loading import loading, strict_json
from subbit.sw.lower.graph import edges, forks, groups, lanes_before
from subbit.sw.lower.stages.stage import Stage

__all__ = ["Plan", "check_plan", "groups", "load_plan", "plan_text", "save_plan", "smallest_plan"]

PLAN_VERSION = 1
MAX_PLAN_BYTES = 4 << 20
KEYS = ("subbit_plan", "network", "device", "stages", "queues", "memories")
MEMORIES = ("auto", "block", "distributed")


@dataclass(frozen=True)
class Plan:
    """The stages of a network in order; ``network`` is the digest of the network they were made
    for.

    ``queues``: where a tensor has several readers, the depth of the FIFO in front of each, 0 for
    none, by the name of the stream (see Edge). Those that are not named get the least depth that
    costs no rate; a chain has none. ``memories``: where FIFOs live that are not where their size
    says, ``block`` RAM or ``distributed``, by the first layer of the stage in front, or for a queue
    by its stream. ``device``: the name of the part that the plan is for, which decides from what
    size on engines have registers more; None is an LFE5U-85F.
    """

    network: str
    stages: tuple[Stage, ...]
    queues: tuple[tuple[str, int], ...] = ()
    device: str | None = None
    memories: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        where = f" on {self.device}" if self.device else ""
        return f"<Plan of {len(self.stages)} stages for network {self.network[:12]}{where}>"

    @property
    def limits(self) -> SizeLimits:
        """What counts as large on the plan's part; raises PlanError where no board has that."""
        if self.device is None:
            return MEASURED
        if self.device not in DEVICES:
            raise PlanError(
                f"'device' must be one of {', '.join(DEVICES)}, not {quote(self.device)}; "
                "or leave it out"
            )
        return DEVICES[self.device].limits


def smallest_plan(network: Network) -> Plan:
    """The plan with the least hardware: everything folded as far as it goes."""
    stages: list[Stage] = []
    lanes: dict[str, int] = {}
    for cls, layers in groups(network):
        stages.append(cls.default(network, layers, lanes_before(network, layers, lanes)))
        lanes[layers[-1]] = stages[-1].units(network)[-1][1].o.lanes
    return Plan(network.digest, tuple(stages))


def check_plan(network: Network, plan: Plan) -> None:
    """Raise PlanError unless the plan's stages are those of the network, in order, and its queues
    those of tensors that several stages read.
    """
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
    _ = plan.limits
    check_queues(network, plan)


def check_queues(network: Network, plan: Plan) -> None:
    """Raise PlanError where a queue has no place, or a memory no FIFO."""
    streams = edges(network, [stage.layers for stage in plan.stages])
    places = [edge.name for readers in forks(streams).values() for edge in readers]
    for name, depth in plan.queues:
        if name not in places:
            there = ", ".join(places) or "none, as no tensor has several readers"
            raise PlanError(f"there is no place for a queue {quote(name)}; there are {there}")
        if type(depth) is not int or not 0 <= depth <= MAX_QUEUE_BEATS:
            raise PlanError(
                f"queue {quote(name)} has a depth of 0 to {MAX_QUEUE_BEATS}, not {quote(depth)}"
            )
    places += [stage.layers[0] for stage in plan.stages]
    for name, memory in plan.memories:
        if name not in places:
            raise PlanError(
                f"there is no FIFO {quote(name)} to live in a memory; FIFOs are named by the first "
                f"layer of their stage, or by their stream: {', '.join(places)}"
            )
        if memory not in MEMORIES:
            raise PlanError(
                f"FIFO {quote(name)} lives in one of {', '.join(MEMORIES)}, not {quote(memory)}"
            )


def plan_text(plan: Plan) -> str:
    """The plan as JSON, which is what its file holds."""
    rows = [json.dumps(stage.to_json()) for stage in plan.stages]
    head = f'{{\n  "subbit_plan": {PLAN_VERSION},\n  "network": "{plan.network}",\n'
    head += f'  "device": {json.dumps(plan.device)},\n' if plan.device is not None else ""
    head += '  "stages": [\n    '
    tail = f',\n  "queues": {json.dumps(dict(plan.queues))}' if plan.queues else ""
    tail += f',\n  "memories": {json.dumps(dict(plan.memories))}' if plan.memories else ""
    return head + ",\n    ".join(rows) + f"\n  ]{tail}\n}}\n"


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Write the plan as JSON, whole or not at all; raises PlanError where it cannot be written."""
    try:
        write_atomic(Path(path), plan_text(plan))
    except OSError as error:
        raise PlanError(
            f"cannot write the plan to {path} ({error.strerror}); {advice(error)}"
        ) from None


def load_plan(path: str | os.PathLike[str], network: Network) -> Plan:
    """Read and check a plan for ``network``; raises PlanError, naming the file, the stage and what
    is wrong.
    """
    damaged = "not a JSON file ({reason}); make a plan with `subbit plan`"
    with loading(Path(path), PlanError, damaged, "the plan"):
        return parse_plan(strict_json(read_plan(Path(path))), network)


def read_plan(path: Path) -> bytes:
    """The content of the file, if it is one of a sane size."""
    if path.exists() and not path.is_file():
        raise PlanError("not a file; name a plan")
    with path.open("rb") as file:
        content = file.read(MAX_PLAN_BYTES + 1)
    if len(content) > MAX_PLAN_BYTES:
        raise PlanError("too large for a plan")
    return content


def check_keys(row: dict[str, Any]) -> None:
    """Raise PlanError where the plan says something that no plan does."""
    unknown = [key for key in row if key not in KEYS]
    if unknown:
        raise PlanError(f"unknown key {quote(unknown[0])}; a plan has {', '.join(KEYS)}")


def parse_plan(row: Any, network: Network) -> Plan:
    """The plan in a JSON value."""
    if not isinstance(row, dict) or not isinstance(row.get("stages"), list):
        raise PlanError("not a plan; make one with `subbit plan`")
    version = row.get("subbit_plan")
    if type(version) is not int or version != PLAN_VERSION:
        raise PlanError(f"plan version {quote(version)}; this subbit reads version {PLAN_VERSION}")
    check_keys(row)
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
    queues = row.get("queues", {})
    if not isinstance(queues, dict):
        raise PlanError("'queues' must be an object of depths by stream")
    memories = row.get("memories", {})
    if not isinstance(memories, dict):
        raise PlanError("'memories' must be an object of memories by FIFO")
    device = row.get("device")
    if device is not None and not isinstance(device, str):
        raise PlanError(
            f"'device' must be the name of a part, not {quote(device)}; or leave it out"
        )
    plan = Plan(
        network.digest, tuple(stages), tuple(queues.items()), device, tuple(memories.items())
    )
    if len(row["stages"]) > len(stages):
        raise PlanError(f"the plan has {len(row['stages'])} stages, the network has {len(stages)}")
    check_plan(network, plan)
    return plan
