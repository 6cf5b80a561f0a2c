"""A code location without anything in it: what Dagster itself costs (`bench.idle`)."""

import dagster as dg

defs = dg.Definitions()
