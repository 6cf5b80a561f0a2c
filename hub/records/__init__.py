"""Source records and what is known about them: entities, edges, edits, verdicts, batches, queues.

Reads and writes: schema `ops` except the outbox. Not here: vendors, and the rows of the CRM.
"""
