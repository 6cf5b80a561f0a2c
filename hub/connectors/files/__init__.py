"""Files as a source: CSV and Excel tables of people, companies, deals and activities.

In: paths. Out: raw records, one for each row. Not here: what a record means for the CRM (`hub.mappings.csv`).
"""
