"""What people type of a lead or a contact, in the hub's own words: as a mapping would give it."""

from collections.abc import Callable, Mapping

from hub.actions import values
from hub.crm.custom_field_typing import split
from hub.errors import ActionError, RecordError
from hub.mappings import emails, phones, places, text, websites
from hub.mappings import values as mapped
from hub.mappings.people import company
from hub.mappings.registry import Args, Ctx, Outcome, Remark
from hub.model import person_names
from hub.model.entities import ENTITY_FIELDS, ColumnClass
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
_GIVEN_BY_US = frozenset(
    {"created_at", "emails", "custom_fields", "customer_type", "prospect_type"}
)


def canonical(kind: str, given: Mapping[str, JsonValue], *, region: str) -> dict[str, JsonValue]:
    """Return canonical values of what somebody typed; blanks are left out.

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
    found: dict[str, JsonValue] = {}
    country = _one(kind, "country", given.get("country"), region) if "country" in given else None
    where = country if isinstance(country, str) else region
    for field, value in own.items():
        if field not in known:
            raise ActionError(
                f"a {kind} has no field {field!r}",
                resource=kind,
                field=field,
                code="not_found",
                hint=f"fields: {', '.join(sorted(known))}, custom_fields.<key>",
            )
        kept = _one(kind, field, value, where)
        if kept not in (None, "", []):
            found[field] = kept
    filled: dict[str, JsonValue] = {k: v for k, v in custom.items() if v not in (None, "")}
    if filled:
        found["custom_fields"] = filled
    return found


def named(whole: str | None) -> dict[str, JsonValue]:
    """Return first and last name of a whole name, as far as it has them."""
    name = person_names.split(text.clean(whole or ""))
    return {k: v for k, v in (("first_name", name.first), ("last_name", name.last)) if v}


def _fields(kind: str) -> frozenset[str]:
    folded = (f.name for f in ENTITY_FIELDS[kind] if f.column_class is ColumnClass.FOLDED)
    return frozenset(folded) - _GIVEN_BY_US


def _one(kind: str, field: str, value: JsonValue, region: str) -> JsonValue:
    if value is None:
        return None
    typed = value if field == "tags" and isinstance(value, list) else _text(kind, field, value)
    if typed in ("", []):
        return None
    transform = _TRANSFORMS.get(field, text.text)
    try:
        kept = transform(typed, _NO_ARGS, Ctx(region))
    except RecordError as exc:
        raise _refused(kind, field, exc.message) from exc
    if isinstance(kept, Remark):
        raise _refused(kind, field, kept.reason.removesuffix("; kept as typed"))
    return kept


def _text(kind: str, field: str, value: JsonValue) -> str:
    return values.text(kind, field, value)


def _refused(kind: str, field: str, why: str) -> ActionError:
    return ActionError(f"{field} of a {kind}: {why}", resource=kind, field=field, code="invalid")
