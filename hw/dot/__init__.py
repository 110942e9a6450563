"""Binary dot products: the direct engine, shared rows, depthwise, their counters and weights."""
