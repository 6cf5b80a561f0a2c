"""Random plays of vendors and people over a hub, judged by an independent recomputation.

`moves` says what may happen, `generator` makes a play of a seed, `stage` plays it on a real hub,
`home` reads what the hub has, `oracle` computes what it must have. See docs/plays.md.
"""
