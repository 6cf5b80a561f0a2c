"""The typed values of a lead or a contact, by the hub's own names: as a mapping would give it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from hub.actions import values
from hub.crm.custom_field_typing import split
from hub.errors import ActionError, RecordError
from hub.mappings import emails, phones, places, text, websites
from hub.mappings import values as mapped
from hub.mappings.people import company
from hub.mappings.registry import Args, Ctx, Outcome, Remark
from hub.model import person_names, vocabulary
from hub.model.entities import CONTACT_FIELDS, ENTITY_FIELDS, LEAD_FIELDS, ColumnClass
from hub.model.records import JsonValue

_NO_ARGS: Args = {}
_TRANSFORMS: Mapping[str, Callable[[object, Args, Ctx], Outcome]] = {
    "first_name": text.text,
    "last_name": text.text,
    "organization_name": company,
    "email": emails.email,
    "phone": phones.phone,
    "mobile": phones.phone,
    "fax": phones.phone,
    "website": websites.url,
    "description": text.multiline,
    "street": text.street,
    "postal_code": text.postal,
    "country": places.country,
    "state": places.state,
    "tags": mapped.tags,
}
_PERSON = "person"
EDITABLE = frozenset(
    f.name
    for f in (*LEAD_FIELDS, *CONTACT_FIELDS)
    if f.column_class is ColumnClass.FOLDED and f.kind != "json"  # one by one: custom_fields.<key>
)
"""What people type into a lead, a person or a company that is there."""
_GIVEN_BY_US = frozenset(
    {"created_at", "emails", "custom_fields", "customer_type", "prospect_type"}
)


def canonical(kind: str, given: Mapping[str, JsonValue], *, region: str) -> dict[str, JsonValue]:
    """Return typed values in canonical form; blanks are left out.

    Args:
        kind: lead or contact.
        given: by field; `custom_fields.<key>` is one custom field, which is given back as typed.
        region: ISO country of phone numbers, where no country is typed.

    Raises:
        ActionError: there is no such field (`not_found`), or a value is of another kind
            (`invalid`).
    """
    known = _fields(kind)
    own, custom = split(given)
    own = vocabulary.columns(vocabulary.PEOPLE, own)
    found: dict[str, JsonValue] = {}
    country = _one(kind, "country", own.get("country"), region) if "country" in own else None
    where = country if isinstance(country, str) else region
    for field, value in own.items():
        if field not in known:
            raise ActionError(
                f"a {kind} has no field {field!r}",
                resource=kind,
                field=field,
                code="not_found",
                hint=_names(known),
            )
        kept = _one(kind, field, value, where)
        if kept not in (None, "", []):
            found[field] = kept
    filled: dict[str, JsonValue] = {k: v for k, v in custom.items() if v not in (None, "")}
    if filled:
        found["custom_fields"] = filled
    return found


def edited(
    given: Mapping[str, JsonValue], *, region: str, now: datetime, country: str | None = None
) -> dict[str, JsonValue]:
    """Return values typed into an existing record, read as if they were added; None is a blank.

    Args:
        given: by field, custom fields left out.
        region: ISO country where neither `given` nor the record names one.
        now: aware, in the time zone of the person who types.
        country: the record's own.

    Raises:
        ActionError: there is no such field (`not_found`), or a value is of another kind
            (`invalid`).
    """
    given = vocabulary.columns(vocabulary.PEOPLE, given)
    for field in given.keys() - EDITABLE:
        raise ActionError(
            f"there is no field {field!r} to edit",
            resource=_PERSON,
            field=field,
            code="not_found",
            hint=_names(EDITABLE),
        )
    typed = _one(_PERSON, "country", given.get("country"), region)
    where = typed if isinstance(typed, str) else country or region
    return {field: _of_edit(field, value, where, now) for field, value in given.items()}


def _names(columns: Iterable[str]) -> str:
    return f"fields: {', '.join(sorted(map(vocabulary.today, columns)))}, custom_fields.<key>"


def _of_edit(field: str, value: JsonValue, region: str, now: datetime) -> JsonValue:
    if field == "created_at" and value is not None:
        return values.moment(_PERSON, field, value, now=now).isoformat()
    if field == "emails" and value is not None:
        several = value if isinstance(value, list) else [value]
        read = [_one(_PERSON, "email", one, region, said_of=field) for one in several]
        return list(dict.fromkeys(one for one in read if isinstance(one, str)))
    return _one(_PERSON, field, value, region)


def named(whole: str | None) -> dict[str, JsonValue]:
    """Return first and last name of a whole name, as far as it has them."""
    name = person_names.split(text.clean(whole or ""))
    return {k: v for k, v in (("first_name", name.first), ("last_name", name.last)) if v}


def _fields(kind: str) -> frozenset[str]:
    folded = (f.name for f in ENTITY_FIELDS[kind] if f.column_class is ColumnClass.FOLDED)
    return frozenset(folded) - _GIVEN_BY_US


def _one(
    kind: str, field: str, value: JsonValue, region: str, *, said_of: str | None = None
) -> JsonValue:
    """Return one value as its field keeps it; `said_of` is the field that an error names."""
    said_of = said_of or field
    if value is None:
        return None
    typed = value if field == "tags" and isinstance(value, list) else _text(kind, said_of, value)
    if typed in ("", []):
        return None
    transform = _TRANSFORMS.get(field, text.text)
    try:
        kept = transform(typed, _NO_ARGS, Ctx(region))
    except RecordError as exc:
        raise _refused(kind, said_of, exc.message) from exc
    if isinstance(kept, Remark):
        raise _refused(kind, said_of, kept.reason.removesuffix("; saved as typed"))
    return kept


def _text(kind: str, field: str, value: JsonValue) -> str:
    return values.text(kind, field, value)


def _refused(kind: str, field: str, why: str) -> ActionError:
    name = vocabulary.today(field)
    return ActionError(f"{name} of a {kind}: {why}", resource=kind, field=name, code="invalid")
