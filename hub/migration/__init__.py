"""Migrations: a whole source, once: planned, read, rehearsed, applied, accounted for.

    plan → read → rehearse → apply → report

`plan` freezes the span of each stream and cuts ranges. `read` stores each range and counts it again at
the vendor. `rehearse` runs the stages over a copy of the database: a dry run is the real run, elsewhere.
`apply` runs them over the database. Every step continues after an interruption. Reads the interface of
connectors; writes `landing.planned`, `ops.migration`, `ops.migration_range`, `ops.plan`. Not here: what
the stages do (`hub.etl`), how a batch is taken back (`hub.undo`).
"""
