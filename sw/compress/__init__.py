"""Compressor trees: planning how many bits are counted by adder chains of a device's fabric."""
