"""The versions of the rules in force; a home whose data older rules derived shows it in `hub status`.

Raise a version when its rules give other results for the same input. The normaliser has no version
of its own: a mapping's version is a digest of its document and of `ENGINE_VERSION`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection

from hub.etl.model_in_use import active_model
from hub.records import derivations
from hub.records.derivations import Stale

MAPPING = derivations.MAPPING
"""The derivation of a mapping: one part a stream."""
KEYS_VERSION = "2"
"""Of `hub.matching.keys`, `hub.matching.normal` and `hub.matching.names`: the keys of a record."""
JUDGE_VERSION = "1"
"""Of `hub.matching.compare`, `scoring` and `clusters`: the judgement of two records by a model."""
FOLD_VERSION = "2"
"""Of `hub.golden`: the row of an entity in the CRM."""
LINKS_VERSION = "2"
"""Of `hub.etl.accounts`, `companies` and `inquiries`: the links of an entity."""


class Versioned(Protocol):
    """A mapping, or a summary of one."""

    @property
    def version(self) -> str:
        """Return the digest of the document and of the engine."""
        ...


def declare(conn: Connection, mappings: Mapping[str, Versioned]) -> None:
    """Record the versions in force."""
    derivations.declare(conn, _versions(conn), _of_mappings(mappings))


def stale(conn: Connection, mappings: Mapping[str, Versioned]) -> Sequence[Stale]:
    """Return how many records were derived by older rules."""
    return derivations.stale(conn, _versions(conn), _of_mappings(mappings))


def _of_mappings(mappings: Mapping[str, Versioned]) -> dict[str, str]:
    return {name: document.version for name, document in mappings.items()}


def _versions(conn: Connection) -> dict[str, str]:
    return {
        "keys": KEYS_VERSION,
        "model": f"{active_model(conn).version}/{JUDGE_VERSION}",
        "fold": FOLD_VERSION,
        "links": LINKS_VERSION,
    }
