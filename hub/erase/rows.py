"""The rows of a person, table by table: deleted, or emptied if the row is still counted.

The list is the order: what refers to a row goes before it. A row that stays keeps its id, its dates
and its counts, so that reports, ledgers and the deals' money stay as they were. Every table with a
personal column is in this list, or in `HOLDS_MENTIONS` with the reason; a test holds it. What
others have written about the person is `hub.erase.take_out`. Raw versions:
`hub.records.erased_objects`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from hub.crm import activity_tables, deal_tables, derived
from hub.crm import tables as crm
from hub.db import outbox
from hub.erase.tied import Tied
from hub.records import departing, entities, hook_tables, identity, sources
from hub.records import tables as ops
from hub.records.companies import ORGANISATION

_ENTITIES, _RECORDS, _LEADS, _CONTACTS = "entities", "records", "leads", "contacts"


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a person's rows in one table.

    Args:
        table: the table.
        ties: column → the ids of `Tied` that it names; one suffices.
        empty: column → what it holds afterwards; nothing: the rows are deleted.
    """

    table: Table
    ties: Mapping[str, str]
    empty: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the table's name with its schema."""
        return str(self.table.fullname)

    def is_tied(self, ids: Tied) -> ColumnElement[bool]:
        """Return the condition that a row is the person's."""
        return or_(*(
            self.table.c[column] == func.any(literal(getattr(ids, group)))
            for column, group in self.ties.items()
        ))  # fmt: skip


_PERSON_COLUMNS = (
    "first_name", "last_name", "email", "emails", "phone", "mobile", "fax", "organization_name",
    "title", "industry", "website", "description", "street", "postal_code", "city", "state",
    "country", "tags", "custom_fields",
)  # fmt: skip
_NOBODY = dict.fromkeys(_PERSON_COLUMNS)
_ACTIVITIES = [
    Rule(table, {"record_id": _RECORDS, "entity_id": _ENTITIES})
    for table in (
        activity_tables.task, activity_tables.call, activity_tables.visit, activity_tables.message,
    )
]  # fmt: skip
_NOW = func.now()

RULES: Sequence[Rule] = (
    Rule(ops.review, {"a": _RECORDS, "b": _RECORDS}),
    Rule(ops.edge, {"a": _RECORDS, "b": _RECORDS}),
    Rule(crm.inquiry, {"record_id": _RECORDS, "entity_id": _ENTITIES}),
    Rule(crm.ticket, {"record_id": _RECORDS, "entity_id": _ENTITIES}),
    Rule(crm.note, {"record_id": _RECORDS, "entity_id": _ENTITIES}),
    *_ACTIVITIES,
    Rule(ops.edit, {"entity_id": _ENTITIES}),
    Rule(ops.change, {"entity_id": _ENTITIES}),
    Rule(ops.employment, {"person_id": _ENTITIES}),
    Rule(ops.company_key, {"entity_id": _ENTITIES}),
    Rule(ops.pending, {"ref": _RECORDS}),
    Rule(ops.company_question, {"record_id": _RECORDS}),
    Rule(ops.wanted, {"record_id": _RECORDS}),
    Rule(ops.record_version, {"record_id": _RECORDS}),
    Rule(ops.source_record, {"id": _RECORDS}),
    Rule(crm.alert, {"lead_id": _LEADS, "contact_id": _CONTACTS}),
    Rule(
        outbox.outbox,
        {"lead_id": _LEADS, "contact_id": _CONTACTS},
        {
            "payload": {},
            "address": None,
            "dedupe_key": func.concat("erased:", outbox.outbox.c.id),
            "state": func.replace(
                func.replace(outbox.outbox.c.state, "pending", "dead"), "held", "dead"
            ),
            "last_error": "its person was erased",
        },
    ),
    Rule(
        hook_tables.hook_delivery,
        {"lead_id": _LEADS},
        {
            "state": func.replace(hook_tables.hook_delivery.c.state, "pending", "dropped"),
            "last_error": "its person was erased",
        },
    ),
    Rule(
        ops.assignment,
        {"lead_id": _LEADS, "contact_id": _CONTACTS},
        {"reason": "the person was erased", "facts": None},
    ),
    Rule(
        crm.lead,
        {"entity_id": _ENTITIES},
        {
            **_NOBODY, "legacy_owner": None, "account_id": None, "account_why": None,
            "archived_at": func.coalesce(crm.lead.c.archived_at, _NOW),
        },
    ),
    Rule(
        crm.contact,
        {"entity_id": _ENTITIES},
        {
            **_NOBODY, "company_id": None, "parent_id": None, "kept_by": "nobody",
            "archived_at": func.coalesce(crm.contact.c.archived_at, _NOW),
        },
    ),
)  # fmt: skip

DETACHED: Sequence[tuple[Table, Mapping[str, Any]]] = (
    (deal_tables.deal, {"record_id": None, "given": None}),
    (deal_tables.conversion, {"record_id": None}),
)
"""Rows that stay without the record that they came with (`record_id`), and what they hold afterwards."""

