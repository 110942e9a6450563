"""subbit: binary, sub-bit and few-bit neural networks as verified FPGA accelerators."""

__version__ = "0.1.0"
