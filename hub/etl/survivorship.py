"""The rules of survivorship: read from hub.yaml's file, put in force, and asked for by the fold."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from hub.errors import ConfigError
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
        ConfigError: the file cannot be read or does not hold; every mistake has its line.
    """
    if file is None:
        return SHIPPED
    own, lines = read(Path(file))
    found = [f"{file}:{lines.of(place)}: {what}" for place, what in faults(own)]
    if found:
        raise ConfigError("\n".join(found), hint="see docs/matching.md, Which value survives")
    return overlaid(own)


def apply_rules(conn: Connection, document: Document) -> None:
    """Put rules in force; the next load folds everybody again if they changed."""
    if rules.current(conn) != document and (behind := rules.put(conn, document, SHIPPED)):
        log.info("survivorship_changed", entities=behind)


def rules_in_force(conn: Connection) -> SurvivorshipRules:
    """Return the rules by which every fold is made."""
    document: Any = rules.current(conn)
    return DEFAULT_RULES if document is None else SurvivorshipRules.bind(document)
