"""Training in one call: recipes and modules of a user's own, checked, trained and exported."""
