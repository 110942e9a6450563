"""Checkpoints of the papers' own code."""
