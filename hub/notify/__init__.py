"""Telling the owner: who wants what on which channel, the words, and the sending.

In: an event with its facts, a person's preferences. Out: channel names, rendered text, mail sent.
Only `channels` does I/O (`templates` reads its data files once). What does not belong here: the
outbox and its retries (`hub.etl.notify`), alert rows (`hub.crm`), who the owner is.
"""
