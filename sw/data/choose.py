"""Which preprocessing suits the samples of a training set."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.source import DataOptions

__all__ = ["choose_preprocess"]

LEVELS = 8
BITS = 8
# A scale puts so many standard deviations on each side of the mean into the codes.
DEVIATIONS = 3.0
# Quantiles of more numbers than these would be no better, and slow.
MOST = 1 << 20
Numbers = NDArray[Any]


def choose_preprocess(samples: Numbers, family: str, options: DataOptions) -> dict[str, Any]:
    """The preprocessing for training samples ``[n][h][w][c]``, see preprocess.

    Bytes are cut to their top ``bits`` (8). Columns of tables get a thermometer code of up to
    ``levels`` (8) steps each, at their quantiles; where ``levels`` are said, all others too.
    Channels of series get a scale, 3 standard deviations on each side of the mean; real pictures
    one from their least to their greatest number.
    """
    if options.levels is not None or (family == "table" and options.bits is None):
        return {"bits": 1, "thermometer": thermometer(samples, options.levels or LEVELS)}
    bits = options.bits or BITS
    if samples.dtype == np.uint8:
        return {"bits": bits, "shift": 8 - bits}
    top = (1 << bits) - 1
    if family in ("pictures", "class maps", "audio"):
        low, high = float(samples.min()), float(samples.max())
        whole = top / (high - low) if high > low else 1.0
        return {"bits": bits, "mean": low, "scale": whole, "offset": 0.0}
    rows = samples.reshape(-1, samples.shape[-1])
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = top / (2 * DEVIATIONS * np.where(spread > 0, spread, 1.0))
    return {"bits": bits, "mean": mean.tolist(), "scale": scale.tolist(), "offset": top / 2}


def thermometer(samples: Numbers, levels: int) -> list[list[float]]:
    """For each channel up to ``levels`` ascending thresholds that cut its numbers into parts of
    equal size; between all neighbours where there are no more different ones.
    """
    rows = samples.reshape(-1, samples.shape[-1]).astype(np.float64)
    rows = rows[:: -(-len(rows) // MOST)]
    found = []
    for column in rows.T:
        values = np.unique(column)
        if len(values) <= levels + 1:
            cuts = (values[:-1] + values[1:]) / 2 if len(values) > 1 else values
        else:
            shares = np.arange(1, levels + 1) / (levels + 1)
            cuts = np.unique(np.quantile(column, shares, method="higher"))
        found.append([float(cut) for cut in np.unique(cuts)])
    return found
