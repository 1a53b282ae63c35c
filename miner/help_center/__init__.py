"""The product's public Help Center: what customers could have read."""
