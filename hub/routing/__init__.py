"""Who gets a new lead: lead + rules + state of a group → decision, new state, reasons.

In: plain values. Out: plain values. What does not belong here: I/O, the clock, chance, SQL; the
row lock of a group and `ops.assignment` are the caller's (`hub.etl.route`).
"""
