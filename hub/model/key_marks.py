"""Marks of a match key, in the lowest bits of its hash (`hub.matching.key_hash`)."""

NAMELESS = 1
"""The key says nothing of the last name; letters of the name stand beside it in `ops.match_key`."""
OWN = 2
"""The key may be one person's own: an address, a number, an invented local part."""
