"""Records as the API shows them: every field of the object, with the type that it has on the wire.

Not here: which records are asked for (`lists.py`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hub.sandbox.ids import scrambled
from hub.sandbox.sell.objects import Resource
from hub.sandbox.world import Row, World, digest_of, iso

SOURCE = "sell"
Json = dict[str, Any]
_ADDRESS = ("line1", "city", "postal_code", "state", "country")
_STRANGE_IDS = 10**9
_NOT_SHOWN = {"lead_conversions": ("owner_id", "create_deal"), "associated_contacts": ("id",)}
_USUAL: Mapping[str, Mapping[str, Any]] = {
    "users": {"status": "active", "role": "user", "roles": []},
    "custom_fields": {"choices": []},
}


def number(text: object) -> int | None:
    """Return an id as the number that the API shows; a text that is none gets one of its own."""
    if text is None or text == "":
        return None
    said = str(text)
    is_number = said.isdecimal() and said.isascii()
    return int(said) if is_number else digest_of(said, SOURCE) % _STRANGE_IDS + _STRANGE_IDS


def _address(value: Mapping[str, Any]) -> Json:
    return {name: value.get(name) for name in _ADDRESS}


_NEVER_NULL: Mapping[str, Callable[[Any], Any]] = {
    "bool": bool,
    "ints": lambda value: [number(one) for one in value or ()],
    "tags": lambda value: list(value or ()),
    "custom": lambda value: dict(value or {}),
}
_NULLABLE: Mapping[str, Callable[[Any], Any]] = {
    "int": number,
    "decimal": str,
    "address": _address,
}


def _typed(kind: str, value: Any) -> Any:
    if kind in _NEVER_NULL:
        return _NEVER_NULL[kind](value)
    if value is None or kind not in _NULLABLE:
        return value
    return _NULLABLE[kind](value)


class Shapes:
    """Shows the records of a world.

    Args:
        world: the world with the rows of all vendors.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._groups: dict[str, tuple[int, dict[str, list[Row]]]] = {}

    def shown(self, resource: Resource, row: Row, base: str) -> Json:
        """Return a record whole; `base` is the address under which the client reached the API."""
        values = row.values
        data: Json = {"id": number(row.id)}
        if resource.has_creator:
            data["creator_id"] = number(values.get("creator_id"))
        for name, known in resource.fields.items():
            data[name] = _typed(known.kind, values.get(name))
        data["created_at"], data["updated_at"] = iso(row.created_at), iso(row.modified_at)
        self._derive(resource.path, row, data, base)
        return data

    def _derive(self, path: str, row: Row, data: Json, base: str) -> None:
        if path == "contacts" and not data["is_organization"]:
            names = (data["first_name"], data["last_name"])
            data["name"] = " ".join(one for one in names if one) or data["name"]
        elif path == "deals":
            self._derive_deal(row, data)
        elif path == "tasks":
            due = data["due_date"]
            is_late = due is not None and _time(due) < self.world.clock.now()
            data["overdue"] = bool(is_late and not data["completed"])
        elif path == "documents":
            key = download_key(self.world.seed, row.id)
            data["download_url"] = f"{base}/files/{row.id}?token={key}"
        elif path in {"lead_sources", "deal_sources"}:
            data["resource_type"] = path.removesuffix("_sources")
        for name in _NOT_SHOWN.get(path, ()):
            del data[name]
        for name, usual in _USUAL.get(path, {}).items():
            data[name] = data[name] or usual

    def _derive_deal(self, row: Row, data: Json) -> None:
        data["organization_id"] = self._organization_of(row)
        data["value"] = data["value"] if data["value"] is not None else "0"
        data["added_at"] = data["added_at"] or data["created_at"]
        data["last_stage_change_at"] = data["last_stage_change_at"] or data["created_at"]
        data["dropbox_email"] = data["dropbox_email"] or f"dropbox@{row.id}.deals.futuresimple.com"

    def _organization_of(self, row: Row) -> int | None:
        """Return the organization of a deal's contact, or the contact itself if it is one."""
        if row.values.get("organization_id"):
            return number(row.values["organization_id"])
        contact = self.world.get(SOURCE, "contacts", str(row.values.get("contact_id")))
        if contact is None:
            return None
        if contact.values.get("is_organization"):
            return number(contact.id)
        return number(contact.values.get("contact_id"))

    def contacts_of(self, deal: Row) -> list[Json]:
        """Return the contacts of a deal: its primary one, and those who are involved."""
        found: list[Json] = []
        primary = number(deal.values.get("contact_id"))
        if primary is not None:
            at = {"created_at": iso(deal.created_at), "updated_at": iso(deal.created_at)}
            found.append({"contact_id": primary, "role": "primary", **at})
        found += [
            {
                "contact_id": number(row.values.get("contact_id")),
                "role": row.values.get("role") or "involved",
                "created_at": iso(row.created_at),
                "updated_at": iso(row.modified_at),
            }
            for row in self.involved(deal.id)
        ]
        return found

    def involved(self, deal_id: str) -> list[Row]:
        """Return the rows of the further contacts of a deal."""
        return self._by("associated_contacts", "deal_id").get(deal_id, [])

    def items_of(self, order_id: str) -> list[Row]:
        """Return the line items of an order."""
        return self._by("line_items", "order_id").get(order_id, [])

    def _by(self, stream: str, name: str) -> dict[str, list[Row]]:
        revision = self.world.revision(SOURCE, stream)
        known = self._groups.get(stream)
        if known is None or known[0] != revision:
            groups: dict[str, list[Row]] = {}
            for row in self.world.rows(SOURCE, stream):
                groups.setdefault(str(row.values.get(name)), []).append(row)
            known = self._groups[stream] = (revision, groups)
        return known[1]


def download_key(seed: int, document_id: str) -> str:
    """Return the text in a document's address that stands for the permission to read it."""
    return scrambled(f"sell/document/{seed}/{document_id}", 24)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def envelope(data: Mapping[str, Any], type_: str) -> Json:
    """Return a record in the envelope of the API."""
    return {"data": dict(data), "meta": {"type": type_}}
