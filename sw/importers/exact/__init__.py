"""Integer folding that all importers share."""
