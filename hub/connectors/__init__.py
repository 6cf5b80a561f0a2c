"""One package a vendor: pages of raw records and a cursor.

Reads: the vendors' APIs. Writes: nothing. Does not belong here: the database, the CRM, what a
payload means, and anything one vendor would need to know of another.
"""
