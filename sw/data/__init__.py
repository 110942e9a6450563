"""Data sets and images as arrays of pixels; numpy only, no torch."""

from subbit.sw.data.dataset import Dataset
from subbit.sw.data.image import load_image
from subbit.sw.data.load import DATASETS, load_dataset
from subbit.sw.data.preprocess import preprocess

__all__ = ["DATASETS", "Dataset", "load_dataset", "load_image", "preprocess"]
