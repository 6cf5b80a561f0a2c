"""Checks after a migration of HubSpot: the CRM against the vendor's own data."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.journey.hubspot.org import ENGAGEMENTS, HubspotOrg
from tests.journey.org import moment
from tests.journey.rows import DIFFERS, Check, Crm, people_are_people

_CIRCLE = 3
_OF_CONTACTS = ("opportunity", "customer", "evangelist")
_SIGNS = " 🚀🌻☕🎯"
_KINDS = {
    "calls": "call",
    "meetings": "visit",
    "tasks": "task",
    "notes": "note",
    "emails": "message",
}


def _row(crm: Crm, id_: str) -> dict[str, Any] | None:
    """Return the row of a contact of HubSpot: a contact, else a lead."""
    entity = crm.entities.get(("contacts", id_))
    return None if entity is None else crm.contacts.get(entity) or crm.leads.get(entity)


def rows_are_there(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Every living contact, company, deal and engagement has its row."""
    for id_, values in org.living("contacts"):
        row = _row(crm, id_)
        if row is None or row["archived_at"] is not None:
            yield f"contact {id_}: there is no row, or an archived one"
        elif (
            values["lifecyclestage"] in _OF_CONTACTS
            and crm.entities["contacts", id_] not in crm.contacts
        ):
            yield f"contact {id_} is a {values['lifecyclestage']} and a lead here"
    for id_, _ in org.living("companies"):
        row = crm.row("companies", id_)
        if row is None or row["archived_at"] is not None or not row["is_organization"]:
            yield f"company {id_}: there is no row, or an archived one, or no company"
    for table, rows in (("deals", crm.deals), *((name, crm.activities) for name in ENGAGEMENTS)):
        if missing := [id_ for id_, _ in org.living(table) if id_ not in rows]:
            yield f"{table}: {len(missing)} objects have no row, e.g. {missing[:3]}"


