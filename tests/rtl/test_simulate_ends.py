"""When a simulation ends: not before slow layers have worked through rows that nobody reads, and in
a folder that no other run uses.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subbit.sim.design import Design, network_design
from subbit.sim.records import write_beats
from subbit.sim.run import SimResult, simulate
from subbit.sim.runner import build_designs, read_results, write_task
from subbit.sim.verilator import run_model
from subbit.sw.ir import BinaryWeights, Conv2d, Network, Padding, TensorType, Threshold
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from tests.hw.dots import codebook
from tests.networks import small_network


def slow_network() -> tuple[Network, Plan]:
    """A convolution that fills a table of 256 codewords for each of its windows, a silence of as
    many cycles, and one of stride 2 that has no use for the last row.
    """
    chance = np.random.default_rng(5)
    network = Network.chain(
        "slow",
        TensorType.codes(6, 5, 2, 1),
        {
            "conv1": Conv2d(codebook(chance, 2, 2, 8)),
            "act1": Threshold(np.zeros((2, 1), np.int64), np.ones(2, np.uint8)),
            "conv2": Conv2d(BinaryWeights(chance.integers(0, 2, (2, 2, 3, 3))), 2, Padding.NONE),
        },
    )
    first, *others = smallest_plan(network).stages
    engine = replace(first, engine="block_lookup", simd=9, dot9=1)
    return network, Plan(network.digest, (engine, *others))


def codes(network: Network, frames: int) -> np.ndarray:
    kind = network.input_type
    draw = np.random.default_rng(2)
    return draw.integers(kind.low, kind.high + 1, (frames, *kind.shape), np.int64)


def beats_of(design: Design, network: Network, frames: int) -> np.ndarray:
    return codes(network, frames).reshape(-1, design.i.lanes)


def test_the_model_says_how_long_nothing_may_move() -> None:
    pipeline = Pipeline(*slow_network())
    design, trace = network_design("slow", pipeline), pipeline.cycles(2)
    moves = np.unique(np.concatenate([cycles for row in trace.branches for cycles in row]))
    longest = int(np.diff(moves).max())
    assert 200 < longest <= design.silence_cycles
    assert design.fold_cycles >= 256
    # The output is complete long before the row that it has no use for.
    assert moves[-1] - trace.branches[-1][0][-1] > 2 * longest


@pytest.mark.parametrize(
    ("backpressure", "seed"), [("none", 1), *(("random", s) for s in range(4))]
)
def test_rows_that_nobody_reads_are_waited_for(
    backpressure: str, seed: int, tmp_path: Path, models: Path
) -> None:
    network, plan = slow_network()
    result = simulate(
        *(network, plan, codes(network, 2)),
        backpressure=backpressure,
        seed=seed,
        folder=tmp_path,
        models=models,
    )
    assert result.mismatches == 0, str(result.first_difference)
    if backpressure == "none":
        assert result.cycles < result.predicted_latency_cycles * 4


def test_a_design_that_stands_still_is_given_up(tmp_path: Path, models: Path) -> None:
    """Half of the last frame never comes."""
    network, plan = slow_network()
    design = network_design("slow", Pipeline(network, plan))
    model = build_designs([design], models, quick=True)
    write_beats(tmp_path / "slow" / "input.hex", beats_of(design, network, 2)[:-15], design.i)
    whole = beats_of(design, network, 2)
    task = write_task(tmp_path, [design], [whole], throttle=False, seed=1)
    run_model(model, "bench", "subbit.sim.bench", tmp_path, environment={"SUBBIT_BENCH": task.name})
    (outcome,) = read_results(tmp_path, [design])
    assert outcome.stuck
    assert outcome.cycles > design.silence_cycles


def test_runs_of_one_network_at_a_time(tmp_path: Path, models: Path) -> None:
    network = small_network("plain")
    plan = smallest_plan(network)

    def run(seed: int) -> SimResult:
        images = codes(network, 2 + seed % 2)
        return simulate(
            *(network, plan, images),
            backpressure="random" if seed else "none",
            seed=seed,
            folder=tmp_path,
            models=models,
        )

    run(0)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(8)))
    assert [result.mismatches for result in results] == [0] * 8
    assert [result.frames for result in results] == [2, 3] * 4
