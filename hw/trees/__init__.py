"""Compressor trees: plans of how carry chains count many bits, and their netlists."""
