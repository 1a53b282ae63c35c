"""The server-rendered dashboard and the JSON API: parse, ask, render."""
