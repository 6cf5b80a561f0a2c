"""The emulator of Salesforce: OAuth and SOAP login, REST, SOQL, Bulk API 2.0 queries.

In: a `World` of rows, and HTTP requests. Out: a Starlette app that third-party clients accept. Not
here: faults of all vendors (`hub.sandbox.fault_middleware`).
"""
