"""Canonical values of a record as the columns of a row hold them. Pure; a value of another form is none."""

from datetime import UTC, date, datetime

from hub.model.entities import REF_STREAMS
from hub.model.records import JsonValue
from hub.records.plain_records import PlainRecord
from hub.records.wanted import ObjectKey

_MOST_SECONDS = 2**31 - 1


def text_of(value: JsonValue) -> str | None:
    """Return a text that is not blank."""
    return value.strip() or None if isinstance(value, str) else None


def moment_of(value: JsonValue) -> datetime | None:
    """Return a moment; one without a zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def day_of(value: JsonValue) -> date | None:
    """Return a day."""
    at = moment_of(value)
    return at.date() if at else None


def seconds_of(value: JsonValue) -> int | None:
    """Return a duration in whole seconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return round(value) if is_number and 0 <= value <= _MOST_SECONDS else None  # type: ignore[arg-type, operator]


def named(record: PlainRecord, relation: str, source_id: str | None = None) -> ObjectKey | None:
    """Return the object that a relation of a record names; None if it names none.

    Args:
        record: of a deal or an activity.
        relation: contact, lead, company, deal, owner, author.
        source_id: the id; None: the one in the record's refs.
    """
    stream = REF_STREAMS.get(record.source, {}).get(relation)
    ref = source_id if source_id is not None else record.refs.get(relation)
    return (record.source, stream, ref) if stream and ref else None
