"""The golden record: which rows a person or a company has in the CRM, their values, and why.

In: the source records of an entity, what people typed, the rules, the rows that exist. Out: values
with their provenance, and what becomes of each row. Everything here is a pure function of its
arguments. Not here: matching (who is who), reading and writing (`hub.etl.load`, `hub.sinks`).
"""
