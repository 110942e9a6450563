"""Moving beats: FIFOs, forks, width changes, replays, registers and handshakes."""
