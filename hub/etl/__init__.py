"""The seven stages and their order: extract, land, normalize, match, load, route, notify.

Each stage reads what is pending, computes, and writes result and progress in one transaction.
Does not belong here: Dagster, servers, SQL of the CRM's aggregates.
"""
