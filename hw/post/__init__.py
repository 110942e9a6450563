"""From accumulated numbers to codes: thresholds, integer scales and offsets."""
