"""Gowin."""
