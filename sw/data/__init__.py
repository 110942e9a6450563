"""Data sets and images as arrays of pixels and other numbers; numpy only, no torch."""

from subbit.sw.data.dataset import Dataset
from subbit.sw.data.image import load_image
from subbit.sw.data.load import DATASETS, load_dataset
from subbit.sw.data.prepare import Prepared, prepare
from subbit.sw.data.preprocess import preprocess
from subbit.sw.data.source import DataOptions

__all__ = [
    "DATASETS",
    "DataOptions",
    "Dataset",
    "Prepared",
    "load_dataset",
    "load_image",
    "prepare",
    "preprocess",
]
