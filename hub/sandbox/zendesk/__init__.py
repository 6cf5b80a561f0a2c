"""The emulator of Zendesk Support: tickets, users, organizations, incremental exports.

Written from https://developer.zendesk.com/api-reference/ and recorded payloads. Not here: faults
of all vendors (`hub.sandbox.fault_middleware`).
"""
