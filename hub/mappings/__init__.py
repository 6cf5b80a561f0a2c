"""Mappings: raw records in, canonical records out, by documents a person can read and test.

In: mapping documents (`<source>/<stream>.yaml`, their tests beside them), raw records, context
(form definitions), settings. Out: canonical records, exclusions, rejects, problems, drift counts.
Pure: only `loader` reads files, nothing reads a clock. What does not belong here: where records
come from (`hub.connectors`) and where they go (`hub.sinks`), owners and scores.
"""