EMPTIED_WITH_OBJECTS = (
    "landing.raw",
    "landing.head",
    "landing.quarantine",
    "landing.correction",
    "landing.planned",
    "ops.plan",
    "ops.verdict",
)
"""Tables that `hub.records.erased_objects` empties."""
BY_HAND = ("ops.match_key", "ops.consent_event")
"""Tables that have functions of their own, below and in `hub.erase.consents`."""
HOLDS_MENTIONS: Mapping[str, str] = {
    "landing.checkpoint": "a cursor of a stream",
    "landing.inbox": "what a source sent and no worker has landed; landing keeps an erased person out",
    "ops.batch": "windows and ledgers, which may list ids of objects; the lists of an undo",
    "ops.migration": "who began it: a member of the team",
    "ops.migration_range": "the bounds of a range, and why it could not be read",
    "ops.alert_state": "the sentence of a failed run; it names no person",
    "ops.token": "who made it: a member of the team",
    "ops.subscription": "who made it: a member of the team, or a token",
    "ops.undo_part": "a report, which lists ids of objects",
    "ops.bulk": "what a user typed into many records; mentions are taken out",
    "ops.bulk_item": "values of many records; mentions are taken out",
    "ops.match_model": "frequent names and numbers; no row is a person's",
    "ops.drift": "samples of values that a mapping does not know",
    "ops.delivery": "the address of a member of the team, or of a person who was asked to confirm",
    "crm.deal": "the deal stays with its money; its name and fields lose the person",
    "crm.deal_check": "who ticked it: a member of the team",
    "crm.stage_transition": "who moved the deal: a member of the team",
    "crm.conversion": "who converted: a member of the team",
    "crm.smart_list": "a filter that a person typed",
    "ops.name_change": "names that the team gave; one may name a person",
}
"""Tables without rows of a person: mentions are taken out of them."""
OF_THE_TEAM: Mapping[str, str] = {
    "crm.user": "members of the team: an address of one is refused",
    "crm.owner_identity": "ids of members of the team at the sources",
}


def remove(conn: Connection, ids: Tied) -> dict[str, int]:
    """Delete and empty the person's rows; returns the rows by table.

    Args:
        conn: an open transaction, under the identity lock and the lock of companies.
        ids: the person's; a second call finds less.
    """
    keys = identity.keys_of(conn, ids.records)
    departing.forget_keys(conn, keys)
    sources.forget_keys(conn, [*keys])
    done: dict[str, int] = {}
    for table, values in DETACHED:
        is_tied = table.c.record_id == func.any(literal(ids.records))
        conn.execute(update(table).values(**values).where(is_tied))
    for rule in RULES:
        statement = (
            update(rule.table).values(**rule.empty) if rule.empty else delete(rule.table)
        ).where(rule.is_tied(ids))
        if rule.table is ops.pending:
            statement = statement.where(ops.pending.c.stage != "normalize")
        done[rule.name] = done.get(rule.name, 0) + conn.execute(statement).rowcount
    derived.recompute(conn, ids.entities, ids.deals)
    return done


def let_go(conn: Connection, ids: Tied) -> list[int]:
    """Detach the person's records from other entities; returns those to fold again. Call it before `remove`.

    Companies may lose a record. So may people who were merged with the person by mistake.
    """
    others = _other_entities(conn, ids)
    for target in ("person", ORGANISATION):
        members = departing.co_members(conn, ids.records, target)
        left = {r: e for r, e in members.items() if r not in set(ids.records) and e in others}
        departing.move_anchors(conn, ids.records, left)
    entities.bump(conn, others)
    return others


def _other_entities(conn: Connection, ids: Tied) -> list[int]:
    c = ops.source_record.c
    found = select(c.entity_id).distinct().where(
        c.id == func.any(literal(ids.records)),
        c.entity_id.is_not(None),
        c.entity_id != func.all(literal(ids.entities)),
    )  # fmt: skip
    return list(conn.execute(found).scalars())


def own_rows(
    of: Any, ids: Tied, objects: Collection[tuple[str, str, str]]
) -> ColumnElement[bool] | None:
    """Return the condition that a row of a table is the person's own; None where no row is."""
    ties = [rule.is_tied(ids) for rule in RULES if rule.table is of]
    names = [of.c.get(name) for name in ("source", "stream", "source_id")]
    if objects and all(name is not None for name in names):
        ties.append(tuple_(*names).in_(sorted(objects)))
    return or_(*ties) if ties else None


def count(conn: Connection, ids: Tied) -> dict[str, int]:
    """Return how many rows `remove` would delete or empty, by table."""
    return {
        rule.name: conn.execute(
            select(func.count()).select_from(rule.table).where(rule.is_tied(ids))
        ).scalar_one()
        for rule in RULES
    }
