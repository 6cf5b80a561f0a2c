"""The account export of Zendesk Sell: a zip with a CSV file for each object, made from the same records.

The columns of contacts, leads, deals, notes, tasks and documents are those that a public reader of such
exports expects (Lundalogik/move-to-go, sources/base-crm); those of calls follow the API. A file has at most
20,000 rows, then the next number follows (`contacts.1.csv`); that number is ours. Not here: what is read from it
(`hub.connectors.files`).
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.sandbox.sell.shapes import SOURCE, number
from hub.sandbox.world import Row, World, iso

Cells = Mapping[str, Any]
_MOST_ROWS = 20_000
_ADDRESS = {"street": "line1", "city": "city", "zip": "postal_code", "region": "state",
            "country": "country"}  # fmt: skip
_CARD = ("first_name", "last_name", "description", "email", "facebook", "fax", "industry",
         "linkedin", "mobile", "phone", "skype", "title", "twitter", "website")  # fmt: skip


def export(world: World) -> bytes:
    """Return the zip of an account with what it has now; deleted records are not in it."""
    return _Export(world).zipped()


class _Export:
    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[str, dict[int | None, Row]] = {}

    def zipped(self) -> bytes:
        files: Mapping[str, Callable[[Row], Cells]] = {
            "contacts": self._contact,
            "leads": self._lead,
            "deals": self._deal,
            "notes": self._note,
            "tasks": self._task,
            "calls": self._call,
            "documents": self._document,
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for stream, cells in files.items():
                rows = [cells(row) for row in self.world.rows(SOURCE, stream)]
                for n, start in enumerate(range(0, max(len(rows), 1), _MOST_ROWS)):
                    part = rows[start : start + _MOST_ROWS]
                    archive.writestr(f"{stream}.{n}.csv", _written(part, _names(rows)))
        return packed.getvalue()

    def _by_id(self, stream: str, id_: object) -> Row | None:
        if stream not in self._known:
            rows = self.world.rows(SOURCE, stream)
            self._known[stream] = {number(row.id): row for row in rows}
        return self._known[stream].get(number(id_))

    def _name(self, stream: str, id_: object) -> str | None:
        row = self._by_id(stream, id_)
        return None if row is None else full_name(row.values)

    def _shared(self, row: Row) -> dict[str, Any]:
        values = row.values
        return {
            "id": row.id,
            "owner": self._name("users", values.get("owner_id")),
            "creator": self._name("users", values.get("creator_id")),
            "created_at": iso(row.created_at),
            "updated_at": iso(row.modified_at),
            "tags": ",".join(values.get("tags") or ()),
        }

    def _contact(self, row: Row) -> Cells:
        values = row.values
        is_company = bool(values.get("is_organization"))
        above = values.get("parent_organization_id" if is_company else "contact_id")
        place = _place(values)
        return {
            **self._shared(row),
            **{name: values.get(name) for name in _CARD},
            **{key: value for key, value in place.items() if key != "street"},
            "address": place["street"],
            "is_organisation": is_company,
            "name": full_name(values),
            "organisation_name": self._name("contacts", above),
            "customer_status": values.get("customer_status"),
            "prospect_status": values.get("prospect_status"),
            "private": False,
            **_own(values),
        }

    def _lead(self, row: Row) -> Cells:
        values = row.values
        return {
            **self._shared(row),
            **{name: values.get(name) for name in _CARD},
            **_place(values),
            "company_name": values.get("organization_name"),
            "status": values.get("status"),
            "source": self._name("lead_sources", values.get("source_id")),
            **_own(values),
        }

    def _deal(self, row: Row) -> Cells:
        values = row.values
        stage = self._by_id("stages", values.get("stage_id"))
        of_stage = stage.values if stage is not None else {}
        contact = self._by_id("contacts", values.get("contact_id"))
        company_id = None
        if contact is not None:
            is_company = contact.values.get("is_organization")
            company_id = contact.id if is_company else contact.values.get("contact_id")
        worth = float(values.get("value") or 0)
        likely = values.get("customized_win_likelihood")
        likely = of_stage.get("likelihood") if likely is None else likely
        added = str(values.get("added_at") or iso(row.created_at))
        return {
            **self._shared(row),
            "name": values.get("name"),
            "scope": values.get("value"),
            "currency": values.get("currency"),
            "forecasted_deal_value": f"{worth * (likely or 0) / 100:.2f}",
            "hot": bool(values.get("hot")),
            "pipeline_id": of_stage.get("pipeline_id"),
            "pipeline_name": self._name("pipelines", of_stage.get("pipeline_id")),
            "stage_id": values.get("stage_id"),
            "stage_name": of_stage.get("name"),
            "main_contact_id": values.get("contact_id"),
            "main_contact": self._name("contacts", values.get("contact_id")),
            "company_id": company_id,
            "company": self._name("contacts", company_id),
            "added_at": added,
            "added_on": added[:10],
            "last_activity_date": values.get("last_activity_at"),
            "last_stage_change_at": values.get("last_stage_change_at"),
            "loss_reason": self._name("loss_reasons", values.get("loss_reason_id")),
            "source": self._name("deal_sources", values.get("source_id")),
            **_own(values),
        }

    def _about(self, row: Row, word: str) -> dict[str, Any]:
        kind, id_ = row.values.get("resource_type"), row.values.get("resource_id")
        found = self._by_id(f"{kind}s", id_) if kind else None
        values = found.values if found is not None else {}
        is_person = kind in {"lead", "contact"} and not values.get("is_organization")
        return {
            f"{word}_type": str(kind).title() if kind else None,
            f"{word}_id": id_,
            f"{word}_name": full_name(values) if found is not None and not is_person else None,
            f"{word}_company_name": values.get("organization_name"),
            f"{word}_first_name": values.get("first_name") if is_person else None,
            f"{word}_last_name": values.get("last_name") if is_person else None,
        }

    def _note(self, row: Row) -> Cells:
        shared = self._shared(row)
        return {
            **{name: shared[name] for name in ("id", "created_at", "updated_at")},
            "content": row.values.get("content"),
            "owner": shared["creator"],
            **self._about(row, "noteable"),
        }

    def _task(self, row: Row) -> Cells:
        shared, values = self._shared(row), row.values
        return {
            **{name: shared[name] for name in ("id", "owner", "created_at", "updated_at")},
            "content": values.get("content"),
            "date": values.get("due_date"),
            "done_at": values.get("completed_at"),
            "send_time": values.get("remind_at"),
            "remind": bool(values.get("remind_at")),
            **self._about(row, "taskable"),
        }

    def _call(self, row: Row) -> Cells:
        values = row.values
        deals = ",".join(map(str, values.get("associated_deal_ids") or ()))
        plain = ("summary", "made_at", "phone_number", "duration", "incoming", "missed",
                 "resource_type", "resource_id", "recording_url")  # fmt: skip
        return {
            "id": row.id,
            "user": self._name("users", values.get("user_id")),
            **{name: values.get(name) for name in plain},
            "outcome": self._name("call_outcomes", values.get("outcome_id")),
            "associated_deal_ids": deals,
            "updated_at": iso(row.modified_at),
        }

    def _document(self, row: Row) -> Cells:
        values = row.values
        kind = values.get("resource_type")
        return {
            "id": row.id,
            "documentable_type": str(kind).title() if kind else None,
            "documentable_id": values.get("resource_id"),
            "uploaded_file_name": values.get("name"),
            "uploaded_file_size_in_bytes": values.get("size"),
            "owner": self._name("users", values.get("creator_id")),
            "created_at": iso(row.created_at),
        }


def full_name(values: Cells) -> str:
    """Return the name of a record: its own, or the two names of a person."""
    names = (values.get("first_name"), values.get("last_name"))
    return str(values.get("name") or " ".join(one for one in names if one))


def _place(values: Cells) -> dict[str, Any]:
    address = values.get("address") or {}
    return {column: address.get(name) for column, name in _ADDRESS.items()}


def _own(values: Cells) -> dict[str, Any]:
    """Return the custom fields, each in a column such as `custom Budget`."""
    return {
        f"custom {name}": _flat(one) for name, one in (values.get("custom_fields") or {}).items()
    }


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(str(_flat(one)) for one in value)
    if isinstance(value, dict) and "name" in value:
        return value["name"]
    if isinstance(value, dict):
        return ", ".join(str(one) for one in value.values() if one)
    return int(value) if isinstance(value, bool) else value


def _names(rows: Iterable[Cells]) -> list[str]:
    """Return the columns of all rows in their order; custom fields come last."""
    names = dict.fromkeys(name for row in rows for name in row)
    return sorted(names, key=lambda name: name.startswith("custom "))


def _written(rows: Iterable[Cells], names: list[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in row.items()
        })  # fmt: skip
    return text.getvalue()
