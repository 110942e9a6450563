"""Accuracy on test images: which classes are taken for which, and pictures that were."""

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from subbit.sw.report.pictures import as_grey, picture
from subbit.sw.report.subject import Subject

__all__ = ["MOST_CLASSES", "frame_picture", "section"]

MOST_CLASSES = 40  # that a table of all pairs shows
SIDE = 84  # of a picture on the page, in pixels at most


def section(subject: Subject) -> dict[str, Any]:
    """``reason`` where nothing is known; else accuracy, ``matrix`` and ``wrong`` pictures."""
    scored = subject.scored
    if scored is None:
        return {"reason": subject.unscored or "No test images were looked at.", "rows": []}
    found = scored.evaluation
    count = len(scored.matrix)
    names = [scored.name(label) for label in range(count)]
    shares = scored.matrix / np.maximum(scored.matrix.sum(axis=1, keepdims=True), 1)
    rows = [
        {
            "name": names[label],
            "cells": [
                {"count": int(n), "share": float(share), "right": label == other}
                for other, (n, share) in enumerate(
                    zip(scored.matrix[label], shares[label], strict=True)
                )
            ],
        }
        for label in range(count)
    ]
    wrong = [
        {
            "picture": frame_picture(subject, codes, f"{names[label]}, taken for {names[taken]}"),
            "label": names[label],
            "taken": names[taken],
        }
        for codes, (label, taken) in zip(scored.wrong, scored.taken, strict=True)
    ]
    return {
        "reason": "",
        "found": found,
        "names": names,
        "rows": rows if count <= MOST_CLASSES else [],
        "by_class": found.by_class(),
        "wrong": wrong,
    }


def frame_picture(subject: Subject, codes: NDArray[np.uint8], about: str) -> Markup:
    """The input codes of a frame ``[y][x][c]`` as a picture: three channels in colour, one in grey,
    others beside each other.
    """
    high = subject.network.input_type.high
    pixels = as_grey(codes, 0, high)
    if pixels.shape[2] == 3:
        shown = pixels
    else:
        shown = np.concatenate(list(pixels.transpose(2, 0, 1)[:8]), axis=1)
    return picture(shown, about, max(1, SIDE // max(shown.shape[:2])))
