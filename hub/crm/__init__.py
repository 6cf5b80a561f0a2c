"""The CRM core, by aggregate: tables and their queries together.

Reads and writes: schema `crm`. Does not belong here: vendors, mapping, matching.
"""
