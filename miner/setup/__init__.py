"""Setting up: what is ready, what is missing, and what to do about it."""
