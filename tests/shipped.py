"""The mappings that the hub ships, which a process of the tests reads once."""

from collections.abc import Mapping
from functools import cache

from hub.mappings.document import MappingDocument
from hub.mappings.loader import load_all


@cache
def mappings() -> Mapping[str, MappingDocument]:
    """Return every mapping by its name, as `source/stream`."""
    return load_all(None)
