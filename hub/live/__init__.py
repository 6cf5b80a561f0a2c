"""What sources send by themselves, from the inbox to the owner, without a run of Dagster.

In: rows of `landing.inbox`. Out: landed records in live batches of their sources, taken to their owners by
the same functions as in a sync, and notices. The worker is a process of its own; several may run side by
side. Not here: HTTP and signatures (`hub.gateway`), and what a stage does (`hub.etl`).
"""
