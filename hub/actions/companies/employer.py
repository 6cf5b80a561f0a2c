"""The company of a lead that is converted: the one that is there, else a new one; and who works there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.crm import contacts, conversions, custom_field_typing, deals
from hub.etl import companies, load
from hub.landing.own import OURS
from hub.model.records import JsonValue
from hub.records import entities, sources

_SHARED = (
    "organization_name", "website", "industry", "street", "postal_code", "city", "state", "country",
    "tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Employer:
    """A company of a lead; `is_new` says that it was made for it."""

    entity_id: int
    is_new: bool


def company_of(conn: Connection, lead: Mapping[str, Any]) -> Employer | None:
    """Return the company that a lead names: the one that is there, else a new one.

    Call before entities are locked: a new company is made under the lock of companies.
    """
    if not lead["organization_name"]:
        return None
    account = lead["account_id"]
    if account is not None:
        root = deals.contact_root(conn, account)
        return Employer(_entity(conn, root), is_new=False)
    made = companies.make(conn, _values(conn, lead))
    is_new = conn.execute(
        text("SELECT folded_version = 0 FROM ops.entity WHERE id = :id"), {"id": made}
    ).scalar_one()
    return Employer(made, is_new=bool(is_new))


def _values(conn: Connection, lead: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what a lead says of its company; fields that companies have too are copied."""
    values: dict[str, JsonValue] = {n: lead[n] for n in _SHARED if lead[n]}
    email = lead["email"] or ""
    if "@" in email:
        values["domains"] = [email.rpartition("@")[2]]
    custom = custom_field_typing.shared(conn, "company", lead["custom_fields"])
    return {**values, "custom_fields": custom} if custom else values


def employ(
    ctx: Context, person_entity: int, employer: Employer, *, owner_id: int | None
) -> tuple[int, dict[str, Any] | None]:
    """Let a person work for a company; returns its contact, and the row as it was before.

    From now on people keep the company: it does not go away with its sources.
    """
    conn = ctx.conn
    before = None if employer.is_new else conversions.contact_of(conn, employer.entity_id)
    load.refold(conn, [employer.entity_id])
    row = conversions.contact_of(conn, employer.entity_id)
    if row is None:
        raise AssertionError("unreachable: a company that was folded has a row")
    kept = {"kept_by": "person", "archived_at": None, "owner_id": row["owner_id"] or owner_id}
    contacts.write_keeper(conn, row["id"], kept)
    companies.link(conn, person_entity, employer.entity_id, who=ctx.who)
    return int(row["id"]), before


def dismiss(conn: Connection, person_entity: int, company_id: int) -> None:
    """Take back that a person works for a company."""
    companies.unlink(conn, person_entity, _entity(conn, company_id))


def give_up(conn: Connection, company_id: int) -> None:
    """Archive a company that a conversion made and nobody has worked on: its own record is gone."""
    entity = _entity(conn, company_id)
    contacts.write_keeper(
        conn, company_id, {"kept_by": "source", "archived_at": None, "owner_id": None}
    )
    sources.delete_of_entity(conn, entity, OURS)
    entities.bump(conn, [entity])
    load.refold(conn, [entity])


def _entity(conn: Connection, contact_id: int) -> int:
    (entity,) = contacts.entities_of(conn, [contact_id])
    return entity
