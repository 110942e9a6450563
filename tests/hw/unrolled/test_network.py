"""Adder networks: exact for any matrix, the same each time, and found within bounds."""

import time
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.families.netlist import Bits, CarryChain, CarryTap, Lut, Netlist, run_chain
from subbit.hw.families.table import family
from subbit.hw.unrolled.digits import digit_rows
from subbit.hw.unrolled.network import AdderNetwork, Levels, network_of
from subbit.hw.unrolled.numbers import Number, wire
from subbit.hw.unrolled.sharing import share
from subbit.hw.unrolled.tree import OPERAND, spanning_tree
from subbit.sw.ir.arrays import Ints

VECTORS = 200
SLOWEST_S = 60.0  # for 784 inputs and 64 outputs; it takes a few seconds
KINDS = ("signs", "ternary", "integers", "odd", "even", "few_rows", "zero_rows", "codewords")


def matrix(rng: np.random.Generator, kind: str, outputs: int, inputs: int) -> Ints:
    shape = outputs, inputs
    if kind == "ternary":
        return rng.integers(-1, 2, shape)
    if kind == "integers":
        return rng.integers(-9, 10, shape)
    if kind == "odd":
        return 2 * rng.integers(0, 8, shape) - 7
    if kind == "even":
        return 6 * rng.integers(-2, 3, shape)
    signs: Ints = rng.choice([-1, 1], shape)
    if kind == "few_rows":
        rows = signs[rng.integers(0, 3, outputs)]
        return rows * rng.choice([-3, -1, 1, 2], (outputs, 1))
    if kind == "zero_rows":
        return signs * (np.arange(outputs) % 3 > 0)[:, None]
    if kind == "codewords":
        words = rng.choice([-1, 1], (4, 9))
        return words[rng.integers(0, 4, (outputs, -(-inputs // 9)))].reshape(outputs, -1)
    return signs


def reads(cell: Lut | CarryChain) -> set[int]:
    """The nets that a cell reads."""
    places = (cell,) if isinstance(cell, Lut) else cell.places
    units = [
        unit
        for place in places
        for unit in (
            (place.unit,)
            if isinstance(place, Lut)
            else (place.inject,)
            if isinstance(place, CarryTap)
            else (place.u, place.v)
        )
    ]
    return {net for unit in units for net in unit.nets}


def evaluate(netlist: Netlist, inputs: Bits) -> Mapping[int, Bits]:
    """The value of every net, by the rules of the cells; each cell comes no earlier than what it
    reads.
    """
    shape = inputs.shape[1:]
    values: dict[int, Bits] = dict(enumerate(inputs))
    waiting = sorted(netlist.cells, key=lambda cell: cell[0])
    while waiting:
        ready = [(at, cell) for at, cell in waiting if reads(cell) <= values.keys()]
        waiting = [(at, cell) for at, cell in waiting if not reads(cell) <= values.keys()]
        assert ready, "cells wait for each other"
        for at, cell in ready:
            assert all(netlist.level[net] <= at for net in reads(cell))
            if isinstance(cell, Lut):
                values[cell.out] = cell.unit.evaluate(values, shape)
            else:
                run_chain(cell, values, shape)
    return values


def numbers(network: AdderNetwork, x: Ints, bits: int) -> Ints:
    """The number on each output's word, ``(vectors, outputs)``."""
    planes = x.T[:, None, :] >> np.arange(bits)[:, None] & 1
    values = evaluate(network.netlist, planes.reshape(-1, len(x)).astype(np.bool_))
    found: NDArray[np.int64] = np.zeros((len(x), len(network.words)), np.int64)
    for output, word in enumerate(network.words):
        for at, bit in enumerate(word):
            found[:, output] |= bit.evaluate(values, (len(x),)).astype(np.int64) << at
    return found


def extremes(weights: Ints, bits: int) -> Ints:
    """The vectors for which each output is greatest and least."""
    top = (1 << bits) - 1
    return np.concatenate([np.where(weights > 0, top, 0), np.where(weights < 0, top, 0)])


@pytest.mark.parametrize("form", ["portable", "ecp5", "ice40"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("outputs", "inputs", "bits"), [(9, 18, 1), (6, 5, 3), (17, 40, 1)])
def test_sums(kind: str, outputs: int, inputs: int, bits: int, form: str) -> None:
    rng = np.random.default_rng(outputs + bits)
    weights = matrix(rng, kind, outputs, inputs)
    network = network_of(weights, bits, form)
    x = rng.integers(0, 1 << bits, (VECTORS, weights.shape[1]))
    x = np.concatenate([x, extremes(weights, bits)])
    sums = numbers(network, x, bits) * network.units + network.offsets
    np.testing.assert_array_equal(sums, x @ weights.T)


@pytest.mark.parametrize("form", ["portable", "ecp5"])
@pytest.mark.parametrize(("levels", "bits"), [(1, 1), (1, 8), (3, 1), (7, 2), (15, 4)])
def test_codes(levels: int, bits: int, form: str) -> None:
    rng = np.random.default_rng(levels)
    weights = matrix(rng, "signs", 12, 27)
    reach = 6 << (bits - 1)
    least = np.sort(rng.integers(-reach, reach, (12, levels)), axis=1)
    least[0], least[1] = -10_000, 10_000  # reached always, and never
    rising = rng.integers(0, 2, 12).astype(bool)
    wanted = Levels(tuple(map(tuple, least.tolist())), tuple(rising.tolist()))
    network = network_of(weights, bits, form, wanted)
    x = np.concatenate([rng.integers(0, 1 << bits, (VECTORS, 27)), extremes(weights, bits)])
    reached = ((x @ weights.T)[:, :, None] >= least).sum(axis=2)
    codes = np.where(rising, reached, levels - reached)
    np.testing.assert_array_equal(numbers(network, x, bits), codes)


def test_every_threshold_of_a_sum() -> None:
    weights = np.ones((12, 11), np.int64)
    levels = Levels(tuple((least,) for least in range(12)), (True,) * 12)
    network = network_of(weights, 1, "ecp5", levels)
    x = np.tril(np.ones((12, 11), np.int64), -1)
    expected = np.arange(12)[:, None] >= np.arange(12)
    np.testing.assert_array_equal(numbers(network, x, 1), expected)


def test_the_same_for_the_same_matrix() -> None:
    weights = matrix(np.random.default_rng(2), "signs", 24, 48)
    first = network_of(weights, 1, "ecp5")
    network_of.__globals__["made"].cache_clear()
    second = network_of(weights, 1, "ecp5")
    assert second is not first
    assert second.netlist == first.netlist
    assert second.words == first.words


def test_large_layers_take_seconds() -> None:
    weights = matrix(np.random.default_rng(3), "signs", 64, 784)
    begin = time.process_time()
    network = network_of(weights, 1, "ecp5")
    assert time.process_time() - begin < SLOWEST_S
    # da4ml 0.6 takes 43,537 LUT4 and seven minutes for such a matrix.
    assert network.cost.lut4 < 18_000


def test_what_sharing_saves() -> None:
    rng = np.random.default_rng(4)
    alone = matrix(rng, "signs", 1, 64)
    many = matrix(rng, "signs", 64, 64)
    one, all_rows = network_of(alone, 1, "ecp5").cost, network_of(many, 1, "ecp5").cost
    assert all_rows.lut4 < 0.45 * 64 * one.lut4
    repeated = network_of(np.tile(many[:16], (4, 1)), 1, "ecp5").cost
    assert repeated == network_of(many[:16], 1, "ecp5").cost


def test_registers_are_those_of_the_circuit() -> None:
    network = network_of(matrix(np.random.default_rng(5), "signs", 16, 32), 1, "ecp5")
    netlist, end = network.netlist, network.latency
    last = dict.fromkeys(network.wanted, end)
    for at, cell in netlist.cells:
        for net in reads(cell):
            last[net] = max(last.get(net, 0), at)
    driven = {net: max(0, level) for net, level in netlist.level.items()}
    assert network.registers.count == sum(max(0, at - driven[net]) for net, at in last.items())


@pytest.mark.parametrize(("inputs", "bits"), [(1000, 1), (300, 2), (2, 1), (1, 1), (65, 1)])
def test_one_row(inputs: int, bits: int) -> None:
    rng = np.random.default_rng(inputs)
    weights = matrix(rng, "signs", 1, inputs)
    x = np.concatenate([rng.integers(0, 1 << bits, (9, inputs)), extremes(weights, bits)])
    for form in ("portable", "ecp5"):
        network = network_of(weights, bits, form)
        sums = numbers(network, x, bits) * network.units + network.offsets
        np.testing.assert_array_equal(sums, x @ weights.T)


def test_digits() -> None:
    rng = np.random.default_rng(6)
    for kind in KINDS:
        weights = matrix(rng, kind, 7, 9)
        digits = digit_rows(weights)
        assert np.abs(digits.rows).max(initial=0) <= 1
        for output, members in enumerate(digits.members):
            total = sum(((sign << shift) * digits.rows[row] for row, sign, shift in members), 0)
            np.testing.assert_array_equal(digits.units[output] * total, weights[output])


def test_tree_order_and_depth() -> None:
    rows = matrix(np.random.default_rng(7), "signs", 30, 40)
    for most in (0, 1, 3):
        edges = spanning_tree(rows, most)
        known: dict[int, int] = {}
        for edge in edges:
            assert edge.depth == (known[edge.parent] + 1 if edge.parent >= 0 else 0)
            known[edge.row] = edge.depth
        assert sorted(known) == list(range(30))
        assert max(known.values()) <= most
    near = np.concatenate([rows[:1], -rows[:1]])
    near[1, 0] *= -1
    edges = spanning_tree(near)
    assert (edges[1].parent, edges[1].sign) == (0, -1)
    assert OPERAND < 40  # or nothing would be computed from anything


def test_shared_parts_add_up() -> None:
    rows = matrix(np.random.default_rng(8), "ternary", 20, 30)
    shared = share(rows, 3)

    def total(row: int) -> Ints:
        parts = (sign * total(part) for part, sign in shared.uses[row])
        return sum(parts, shared.rows[row])

    for row in range(20):
        np.testing.assert_array_equal(total(row), rows[row])
    assert np.abs(shared.rows).sum() < np.abs(rows).sum()


def test_negated_and_shifted_numbers() -> None:
    number = Number((wire(0), wire(1)), 5, 5, 8)
    turned = number.times(-1, 2)
    for raw in range(4):
        values = {at: np.array([bool(raw >> at & 1)]) for at in range(2)}
        bits = [int(bit.evaluate(values, (1,))[0]) for bit in turned.bits]
        found = sum(bit << at for at, bit in enumerate(bits)) << turned.shift
        assert found + turned.offset == -4 * (5 + raw)
    assert (turned.low, turned.high) == (-32, -20)


def test_fabric_of_plain_chains_gets_portable_adders() -> None:
    weights = matrix(np.random.default_rng(9), "signs", 4, 9)
    assert family("ice40").carry.plain
    assert network_of(weights, 1, "ice40") is network_of(weights, 1, "portable")
