"""Erase a person: from every table, file and log, permanently, and keep the person out.

In: an address, a number, or a record. `find` finds the person's names and records, `rows` removes
what is the person's, `take_out` takes the person out of what others wrote, `files` does the same
with the files of the hub's home.
Out: a receipt of counts, and tombstones (`hub.records.tombstones`). Not here: who may erase
(`hub.actions.identity.erase`), and how sources are kept from bringing a person back (`hub.etl.erased`).
"""
