"""The addresses of people for consent: in normal form, by kind.

In: entities. Out: the addresses that their records and edits give them, and who else has an address.
Not here: what was said of an address (`hub.records.consent_events`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.records import texts
from hub.records.entities import WHOLE


def normal_address(said: str) -> str:
    """Return the form under which an e-mail address or a number is kept."""
    plain = said.encode("utf-8", "replace").decode().replace("\0", "")
    return plain.strip().lower()


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of an address: an entity, by the values of a living record, a row or an edit."""

    entity_id: int
    values: Mapping[str, Any]


# A record that is gone counts for its entity as long as there is no living one.
_HELD = text(f"""
WITH RECURSIVE {WHOLE}
SELECT s.entity_id, s.canonical AS values FROM ops.source_record s
WHERE s.entity_id = ANY(:ids) AND s.target = 'person' AND s.withdrawn_by IS NULL
  AND (s.gone_at IS NULL OR NOT EXISTS (
    SELECT 1 FROM ops.source_record o WHERE o.entity_id = s.entity_id AND o.target = 'person'
      AND o.gone_at IS NULL AND o.withdrawn_by IS NULL))
UNION ALL
SELECT w.root, jsonb_build_object(e.field, e.value) FROM whole w
JOIN ops.edit e ON e.entity_id = w.id AND e.revoked_at IS NULL
WHERE e.field IN ('email', 'emails', 'phone', 'mobile', 'fax')
""")  # noqa: S608 our own text


def held_by(conn: Connection, entity_ids: Sequence[int]) -> list[Holder]:
    """Return the values from which the addresses of people come."""
    return [Holder(*row) for row in conn.execute(_HELD, {"ids": list(entity_ids)})]


_SHARED = text("""
SELECT DISTINCT s.entity_id, s.canonical AS values
FROM ops.match_key m
JOIN ops.source_record s ON s.id = m.record_id
WHERE m.hash = ANY(:hashes) AND s.target = 'person' AND s.entity_id IS NOT NULL
  AND s.gone_at IS NULL AND s.withdrawn_by IS NULL
""")


def holders(conn: Connection, hashes: Sequence[int]) -> list[Holder]:
    """Return people whose living records have one of these keys of matching.

    Two keys can have one hash, so the caller must compare the values.
    """
    return [Holder(*row) for row in conn.execute(_SHARED, {"hashes": list(hashes)})]


_REACHES: Mapping[str, str] = {"email": "email", "phone": "phone", "sms": "phone", "fax": "fax"}
"""Channel → kind of address."""
_KINDS: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "emails"),
    "phone": ("phone", "mobile", "other_phones"),
    "fax": ("fax",),
}


def kind_of(channel: str) -> str | None:
    """Return the kind of address that a channel reaches: email, phone, fax; None for post."""
    return _REACHES.get(channel)


def addresses_in(values: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the addresses among the values of a person: (kind, address)."""
    custom = values.get("custom_fields")
    known = {**custom, **values} if isinstance(custom, Mapping) else values
    return {
        (kind, normal_address(one))
        for kind, names in _KINDS.items()
        for name in names
        for one in texts(known.get(name))
        if one.strip()
    }


def addresses_of(conn: Connection, entity_ids: Sequence[int]) -> dict[int, set[tuple[str, str]]]:
    """Return the addresses that people have now, by entity: (kind, address)."""
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for holder in held_by(conn, entity_ids):
        found[holder.entity_id] |= addresses_in(holder.values)
    return found
