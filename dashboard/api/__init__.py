"""One module per noun: the JSON API."""
