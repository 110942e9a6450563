"""Finding sub-bit structure in a trained binary network: what ``subbit compress`` does."""
