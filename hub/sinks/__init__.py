"""Places the golden records are loaded to. A sink writes; it never folds.

Does not belong here: connectors, survivorship.
"""
