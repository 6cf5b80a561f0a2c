"""Source records and what is known about them: entities, edges, edits, verdicts, batches, queues.

Reads and writes: schema `ops` except the outbox. Does not belong here: vendors, the CRM's meaning.
"""
