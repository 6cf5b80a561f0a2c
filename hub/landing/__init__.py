"""The raw store: an append-only copy of each record as the source sent it.

Reads and writes schema `landing` (raw, head, checkpoint, quarantine, correction, planned, inbox). Not here: what a
payload means, and the order of the stages.
"""
