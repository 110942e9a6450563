"""The rules of the layers, one file a kind."""
