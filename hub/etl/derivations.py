"""The versions of the rules in force; a home whose data older rules derived shows it in `hub status`.

Raise a version when its rules give other results for the same input.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.etl.match import active_model
from hub.mappings.document import MappingDocument
from hub.records import derivations
from hub.records.derivations import Stale

KEYS_VERSION = "1"
"""Of `hub.matching.keys`, `hub.matching.normal` and `hub.matching.names`: what a record is found by."""
FOLD_VERSION = "1"
"""Of `hub.golden.survive` and `hub.golden.fold`: what an entity becomes in the CRM."""
LINKS_VERSION = "1"
"""Of `hub.etl.accounts`, `companies` and `inquiries`: what an entity is connected with."""


def declare(conn: Connection) -> None:
    """Record the versions in force."""
    derivations.declare(conn, _versions(conn))


def stale(conn: Connection, mappings: Mapping[str, MappingDocument]) -> Sequence[Stale]:
    """Return how much older rules derived."""
    of_mappings = {name: document.version for name, document in mappings.items()}
    return derivations.stale(conn, _versions(conn), of_mappings)


def _versions(conn: Connection) -> dict[str, str]:
    return {
        "keys": KEYS_VERSION,
        "model": active_model(conn).version,
        "fold": FOLD_VERSION,
        "links": LINKS_VERSION,
    }
