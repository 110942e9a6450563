"""Arrays of integers, and descriptions of the network that they belong to."""
