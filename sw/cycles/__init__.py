"""The cycle model: in which cycle every beat of every stream moves."""

from subbit.sw.cycles.model import FRAME_INPUT, Feed, Process, Trace, run

__all__ = ["FRAME_INPUT", "Feed", "Process", "Trace", "run"]
