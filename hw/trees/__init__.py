"""Compressor trees: planning how a part's carry chains count bits."""
