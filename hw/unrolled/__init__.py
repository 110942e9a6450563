"""Layers whose weights are wires: networks of adders that share what several outputs need."""
