"""Reports: one self-contained HTML page of a network, a plan, a simulation or a build."""
