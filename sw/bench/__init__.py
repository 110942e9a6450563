"""Measurements of parts of accelerators after place-and-route."""
