"""Undo of a batch: the rows of the CRM become what they were before the batch.

In: a batch's number. Undoes the batch's raw versions, records and edges, then folds the records
that are left. Out: a report (`report.Undone`), with a pile for each reason why records stay. Not
here: the right to undo (`hub.actions.batches.undo`).
"""
