"""HubSpot as its clients see it: contacts, companies, owners, properties, associations.

Written from https://developers.hubspot.com/docs/api-reference and recorded payloads. Not here:
faults that any vendor can have, which are middleware (`hub.sandbox.fault_middleware`).
"""
