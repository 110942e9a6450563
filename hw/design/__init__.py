"""Whole designs: the accelerator of a network, and a board's top module around it."""
