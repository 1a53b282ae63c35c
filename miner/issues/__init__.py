"""Issues: reading a ticket and saying which product problems stand in it, each with its quote."""
