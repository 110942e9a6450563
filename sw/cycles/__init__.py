"""The cycle model: in which cycle every beat of every stream moves."""

from subbit.sw.cycles.model import INPUT, Feed, Process, Trace, run

__all__ = ["INPUT", "Feed", "Process", "Trace", "run"]
