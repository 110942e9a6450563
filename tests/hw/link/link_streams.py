"""Driving and watching the streams of the host link, with random pauses on either side."""

import random
from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Value
from amaranth.sim import Simulator

__all__ = ["bits_of", "receive", "send", "simulate"]


def bits_of(layout: Any, **fields: Any) -> int:
    """The number that a structure with these fields is on a stream."""
    number: int = layout.const(fields).as_value().value
    return number


async def send(
    ctx: Any, stream: Any, values: Iterable[int], chance: random.Random | None, domain: str = "sync"
) -> None:
    """Offer each value; with ``chance``, after a random pause with a random payload."""
    payload = Value.cast(stream.payload)
    for value in values:
        while chance and chance.random() < 0.4:
            ctx.set(payload, chance.getrandbits(len(payload)))
            await ctx.tick(domain)
        ctx.set(payload, value)
        ctx.set(stream.valid, 1)
        await ctx.tick(domain).until(stream.ready)
        ctx.set(stream.valid, 0)


async def receive(
    ctx: Any,
    stream: Any,
    count: int,
    chance: random.Random | None,
    domain: str = "sync",
    limit: int = 100_000,
) -> tuple[list[int], list[int]]:
    """The next ``count`` payloads and the cycle of each; checks that a waiting payload stays."""
    payload = Value.cast(stream.payload)
    values: list[int] = []
    cycles: list[int] = []
    held: int | None = None
    for cycle in range(limit):
        if len(values) == count:
            break
        ready = not chance or chance.random() < 0.6
        ctx.set(stream.ready, ready)
        *_, valid, value = await ctx.tick(domain).sample(stream.valid, payload)
        assert held is None or (valid and value == held), "a waiting payload changed or went away"
        held = value if valid and not ready else None
        if valid and ready:
            values.append(value)
            cycles.append(cycle)
    ctx.set(stream.ready, 0)
    assert len(values) == count, f"{len(values)} of {count} beats in {limit} cycles"
    return values, cycles


def simulate(component: Any, benches: Iterable[Any], **periods: float) -> None:
    """Run until every bench has ended; ``periods``: seconds of each clock domain, ``sync`` at 1 us
    if none.
    """
    simulator = Simulator(component)
    for number, (domain, period) in enumerate((periods or {"sync": 1e-6}).items()):
        simulator.add_clock(period, domain=domain, phase=period * (0.1 + 0.3 * number))
    for bench in benches:
        simulator.add_testbench(bench)
    simulator.run()
