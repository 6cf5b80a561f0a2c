"""The emulator of Mailchimp: audiences ("lists"), their members, tags and merge fields.

Written from https://mailchimp.com/developer/marketing/api/ and recorded payloads. Not here: faults
of all vendors (`hub.sandbox.fault_middleware`).
"""
