"""Hardware: each component's contract (numpy only) beside its circuits (``*_rtl.py``, Amaranth)."""
