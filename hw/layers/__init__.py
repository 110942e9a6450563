"""Layers without weights: addition, pooling, argmax."""
