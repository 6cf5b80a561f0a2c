"""What a record of an activity becomes: a row of its table. Pure.

A record may name a person, a lead, a company and a deal. The row is on the deal and on one of the
others: the person before the lead before the company.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.crm.related import Owner, Related
from hub.etl.said_values import moment_of, named, seconds_of, text_of
from hub.model.records import JsonValue, Problem
from hub.records.plain_records import PlainRecord
from hub.records.wanted import ObjectKey

NO_SUBJECT = "(no subject)"
_ON = ("contact", "lead", "company")
_KINDS = ("email", "text", "chat")
OUTCOMES = ("call", "visit")
Outcomes = Mapping[tuple[str, str], int]
"""Kind and name in lower case of an outcome → its number."""


@dataclass(slots=True)
class ActivityRow:
    """What a record becomes; without `row` it is refused, or waits for what it wants."""

    row: dict[str, Any] | None = None
    wanted: set[ObjectKey] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Tell whether the record cannot be written, whatever else arrives."""
        return any(problem.severity == "record" for problem in self.problems)


def people_of(record: PlainRecord) -> Iterator[ObjectKey]:
    """Yield the people and companies that a record names."""
    for relation in _ON:
        if key := named(record, relation):
            yield key


def owners_of(record: PlainRecord) -> Iterator[tuple[str, str]]:
    """Yield the users that a record names: source and id."""
    for relation in ("owner", "author"):
        if ref := record.refs.get(relation):
            yield record.source, ref


def outcome_of(record: PlainRecord) -> tuple[str, str] | None:
    """Return kind and name of the outcome that a record gives."""
    said = text_of(record.values.get("outcome"))
    return (record.target, said) if said and record.target in OUTCOMES else None


def activity_row(record: PlainRecord, related: Related, outcomes: Outcomes) -> ActivityRow:
    """Return what a record becomes, with what is here."""
    made = ActivityRow()
    entity, deal = _about(record, related, made)
    who = _owner(record, related, made, "author")
    owner = _owner(record, related, made, "owner")
    names_any = any(named(record, relation) for relation in (*_ON, "deal"))
    if entity is None and deal is None:
        if not names_any and record.target != "task":
            _refuse(made, record, "contact", "it is on no person, company or deal")
            return made
        if names_any:
            return made
    row = _ROWS[record.target](record, made, outcomes)
    if made.is_refused:
        return made
    author = next((one.who for one in (who, owner) if one and one.who), None)
    made.row = {
        "record_id": record.id,
        "entity_id": entity,
        "deal_id": deal,
        "who": author or (None if record.target == "note" else record.source),
        "created_at": _first(record, "created_at", *_TIMES[record.target]),
        **row,
    }
    if record.target == "task":
        made.row["owner_id"] = owner.user_id if owner else None
    return made


def _about(
    record: PlainRecord, related: Related, made: ActivityRow
) -> tuple[int | None, int | None]:
    entity = None
    for key in people_of(record):
        found = related.entities.get(key)
        if found is None:
            made.wanted.add(key)
        entity = entity if entity is not None else found
    deal_key = named(record, "deal")
    deal = related.deals.get(deal_key) if deal_key else None
    if deal_key is not None and deal is None:
        made.wanted.add(deal_key)
    return entity, deal


def _owner(record: PlainRecord, related: Related, made: ActivityRow, relation: str) -> Owner | None:
    key = named(record, relation)
    if key is None:
        return None
    owner = related.owners.get((key[0], key[2]))
    if owner is None:
        made.wanted.add(key)
    return owner


_TIMES = {
    "task": (),
    "call": ("made_at",),
    "visit": ("visited_at",),
    "message": ("sent_at",),
    "note": ("at",),
}


def _first(record: PlainRecord, *names: str) -> datetime:
    """Return the first of these moments that a record says; without one, when its source changed it."""
    said = (moment_of(record.values.get(name)) for name in names)
    return next((at for at in said if at), record.said_at)


def _task(record: PlainRecord, _made: ActivityRow, _outcomes: Outcomes) -> dict[str, Any]:
    values = record.values
    return {
        "content": text_of(values.get("content")) or NO_SUBJECT,
        "due_at": moment_of(values.get("due_at")),
        "remind_at": moment_of(values.get("remind_at")),
        "completed_at": moment_of(values.get("completed_at")),
    }


def _call(record: PlainRecord, _made: ActivityRow, outcomes: Outcomes) -> dict[str, Any]:
    values = record.values
    return {
        "made_at": _first(record, "made_at", "created_at"),
        "is_incoming": values.get("is_incoming") is True,
        "is_missed": values.get("is_missed") is True,
        "duration_s": seconds_of(values.get("duration_s")),
        "phone_number": text_of(values.get("phone_number")),
        "outcome_id": _outcome(record, outcomes),
        "summary": text_of(values.get("summary")),
        "recording_url": text_of(values.get("recording_url")),
        "external_id": text_of(values.get("external_id")),
    }


def _visit(record: PlainRecord, _made: ActivityRow, outcomes: Outcomes) -> dict[str, Any]:
    values = record.values
    return {
        "visited_at": _first(record, "visited_at", "created_at"),
        "address": text_of(values.get("address")),
        "outcome_id": _outcome(record, outcomes),
        "summary": text_of(values.get("summary")),
    }


def _message(record: PlainRecord, made: ActivityRow, _outcomes: Outcomes) -> dict[str, Any]:
    values = record.values
    kind = text_of(values.get("kind")) or "email"
    if kind not in _KINDS:
        _refuse(made, record, "kind", f"{kind!r} is none of {', '.join(_KINDS)}")
    return {
        "kind": kind,
        "sent_at": _first(record, "sent_at", "created_at"),
        "is_incoming": values.get("is_incoming") is True,
        "subject": text_of(values.get("subject")),
        "content": text_of(values.get("content")),
        "address": text_of(values.get("address")),
        "external_id": text_of(values.get("external_id")),
    }


def _note(record: PlainRecord, made: ActivityRow, _outcomes: Outcomes) -> dict[str, Any]:
    content = text_of(record.values.get("content"))
    if content is None:
        _refuse(made, record, "content", "a note without text")
    return {"content": content, "is_important": record.values.get("is_important") is True}


_ROWS = {"task": _task, "call": _call, "visit": _visit, "message": _message, "note": _note}


def _outcome(record: PlainRecord, outcomes: Outcomes) -> int | None:
    said = outcome_of(record)
    return outcomes.get((said[0], said[1].casefold())) if said else None


def _refuse(made: ActivityRow, record: PlainRecord, name: str, why: str) -> None:
    said: JsonValue = record.values.get(name)
    made.problems.append(
        Problem(record.source_id, name, said if isinstance(said, str) else "", why, "record")
    )
