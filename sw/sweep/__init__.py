"""Sweeps: many plans or builds of networks on boards, each result kept by what it is of."""
