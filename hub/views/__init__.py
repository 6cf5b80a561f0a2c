"""Read models: a lead, a contact, a company, a deal, a page of a list, what was found, a report, the status.

Each model is a frozen dataclass with one JSON form (`encoding`), from which tables, `--json`, and later
an API and pages are made. In: an open connection and what was asked for. Out: models. Reads storage
only. Not here: who may read (`hub.actions.reading`), how a model is drawn (`hub.cli`).
"""
