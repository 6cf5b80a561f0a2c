"""The rules of survivorship: read from the file of hub.yaml, put in force, read by the fold."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from hub.crm import words
from hub.crm.fold_inputs import fold_inputs
from hub.errors import ConfigError
from hub.golden.fold import FoldContext
from hub.golden.rules import (
    DEFAULT_RULES,
    SHIPPED,
    Document,
    SurvivorshipRules,
    faults,
    overlaid,
)
from hub.logs import get_logger
from hub.mappings.files import read
from hub.records import rules

log = get_logger()


def read_rules(file: str | None) -> Document:
    """Return the shipped rules, with what a customer's file names in its place.

    Raises:
        ConfigError: the file cannot be read or has mistakes; each is named with its line.
    """
    if file is None:
        return SHIPPED
    own, lines = read(Path(file))
    found = [f"{file}:{lines.of(place)}: {what}" for place, what in faults(own)]
    if found:
        raise ConfigError("\n".join(found), hint="see docs/matching.md, Which value survives")
    return overlaid(own)


def apply_rules(conn: Connection, document: Document) -> None:
    """Put rules in force; if they changed, the next load folds all entities again."""
    if rules.current(conn) != document and (behind := rules.put(conn, document, SHIPPED)):
        log.info("survivorship_changed", entities=behind)


def rules_in_force(conn: Connection) -> SurvivorshipRules:
    """Return the rules that are in force."""
    return _bound(rules.current(conn))


def fold_context(conn: Connection, object_: str) -> FoldContext:
    """Return what all folds of a chunk share, as it is now.

    Args:
        conn: an open transaction.
        object_: person or company, whose renamed words count.
    """
    found, said = fold_inputs(conn), words.fold_words(conn, object_)
    return FoldContext(_bound(found.rules), said.unqualified, found.owners, said.words)


def _bound(document: Any) -> SurvivorshipRules:
    return DEFAULT_RULES if document is None else SurvivorshipRules.bind(document)
