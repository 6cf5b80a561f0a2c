"""Zendesk Support as its clients see it: tickets, users, organizations, incremental exports.

Written from https://developer.zendesk.com/api-reference/ and recorded payloads. Not here: faults
that any vendor can have, which are middleware (`hub.sandbox.fault_middleware`).
"""
