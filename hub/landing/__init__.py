"""The raw store: what vendors sent, as they sent it, for ever.

Reads and writes: schema `landing` (raw, head, checkpoint, quarantine). Does not belong here: what
a payload means, and which stage comes next.
"""
