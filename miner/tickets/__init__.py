"""Tickets: what came in, from Zendesk or a file, and its analysis text."""
