"""A user works on a person: rows that were archived with their sources are restored.

A row that no source asks for any more is archived, unless a user has worked on the person. Both
orders give the same result: code that writes work calls `worked_on` in the same transaction.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from hub.crm import derived
from hub.crm.touched import archived_with_sources
from hub.records import entities


def worked_on(conn: Connection, entity_ids: Iterable[int | None]) -> None:
    """Fold people again whose rows were archived with their sources; call when the work is written."""
    ids = archived_with_sources(conn, derived.roots_of(conn, (i for i in entity_ids if i)))
    if ids:
        from hub.etl import load  # noqa: PLC0415 the stages are slow to load, and this is seldom so

        entities.lock_entities(conn, ids)
        entities.bump(conn, ids, quietly=True)
        load.refold(conn, ids)
