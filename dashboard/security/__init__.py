"""Who is looking, what they may do, and the headers every answer carries."""
