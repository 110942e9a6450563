"""Lattice iCE40."""
