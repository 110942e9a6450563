"""From a Network and a Plan to units joined by streams."""
