"""Themes: grouping issues so that a group keeps its id, name and address while the data grows."""
