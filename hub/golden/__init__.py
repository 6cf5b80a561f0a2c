"""The golden record: the rows of a person or a company in the CRM, their values, and the reasons.

In: the source records of an entity, its edits, the rules, the rows that exist. Out: values with
their provenance, and the fate of each row. All functions are pure. Not here: identity
(`hub.matching`), reading and writing (`hub.etl.load`, `hub.sinks`).
"""
