"""The emulator of Typeform: forms, responses, webhooks.

Written from https://www.typeform.com/developers/ and recorded payloads. Not here: faults of all
vendors (`hub.sandbox.fault_middleware`).
"""
