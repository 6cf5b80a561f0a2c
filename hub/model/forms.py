"""The names of the hub's own web form: its source and stream, as landing and mappings know them."""

SOURCE, STREAM = "form", "submissions"
