"""Storage: engine, embedded server, COPY, locks, outbox, migrations, roles.

Does not belong here: what the CRM's tables mean.
"""
