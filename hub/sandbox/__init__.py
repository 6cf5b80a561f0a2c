"""The vendors' APIs, emulated on loopback for tests, the demo and any other client.

The emulators are written from the vendors' documentation and from recorded payloads, never from our
connectors. They import nothing of the hub but its errors. Not here: code that production needs.
"""
