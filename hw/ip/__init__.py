"""A network as a core in the user's own design: buses, framing and control registers."""
