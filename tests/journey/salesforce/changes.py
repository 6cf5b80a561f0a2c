"""Changes at the vendors during a migration of Salesforce: leads arrive, records change."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.journey.salesforce.org import SalesforceOrg
from tests.processes import SandboxProcess


def known_people(org: SalesforceOrg) -> Iterator[tuple[str, str, str]]:
    """Yield three people of whom another source knows: a contact and a lead of the org, and a stranger."""
    plain = _plain(org, "contacts")[0], _plain(org, "leads")[0]
    for id_, table in zip(plain, ("contacts", "leads"), strict=True):
        own = org.table(table)[id_]["values"]
        yield own["FirstName"], own["LastName"], own["Email"]
    yield "Ida", "Base", "ida@base.example"


def while_reading(org: SalesforceOrg, sandbox: SandboxProcess, share: float) -> None:
    """Change records while the migration stands, killed: some are read before, others afterwards."""
    n = 1 if share < 1 / 2 else 2
    leads, contacts = _plain(org, "leads"), _plain(org, "contacts")
    _update(org, sandbox, "leads", leads[n], {"City": "Brest", "Title": f"Head of {n}"})
    _update(org, sandbox, "contacts", contacts[n], {"Title": f"Director of {n}"})
    task = [i for i, v in org.living("tasks") if v["TaskSubtype"] == "Task"][n]
    _update(org, sandbox, "tasks", task, {"Subject": f"Changed meanwhile {n}"})
    account = [i for i, v in org.living("accounts") if not v.get("IsPersonAccount")][n]
    _update(
        org,
        sandbox,
        "accounts",
        account,
        {"Industry": "Energy", "Phone": "+33 2 98 00 00 0" + str(n)},
    )


def before_applying(org: SalesforceOrg, sandbox: SandboxProcess) -> None:
    """Change, delete and make records between the plan and the run."""
    leads, contacts = _plain(org, "leads"), _plain(org, "contacts")
    _update(org, sandbox, "leads", leads[3], {"Title": "Changed after the plan"})
    all_deals = [id_ for id_, _ in org.living("opportunities")]
    moved = [id_ for id_ in all_deals if len(org.history(id_)) > 1]
    deal = (moved or all_deals)[0]
    before = set(org.table("opportunity_history"))
    _update(
        org, sandbox, "opportunities", deal, {"Amount": 4711.0, "StageName": "Negotiation/Review"}
    )
    _take_history(org, sandbox, deal, before)
    org.apply(sandbox, {"op": "delete", "stream": "leads", "id": leads[4]})
    contact = contacts[3]
    account = org.table("contacts")[contact]["values"]["AccountId"]
    owner = next(iter(org.active()))
    org.apply(sandbox, {"op": "create", "stream": "leads", "values": {
        "FirstName": "Nolwenn", "LastName": "Le Bris", "Company": "Le Bris Conserves", "OwnerId": owner,
        "Email": "nolwenn@lebris.example", "Status": "Open - Not Contacted", "IsConverted": False,
    }})  # fmt: skip
    org.apply(sandbox, {"op": "create", "stream": "tasks", "values": {
        "Subject": "Made after the plan", "Status": "Not Started", "TaskSubtype": "Task", "WhoId": contact,
        "AccountId": account, "OwnerId": owner, "ActivityDate": "2027-01-05", "Priority": "Normal",
    }})  # fmt: skip


def _update(
    org: SalesforceOrg, sandbox: SandboxProcess, table: str, id_: str, values: Mapping[str, Any]
) -> None:
    org.apply(sandbox, {"op": "update", "stream": table, "id": id_, "values": values})


def _take_history(org: SalesforceOrg, sandbox: SandboxProcess, deal: str, before: set[str]) -> None:
    """Note the move that the vendor itself has written."""
    table = "opportunity_history"
    for (stream, id_), at in org.times(sandbox).items():
        if stream == table and id_ not in before:
            stage = org.table("opportunities")[deal]["values"]["StageName"]
            values = {"OpportunityId": deal, "StageName": stage}
            org.table(table)[id_] = {"stream": table, "id": id_, "at": at, "values": values}


def _plain(org: SalesforceOrg, table: str) -> list[str]:
    """Return people of whom the org has one object, with an address that is one."""
    counts: dict[str, int] = {}
    for name in ("leads", "contacts"):
        for one in org.table(name).values():
            counts[one.get("person", "")] = counts.get(one.get("person", ""), 0) + 1
    odd = org.planted_ids("bad_email") | org.planted_ids("duplicate")
    return [
        id_
        for id_, values in org.living(table)
        if counts.get(org.table(table)[id_].get("person", ""), 0) == 1
        and id_ not in odd
        and not values.get("IsPersonAccount")
        and not values.get("IsConverted")
    ]
