"""The cycle model: in which cycle every beat of every stream moves."""

from subbit.sw.cycles.model import Process, Trace, run

__all__ = ["Process", "Trace", "run"]
