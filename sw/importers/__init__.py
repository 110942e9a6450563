"""Networks that were trained elsewhere, brought in exactly."""
