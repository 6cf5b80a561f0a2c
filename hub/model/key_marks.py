"""Marks of a match key, in the lowest bits of its hash (`hub.matching.key_hash`)."""

NAMELESS = 1
"""The key says nothing of the last name; `ops.match_key` has letters of the name with it."""
OWN = 2
"""The key may be one person's own: an address, a number, an invented local part."""
LIMIT = 0xFC
"""The bits that say how many records may share the key."""
