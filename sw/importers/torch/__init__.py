"""Modules of PyTorch."""
