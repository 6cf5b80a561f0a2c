"""The names of the leads that `POST /leads` takes: their source and stream, as landing and mappings know them."""

SOURCE, STREAM = "inbound", "leads"
