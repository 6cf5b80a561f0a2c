"""Typeform as its clients see it: forms, responses, webhooks.

Written from https://www.typeform.com/developers/ and recorded payloads. Not here: faults that any
vendor can have, which are middleware (`hub.sandbox.faults`).
"""
