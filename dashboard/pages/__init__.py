"""One module per noun: the HTML pages."""
