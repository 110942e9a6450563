"""How each kind of layer becomes units, one file a kind."""
