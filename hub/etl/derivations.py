"""The versions of the rules in force; a home whose data older rules derived shows it in `hub status`.

Raise a version when its rules give other results for the same input. The normaliser has no version
of its own: a mapping's version is a digest of its document and of `ENGINE_VERSION`.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.etl.match import active_model
from hub.mappings.document import MappingDocument
from hub.records import derivations
from hub.records.derivations import Stale

KEYS_VERSION = "2"
"""Of `hub.matching.keys`, `hub.matching.normal` and `hub.matching.names`: what a record is found by."""
JUDGE_VERSION = "1"
"""Of `hub.matching.compare`, `scoring` and `clusters`: what is made of two records with a model."""
FOLD_VERSION = "2"
"""Of `hub.golden`: what an entity becomes in the CRM."""
LINKS_VERSION = "2"
"""Of `hub.etl.accounts`, `companies` and `inquiries`: what an entity is connected with."""


def declare(conn: Connection, mappings: Mapping[str, MappingDocument]) -> None:
    """Record the versions in force."""
    derivations.declare(conn, _versions(conn), _of_mappings(mappings))


def stale(conn: Connection, mappings: Mapping[str, MappingDocument]) -> Sequence[Stale]:
    """Return how much older rules derived."""
    return derivations.stale(conn, _versions(conn), _of_mappings(mappings))


def _of_mappings(mappings: Mapping[str, MappingDocument]) -> dict[str, str]:
    return {name: document.version for name, document in mappings.items()}


def _versions(conn: Connection) -> dict[str, str]:
    return {
        "keys": KEYS_VERSION,
        "model": f"{active_model(conn).version}/{JUDGE_VERSION}",
        "fold": FOLD_VERSION,
        "links": LINKS_VERSION,
    }
