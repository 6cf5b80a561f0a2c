"""The gateway: takes webhooks, leads and forms from outside, and answers health checks.

One process (`hub gateway`) with two listeners: a public one, behind a reverse proxy with TLS, and a private one
on the loopback address. A request is acknowledged after its events are committed to the inbox. Reads: settings,
the inbox's depth. Writes: the inbox. Not here: what a vendor signs (`hub.connectors`), the way of an event after
the inbox, SQL. FastAPI is imported nowhere else.
"""
