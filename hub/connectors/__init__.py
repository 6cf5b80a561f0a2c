"""Connectors: one package for each vendor. A connector yields pages of raw records with cursors.

Reads: the vendors' APIs. Writes: nothing. Not here: the database, the CRM, the meaning of a payload.
No vendor package uses another one.
"""
