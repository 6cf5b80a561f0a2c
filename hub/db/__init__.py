"""Storage: engine, embedded server, COPY, locks, outbox, migrations, roles.

Not here: the meaning of the CRM's tables.
"""
