"""Mailchimp as its clients see it: audiences ("lists"), their members, tags and merge fields.

Written from https://mailchimp.com/developer/marketing/api/ and recorded payloads. Not here: faults
that any vendor can have, which are middleware (`hub.sandbox.fault_middleware`).
"""
