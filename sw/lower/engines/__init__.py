"""How convolutions and linear layers become units, one file an engine."""
