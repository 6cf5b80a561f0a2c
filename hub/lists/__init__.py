"""Smart lists: saved filters over leads, people, companies and deals.

In: a document (`document`) of conditions on fields (`fields`), who asks, and when. Out: a page of
records, their number, their ids (`pages`). A document becomes SQL whose every value is bound
(`compiler`); no text of a document is ever part of a statement. Not here: who may keep or share a
list (`hub.actions.setup.smart_list`).
"""
