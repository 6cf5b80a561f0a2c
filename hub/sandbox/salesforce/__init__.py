"""Salesforce as it behaves on the wire: OAuth and SOAP login, REST, SOQL, Bulk 2.0 queries.

Comes in: a `World` of rows and HTTP requests. Goes out: a Starlette app that clients nobody here
wrote accept. Not here: faults that any vendor can have (latency, cut connections, 5xx), which are
middleware of the sandbox.
"""
