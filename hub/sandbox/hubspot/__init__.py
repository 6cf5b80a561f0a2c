"""The emulator of HubSpot: contacts, companies, owners, properties, associations.

Written from https://developers.hubspot.com/docs/api-reference and recorded payloads. Not here:
faults of all vendors (`hub.sandbox.fault_middleware`).
"""
