"""A loopback server that behaves like Zendesk's API as far as a ticket mirror can see it."""
