"""What taking back means: a batch of a source is undone, as if it had never come.

In: a batch's number. Reads and changes what the batch brought (raw versions, records, edges), then
folds what is left. Out: a report in four piles. Not here: who may undo (`hub.actions.batches.undo`).
"""