def gone_stays_gone(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """What was merged is in its survivor; what was archived has no row."""
    for one in org.planted:
        if one["kind"] == "merged":
            loser = crm.entities.get(("contacts", one["id"]))
            winner = crm.entities.get(("contacts", one["into"]))
            if loser is not None and loser != winner:
                yield f"contact {one['id']} is merged into {one['into']}, and a person of its own here"
    for id_, one in org.table("notes").items():
        if one.get("deleted") and id_ in crm.activities:
            yield f"note {id_} is archived at the vendor, and there is a row of it"


def dates(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Every row has the date of its object; a person of several objects has the earliest."""
    for stream in ("contacts", "companies"):
        for id_, _ in org.living(stream):
            row = _row(crm, id_) if stream == "contacts" else crm.row(stream, id_)
            if row is None or crm.entities[stream, id_] in crm.elsewhere:
                continue
            first = min(_dates(crm, org, crm.entities[stream, id_]))
            if row["created_at"] != first:
                yield DIFFERS % (stream, id_, "the date", first, row["created_at"])
    rows = {id_: deal["added_at"] for id_, deal in crm.deals.items()}
    rows |= {id_: row["created_at"] for id_, row in crm.activities.items()}
    for table in ("deals", *ENGAGEMENTS):
        for id_, _ in org.living(table):
            if id_ in rows and rows[id_] != (at := org.at(table, id_)):
                yield DIFFERS % (table, id_, "the date", at, rows[id_])


def _dates(crm: Crm, org: HubspotOrg, entity: int) -> list[datetime]:
    """Return the dates of the living objects of a person; of all where none lives."""
    keys = crm.together[entity]
    living = [k for k in keys if not org.table(k[0]).get(k[1], {"deleted": True}).get("deleted")]
    return [org.at(*key) for key in living or keys if key[1] in org.table(key[0])]


def names(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Names are those of the source, where one object gives them."""
    rows = crm.all("SELECT stream, source_id FROM landing.quarantine WHERE field = 'last_name'")
    told = {(row["stream"], row["source_id"]) for row in rows}
    twins = org.planted_ids("duplicate")
    for id_, values in org.living("contacts"):
        row = _row(crm, id_)
        entity = crm.entities.get(("contacts", id_))
        if row is None or entity is None or entity in crm.elsewhere or id_ in twins:
            continue
        if len(crm.together[entity]) > 1:
            continue
        for ours, theirs in (("first_name", "firstname"), ("last_name", "lastname")):
            said = str(values[theirs])
            wanted = said.rstrip(_SIGNS) if ("contacts", id_) in told else said
            if row[ours] != wanted:
                yield DIFFERS % ("contact", id_, theirs, wanted, row[ours])
    for id_, values in org.living("companies"):
        row = crm.row("companies", id_)
        is_alone = row and len(crm.together[crm.entities["companies", id_]]) == 1
        if row and is_alone and row["organization_name"] != values["name"]:
            yield DIFFERS % ("company", id_, "name", values["name"], row["organization_name"])


def owners(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Records keep their active owner; no former user owns a lead or contact."""
    active = org.active()
    for id_, _ in org.living("contacts"):
        row, entity = _row(crm, id_), crm.entities.get(("contacts", id_))
        if row is None or entity is None or entity in crm.elsewhere:
            continue
        keys = [key for key in crm.together[entity] if key[1] in org.table(key[0])]
        said = {org.table(t)[i]["values"].get("hubspot_owner_id") for t, i in keys}
        possible = {active[one] for one in said if one in active}
        email = crm.email(row["owner_id"])
        if possible and email not in possible:
            yield DIFFERS % ("contact", id_, "the owner", sorted(possible), email)
        if row["owner_id"] is not None and not crm.users[row["owner_id"]]["is_active"]:
            yield f"contact {id_}: its owner {email} has left"
    for table, rows in (("deals", crm.deals), ("tasks", crm.activities)):
        for id_, values in org.living(table):
            row, wanted = rows.get(id_), active.get(values["hubspot_owner_id"])
            if row is not None and wanted is not None and crm.email(row["owner_id"]) != wanted:
                yield DIFFERS % (table, id_, "the owner", wanted, crm.email(row["owner_id"]))


def opt_outs(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """The addresses that are opted out are those of the contacts that are at the source."""
    rows = crm.all(
        "SELECT lower(address) AS address FROM reporting.consents "
        "WHERE channel = 'email' AND state = 'opt_out'"
    )
    found = {row["address"] for row in rows}
    said = {
        (str(one["values"]["email"]).lower(), bool(one.get("deleted")))
        for one in org.table("contacts").values()
        if one["values"].get("hs_email_optout") == "true" and one["values"].get("email")
    }
    if missing := {address for address, is_gone in said if not is_gone} - found:
        yield f"{len(missing)} opt-outs are lost, e.g. {sorted(missing)[:3]}"
    if more := found - {address for address, _ in said}:
        yield f"{len(more)} addresses are opted out that are not at the source: {sorted(more)[:3]}"


def parents(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Companies are below their parents; one link of the circle is left out."""
    circle = org.planted_ids("circle")
    without = 0
    for id_, values in org.living("companies"):
        row = crm.row("companies", id_)
        if row is None:
            continue
        wanted = crm.contact_id("companies", values.get("hs_parent_company_id"))
        if id_ in circle and row["parent_id"] is None:
            without += 1
        elif row["parent_id"] != wanted:
            yield DIFFERS % ("company", id_, "the parent", wanted, row["parent_id"])
    if circle and without != 1:
        yield f"{without} links of the circle of {_CIRCLE} companies are left out, not one"


def further_companies(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """A contact's further companies are named, with the label of the association."""
    for id_, values in org.living("contacts"):
        row, entity = _row(crm, id_), crm.entities.get(("contacts", id_))
        if row is None or entity is None or len(crm.together[entity]) > 1:
            continue
        wanted = sorted(
            f"{org.table('companies')[one['id']]['values']['name']}"
            + (f" ({one['label']})" if one.get("label") else "")
            for one in values.get("associations") or ()
        )
        given = (row["custom_fields"] or {}).get("other_companies") or []
        if sorted(given) != wanted:
            yield DIFFERS % ("contact", id_, "the further companies", wanted, given)


def deals(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Deals have stage, moves, amount, currency, contact and roles of their object."""
    stages = {row["id"]: row["name"] for row in crm.all("SELECT id, name FROM crm.stage")}
    moves: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for row in crm.all("SELECT * FROM crm.stage_transition ORDER BY deal_id, at, id"):
        moves[row["deal_id"]].append((stages[row["to_stage_id"]], row["at"]))
    involved: dict[int, dict[int, str | None]] = defaultdict(dict)
    for row in crm.all("SELECT deal_id, contact_id, role FROM crm.deal_contact"):
        involved[row["deal_id"]][row["contact_id"]] = row["role"]
    for id_, values in org.living("deals"):
        deal = crm.deals.get(id_)
        if deal is None:
            continue
        company = crm.contact_id("companies", next(iter(org.named(values, "companies")), None))
        people = [crm.contact_id("contacts", one) for one in org.named(values, "contacts")]
        first = people[0] if people else None
        contact = first or company
        wanted = {
            "contact": contact,
            "company": company if contact != company else deal["organization_id"],
            "stage": (history := org.history(id_))[-1][0],
            "amount": Decimal(str(values["amount"])).quantize(Decimal("0.01")),
            "currency": values["deal_currency_code"],
            "name": values["dealname"],
            "moves": history,
            "roles": {one for one in people if one is not None} - {contact},
        }
        here = {
            "contact": deal["contact_id"],
            "company": deal["organization_id"],
            "stage": stages[deal["stage_id"]],
            "amount": deal["value"],
            "currency": deal["currency"],
            "name": deal["name"],
            "moves": moves[deal["id"]],
            "roles": set(involved[deal["id"]]) - {contact},
        }
        for what, said in wanted.items():
            if said != here[what]:
                yield DIFFERS % ("deal", id_, what, said, here[what])


def activities(crm: Crm, org: HubspotOrg) -> Iterator[str]:
    """Engagements are what they were, on the person, company and deal that they name."""
    for table in ENGAGEMENTS:
        for id_, values in org.living(table):
            row = crm.activities.get(id_)
            if row is None:
                continue
            if row["kind"] != _KINDS[table] and table != "emails":
                yield DIFFERS % (table, id_, "the kind", _KINDS[table], row["kind"])
            about = _about(crm, org, values)
            if (row["entity_id"], row["deal_id"]) != about:
                yield DIFFERS % (
                    table, id_, "what it is about", about, (row["entity_id"], row["deal_id"]),
                )  # fmt: skip
            if table == "calls" and row["duration_s"] != int(values["hs_call_duration"]) // 1_000:
                yield DIFFERS % (
                    table,
                    id_,
                    "duration",
                    values["hs_call_duration"],
                    row["duration_s"],
                )
            if table == "meetings" and row["visited_at"] != moment(values["hs_meeting_start_time"]):
                yield DIFFERS % (
                    table,
                    id_,
                    "the start",
                    values["hs_meeting_start_time"],
                    row["visited_at"],
                )
            is_done = values.get("hs_task_status") == "COMPLETED"
            if table == "tasks" and bool(row["completed_at"]) != is_done:
                yield DIFFERS % (
                    table,
                    id_,
                    "status",
                    values["hs_task_status"],
                    row["completed_at"],
                )


def _about(crm: Crm, org: HubspotOrg, values: Mapping[str, Any]) -> tuple[int | None, int | None]:
    deal = next(
        (crm.deals[one]["id"] for one in org.named(values, "deals") if one in crm.deals), None
    )
    for kind in ("contacts", "companies"):
        if named := org.named(values, kind):
            return crm.entities.get((kind, named[0])), deal
    return None, deal


OF_CONTENT: tuple[Check, ...] = (
    rows_are_there, gone_stays_gone, dates, names, people_are_people, owners, opt_outs, parents,
    further_companies, deals, activities,
)  # fmt: skip
