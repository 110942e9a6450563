"""Builders of networks that others trained and published, from the files that they come in."""
