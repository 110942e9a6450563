"""What every component states: streams, cycles, reference, cost."""
