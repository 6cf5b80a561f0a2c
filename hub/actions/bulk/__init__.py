"""Bulk: one action on many records, by list, by ids or by conditions; a batch that can be undone."""
