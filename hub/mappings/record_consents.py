"""What a record says of consent, and of which address.

In: the canonical records of one raw record. Out: one `SaidOfConsent` for each consent. Not here: the
wording of forms (`hub.mappings.consents`), what counts (`hub.model.consent`).
"""

from collections.abc import Mapping, Sequence

from hub.frozen import dataclass
from hub.model.consent import state_named
from hub.model.records import CanonicalRecord, JsonValue

CONSENT = "consent"
_REACHED_BY: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "sms": ("mobile", "phone"),
    "phone": ("phone", "mobile"),
    "fax": ("fax",),
}
ADDRESSES = frozenset(name for names in _REACHED_BY.values() for name in names)


@dataclass(frozen=True, slots=True)
class RecordConsent:
    """One consent in a record.

    Args:
        source_id: id of the raw record.
        values: the fields of a consent.
        address: the address that it is about, as mapped; None if the record has none.
    """

    source_id: str
    values: Mapping[str, JsonValue]
    address: str | None


def record_consents(
    emitted: Sequence[CanonicalRecord], known: Mapping[str, JsonValue]
) -> list[RecordConsent]:
    """Return the consents among canonical records.

    Args:
        emitted: all of one raw record.
        known: the addresses of its person, by field.
    """
    found = []
    for one in emitted:
        if one.entity == CONSENT:
            names = _REACHED_BY.get(str(one.values.get("channel") or "email"), ())
            address = one.values.get("address") or next(
                (known[name] for name in names if known.get(name)), None
            )
            found.append(
                RecordConsent(
                    one.source_id, one.values, address if isinstance(address, str) else None
                )
            )
    return found


def is_no(consent: CanonicalRecord) -> bool:
    """Tell whether a consent is a refusal."""
    state = consent.values.get("state")
    return isinstance(state, str) and state_named(state).is_no
