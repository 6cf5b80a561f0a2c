"""The vendors' APIs emulated on loopback, for tests, the demo and any other client.

Written from the vendors' documentation and recorded payloads, never from our connectors: imports
nothing of the hub but its errors. Not here: anything that production code could need.
"""
