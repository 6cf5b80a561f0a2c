"""The CRM core, by aggregate: tables and their queries together.

Reads and writes: schema `crm`. Does not belong here: vendors, mapping, matching.
"""

# A key from one table to another is found only where both are declared.
from hub.crm import activity_tables, deal_tables, list_tables, rollup_tables, setup_tables, tables

__all__ = [
    "activity_tables",
    "deal_tables",
    "list_tables",
    "rollup_tables",
    "setup_tables",
    "tables",
]
