"""Changes at the vendors during a migration of HubSpot: leads arrive, records change."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.journey.hubspot.org import HubspotOrg
from tests.processes import SandboxProcess


def known_people(org: HubspotOrg) -> Iterator[tuple[str, str, str]]:
    """Yield three people of whom another source knows: two contacts of the account, and a stranger."""
    for id_ in _plain(org)[:2]:
        own = org.table("contacts")[id_]["values"]
        yield own["firstname"], own["lastname"], own["email"]
    yield "Ida", "Base", "ida@base.example"


def while_reading(org: HubspotOrg, sandbox: SandboxProcess, share: float) -> None:
    """Change records while the migration stands, killed: some are read before, others afterwards."""
    n = 1 if share < 1 / 2 else 2
    contacts = _plain(org)
    _update(
        org, sandbox, "contacts", contacts[2 * n], {"city": "Brest", "jobtitle": f"Head of {n}"}
    )
    _update(org, sandbox, "contacts", contacts[2 * n + 1], {"jobtitle": f"Director of {n}"})
    tasks = [id_ for id_, _ in org.living("tasks")]
    _update(org, sandbox, "tasks", tasks[n], {"hs_task_subject": f"Changed meanwhile {n}"})
    companies = [id_ for id_, _ in org.living("companies")]
    values = {"industry": "UTILITIES", "phone": f"+33 2 98 00 00 0{n}"}
    _update(org, sandbox, "companies", companies[n], values)


def before_applying(org: HubspotOrg, sandbox: SandboxProcess) -> None:
    """Change, delete and make records between the plan and the run."""
    contacts = _plain(org)
    _update(org, sandbox, "contacts", contacts[6], {"jobtitle": "Changed after the plan"})
    deals = [id_ for id_, own in org.living("deals") if own["pipeline"] == "default"]
    org.move(sandbox, deals[0], "decisionmakerboughtin", "4711")
    named = {
        one["id"]
        for table in org.tables.values()
        for record in table.values()
        for one in record["values"].get("associations") or ()
    }
    idle = [id_ for id_ in contacts[7:] if id_ not in named]
    org.apply(sandbox, {"op": "delete", "stream": "contacts", "id": idle[0]})
    owner = next(iter(org.active()))
    company = org.table("contacts")[contacts[6]]["values"]["associatedcompanyid"]
    org.apply(sandbox, {"op": "create", "stream": "contacts", "values": {
        "firstname": "Nolwenn", "lastname": "Le Bris", "email": "nolwenn@lebris.example",
        "lifecyclestage": "lead", "hubspot_owner_id": owner, "associatedcompanyid": company,
    }})  # fmt: skip
    org.apply(sandbox, {"op": "create", "stream": "tasks", "values": {
        "hs_task_subject": "Made after the plan", "hs_task_status": "NOT_STARTED",
        "hs_timestamp": "2027-01-05T08:00:00Z", "hubspot_owner_id": owner,
        "associations": [{"to": "contacts", "id": contacts[6]}],
    }})  # fmt: skip


def _update(
    org: HubspotOrg, sandbox: SandboxProcess, table: str, id_: str, values: Mapping[str, Any]
) -> None:
    org.apply(sandbox, {"op": "update", "stream": table, "id": id_, "values": values})


def _plain(org: HubspotOrg) -> list[str]:
    """Return contacts of people of whom the account has one record."""
    counts: dict[str, int] = {}
    for one in org.table("contacts").values():
        counts[one.get("person", "")] = counts.get(one.get("person", ""), 0) + 1
    merged = {one["into"] for one in org.planted if one["kind"] == "merged"}
    return [
        id_
        for id_, _ in org.living("contacts")
        if counts.get(org.table("contacts")[id_].get("person", ""), 0) == 1 and id_ not in merged
    ]
