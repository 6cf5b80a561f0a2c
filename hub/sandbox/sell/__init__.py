"""An emulator of Zendesk Sell: REST v2 with every object, its Sync API, and the streams of its Firehose.

Written from Zendesk's public reference and from answers recorded by others.
"""
