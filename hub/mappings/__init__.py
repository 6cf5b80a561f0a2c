"""Map raw records to canonical records, with documents that a person can read and test.

In: mapping documents (`<source>/<stream>.yaml`, with tests beside them), raw records, context
(form definitions), settings. Out: canonical records, exclusions, rejects, problems, drift counts.
Pure: only `files` reads files, and no module reads the clock. Not here: where records come from
(`hub.connectors`), where they are stored (`hub.sinks`), owners and scores.
"""
