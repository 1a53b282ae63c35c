"""Trends: how often a theme is reported, and whether that is unusual."""
