"""Read-only tables in lookup tables and block RAM."""
