"""The golden model: integer-exact evaluation of a Network in torch, every tensor available."""

from importlib.util import find_spec

from subbit.sw.errors import ToolError

if find_spec("torch") is None:
    raise ToolError("the golden model needs torch; install it with: pip install 'subbit[train]'")

from subbit.sw.golden.run import Prediction, evaluate, predict, run_batches

__all__ = ["Prediction", "evaluate", "predict", "run_batches"]
