"""Sliding windows over maps, and what lies beyond their edges."""
