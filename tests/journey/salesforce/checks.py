"""Checks after a migration of Salesforce: the CRM against the vendor's own data."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.journey.org import moment
from tests.journey.rows import DIFFERS, Check, Crm, people_are_people
from tests.journey.salesforce.org import PEOPLE, STREAMS, SalesforceOrg

_KIND_OF = {"leads": "lead", "contacts": "contact"}
_OF_ACTIVITIES = ("tasks", "events", "notes", "files", "campaign_members")
_CIRCLE = 3
_SIGNS = " 🚀🌻☕🎯"


def dates(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Every row has the date of its object; a person of several objects has the earliest."""
    for stream in (*PEOPLE, "accounts"):
        for id_, _ in org.living(stream):
            row = crm.row(stream, id_)
            if row is None:
                continue
            first = min(_dates(crm, org, crm.entities[stream, id_]))
            if row["created_at"] != first:
                yield DIFFERS % (stream, id_, "the date", first, row["created_at"])


def dates_of_deals_and_activities(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Every deal and activity has the date of its object."""
    rows = {id_: deal["added_at"] for id_, deal in crm.deals.items()}
    rows |= {id_: row["created_at"] for id_, row in crm.activities.items()}
    for stream in ("opportunities", *_OF_ACTIVITIES):
        for table in STREAMS[stream]:
            for id_, _ in org.living(table):
                if id_ in rows and rows[id_] != (at := org.at(table, id_)):
                    yield DIFFERS % (table, id_, "the date", at, rows[id_])


def _dates(crm: Crm, org: SalesforceOrg, entity: int) -> list[datetime]:
    """Return the dates of the living objects of a person; of all where none lives."""
    keys = crm.together[entity]
    living = [k for k in keys if not org.table(k[0]).get(k[1], {"deleted": True}).get("deleted")]
    return [org.at(*key) for key in living or keys]


def rows_are_there(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Every living object has its row; a person account has one as a person and none as a company."""
    for stream in (*PEOPLE, "accounts"):
        for id_, values in org.living(stream):
            row = crm.row(stream, id_)
            if stream == "accounts" and values.get("IsPersonAccount"):
                if row is not None:
                    yield f"account {id_} is a person, and there is a company of it"
            elif row is None or row["archived_at"] is not None:
                yield f"{stream} {id_}: there is no row, or an archived one"
            elif stream == "accounts" and not row["is_organization"]:
                yield f"account {id_}: the row is no company"


def deals_and_activities_are_there(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Every living deal and activity has its row."""
    for stream in ("opportunities", *_OF_ACTIVITIES):
        for table in STREAMS[stream]:
            there = crm.deals if stream == "opportunities" else crm.activities
            if missing := [id_ for id_, _ in org.living(table) if id_ not in there]:
                yield f"{table}: {len(missing)} objects have no row, e.g. {missing[:3]}"


def names(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Names in all scripts are those of the source, where one object gives them.

    A sign that is no part of a name is left out of it, and the migration tells so.
    """
    rows = crm.all("SELECT stream, source_id FROM landing.quarantine WHERE field = 'last_name'")
    told = {(row["stream"], row["source_id"]) for row in rows}
    for stream in PEOPLE:
        for id_, values in org.living(stream):
            row = crm.row(stream, id_)
            if row is None or len(crm.together[crm.entities[stream, id_]]) > 1:
                continue
            for ours, theirs in (("first_name", "FirstName"), ("last_name", "LastName")):
                said = str(values[theirs])
                wanted = said.rstrip(_SIGNS) if (stream, id_) in told else said
                if row[ours] != wanted:
                    yield DIFFERS % (stream, id_, theirs, wanted, row[ours])
    for id_, values in org.living("accounts"):
        row = crm.row("accounts", id_)
        is_alone = row and len(crm.together[crm.entities["accounts", id_]]) == 1
        if row and is_alone and row["organization_name"] != values["Name"]:
            yield DIFFERS % ("account", id_, "Name", values["Name"], row["organization_name"])


def owners(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Records keep their active owner; no former user owns a lead, contact or open deal."""
    active = org.active()
    for stream in PEOPLE:
        for id_, _ in org.living(stream):
            row = crm.row(stream, id_)
            if row is None:
                continue
            keys = crm.together[crm.entities[stream, id_]]
            if crm.entities[stream, id_] in crm.elsewhere:
                continue  # it had an owner here before
            said = {org.table(t)[i]["values"].get("OwnerId") for t, i in keys if i in org.table(t)}
            possible = {active[one] for one in said if one in active}
            email = crm.email(row["owner_id"])
            if possible and email not in possible:
                yield DIFFERS % (stream, id_, "the owner", sorted(possible), email)
            if row["owner_id"] is not None and not crm.users[row["owner_id"]]["is_active"]:
                yield f"{stream} {id_}: its owner {email} has left"
            if stream == "leads" and row["owner_id"] is None:
                yield f"lead {id_} has no owner"


def owners_of_deals_and_tasks(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Deals and tasks keep an owner who works there."""
    active = org.active()
    for table, rows in (("opportunities", crm.deals), ("tasks", crm.activities)):
        for id_, values in org.living(table):
            row, wanted = rows.get(id_), active.get(values["OwnerId"])
            if row is None or wanted is None or "owner_id" not in row:
                continue
            if crm.email(row["owner_id"]) != wanted:
                yield DIFFERS % (table, id_, "the owner", wanted, crm.email(row["owner_id"]))


def opt_outs(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """The addresses that are opted out are those of the people who are at the source."""
    wanted = set()
    for stream in PEOPLE:
        for id_, one in org.table(stream).items():
            if one["values"].get("HasOptedOutOfEmail") and (stream, id_) in crm.entities:
                wanted.add(crm.entities[stream, id_])
    rows = crm.all(
        "SELECT lower(address) AS address FROM reporting.consents "
        "WHERE channel = 'email' AND state = 'opt_out'"
    )
    found = {row["address"] for row in rows}
    expected = {
        address.lower()
        for entity in wanted
        for rows_of in (crm.leads, crm.contacts)
        if entity in rows_of
        for address in [rows_of[entity]["email"], *(rows_of[entity]["emails"] or [])]
        if isinstance(address, str)
    }
    if missing := expected - found:
        yield f"{len(missing)} opt-outs are lost, e.g. {sorted(missing)[:3]}"
    if more := found - expected - _addresses(org):
        yield f"{len(more)} addresses are opted out that are not at the source: {sorted(more)[:3]}"


def _addresses(org: SalesforceOrg) -> set[str]:
    """Return the addresses of all objects with an opt-out, those of merged and deleted ones included."""
    return {
        str(one["values"].get("Email")).lower()
        for stream in PEOPLE
        for one in org.table(stream).values()
        if one["values"].get("HasOptedOutOfEmail")
    }


def conversions(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Converted leads are converted, and point to what they became; no other lead is."""
    standing = {
        row["lead_id"]: row
        for row in crm.all("SELECT * FROM crm.conversion WHERE reopened_at IS NULL")
    }
    for id_, values in org.living("leads"):
        row = crm.row("leads", id_)
        if row is None:
            continue
        keys = crm.together[crm.entities["leads", id_]]
        own = [
            org.table("leads")[i]["values"] for t, i in keys if t == "leads" and i in org.table(t)
        ]
        became = [one for one in own if one.get("IsConverted")]
        if not became:
            if row["converted_at"] is not None:
                yield f"lead {id_} is converted here, and open at the vendor"
            continue
        if not values.get("IsConverted"):
            continue
        pointer = standing.get(row["id"])
        if row["converted_at"] is None or pointer is None:
            yield f"lead {id_} is converted at the vendor, and open here"
            continue
        days = {str(one["ConvertedDate"]) for one in became}
        if row["converted_at"].date().isoformat() not in days:
            yield DIFFERS % ("lead", id_, "ConvertedDate", sorted(days), row["converted_at"])
        said = {
            (
                crm.contact_id("contacts", one["ConvertedContactId"]),
                crm.contact_id("accounts", one["ConvertedAccountId"]),
                crm.deals.get(one.get("ConvertedOpportunityId", ""), {}).get("id"),
            )
            for one in became
        }
        if (pointer["person_id"], pointer["company_id"], pointer["deal_id"]) not in said:
            yield f"lead {id_} became {sorted(said, key=str)}, and points to {dict(pointer)}"


def parents(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Companies are below the parents of their accounts; one link of the circle is left out."""
    circle = org.planted_ids("circle")
    without = 0
    for id_, values in org.living("accounts"):
        row, parent = crm.row("accounts", id_), values.get("ParentId")
        if row is None:
            continue
        wanted = crm.contact_id("accounts", parent)
        if id_ in circle and row["parent_id"] is None:
            without += 1
        elif row["parent_id"] != wanted:
            yield DIFFERS % ("account", id_, "the parent", wanted, row["parent_id"])
    if circle and without != 1:
        yield f"{without} links of the circle of {_CIRCLE} companies are left out, not one"


def deals(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Deals have stage, moves, amount, currency, contact and roles of their object."""
    stages = {row["id"]: row["name"] for row in crm.all("SELECT id, name FROM crm.stage")}
    moves: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for row in crm.all("SELECT * FROM crm.stage_transition ORDER BY deal_id, at, id"):
        moves[row["deal_id"]].append((stages[row["to_stage_id"]], row["at"]))
    involved: dict[int, set[int]] = defaultdict(set)
    for row in crm.all("SELECT deal_id, contact_id FROM crm.deal_contact"):
        involved[row["deal_id"]].add(row["contact_id"])
    for id_, values in org.living("opportunities"):
        deal = crm.deals.get(id_)
        if deal is None:
            continue
        account = org.table("accounts")[values["AccountId"]]["values"]
        is_person = bool(account.get("IsPersonAccount"))
        company = None if is_person else crm.contact_id("accounts", values["AccountId"])
        person = values.get("ContactId") or account.get("PersonContactId")
        roles = {crm.contact_id("contacts", one) for one in org.roles(id_)}
        contact = crm.contact_id("contacts", person) or company
        wanted = {
            "contact": contact,
            "company": company if contact != company else deal["organization_id"],
            "stage": (history := org.history(id_))[-1][0],
            "amount": Decimal(str(values["Amount"])).quantize(Decimal("0.01")),
            "currency": values["CurrencyIsoCode"],
            "name": values["Name"],
            "moves": history,
            "roles": roles - {contact},
        }
        here = {
            "contact": deal["contact_id"],
            "company": deal["organization_id"],
            "stage": stages[deal["stage_id"]],
            "amount": deal["value"],
            "currency": deal["currency"],
            "name": deal["name"],
            "moves": moves[deal["id"]],
            "roles": involved[deal["id"]] - {contact},
        }
        for what, said in wanted.items():
            if said != here[what]:
                yield DIFFERS % ("deal", id_, what, said, here[what])


def activities(crm: Crm, org: SalesforceOrg) -> Iterator[str]:
    """Tasks and events are what they were, on the person, company and deal that they name."""
    kinds = {"Call": "call", "Email": "message", "Task": "task"}
    for table in ("tasks", "events"):
        for id_, values in org.living(table):
            row = crm.activities.get(id_)
            if row is None:
                continue
            kind = "visit" if table == "events" else kinds[values["TaskSubtype"]]
            if row["kind"] != kind:
                yield DIFFERS % (table, id_, "the kind", kind, row["kind"])
            entity, deal = _about(crm, org, values)
            if (row["entity_id"], row["deal_id"]) != (entity, deal):
                yield DIFFERS % (
                    table, id_, "what it is about", (entity, deal), (row["entity_id"], row["deal_id"]),
                )  # fmt: skip
            if kind == "visit" and row["visited_at"] != (at := moment(values["StartDateTime"])):
                yield DIFFERS % (table, id_, "the start", at, row["visited_at"])
            if kind == "task" and bool(row["completed_at"]) != (values["Status"] == "Completed"):
                yield DIFFERS % (table, id_, "Status", values["Status"], row["completed_at"])


def _about(
    crm: Crm, org: SalesforceOrg, values: Mapping[str, Any]
) -> tuple[int | None, int | None]:
    who, what = values.get("WhoId"), values.get("WhatId")
    deal = crm.deals[what]["id"] if what in crm.deals else None
    if who is not None:
        return crm.entities.get(("leads" if who.startswith("00Q") else "contacts", who)), deal
    account = org.table("accounts").get(values.get("AccountId") or "", {}).get("values", {})
    if account.get("IsPersonAccount"):
        return crm.entities.get(("contacts", account["PersonContactId"])), deal
    if what in org.table("accounts"):
        return crm.entities.get(("accounts", what)), deal
    return None, deal


OF_CONTENT: tuple[Check, ...] = (
    deals_and_activities_are_there, dates_of_deals_and_activities, owners_of_deals_and_tasks,
    rows_are_there, dates, names, people_are_people, owners, opt_outs, conversions, parents, deals,
    activities,
)  # fmt: skip
