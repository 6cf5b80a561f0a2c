"""Source records and the data derived from them: entities, edges, edits, verdicts, batches, queues.

Reads and writes: schema `ops` except the outbox. Not here: vendors, and the rows of the CRM.
"""
