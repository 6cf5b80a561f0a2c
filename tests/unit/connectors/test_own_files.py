"""Files of whole exports, made by hand: which table each is, and what its rows become."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.clock import SystemClock
from hub.connectors.files.column_files import parse_columns
from hub.connectors.files.plans import plan_files
from hub.connectors.files.proposals import propose
from hub.connectors.files.streams import FilesConnector
from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from tests.shipped import mappings

DATA = Path(__file__).parents[2] / "data/csv"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KINDS = {
    "sell/contacts.0.csv": ("contacts", "utf-8-sig", 3),
    "sell/leads.0.csv": ("leads", "utf-8-sig", 3),
    "sell/deals.0.csv": ("deals", "utf-8-sig", 3),
    "sell/notes.0.csv": ("activities", "utf-8-sig", 5),
    "sell/tasks.0.csv": ("activities", "utf-8-sig", 3),
    "sell/calls.0.csv": ("activities", "utf-8-sig", 2),
    "sell/documents.0.csv": ("activities", "utf-8-sig", 2),
    "salesforce_fr/Comptes.csv": ("companies", "cp1252", 3),
    "salesforce_fr/Contacts.csv": ("contacts", "cp1252", 3),
    "salesforce_fr/Pistes.csv": ("leads", "cp1252", 2),
    "salesforce_fr/Opportunites.csv": ("deals", "cp1252", 3),
    "salesforce_fr/Activites.csv": ("activities", "cp1252", 3),
    "salesforce_weekly/User.csv": ("users", "utf-8-sig", 2),
    "salesforce_weekly/Account.csv": ("companies", "utf-8-sig", 3),
    "salesforce_weekly/Contact.csv": ("contacts", "utf-8-sig", 2),
    "salesforce_weekly/Lead.csv": ("leads", "utf-8-sig", 2),
    "salesforce_weekly/Opportunity.csv": ("deals", "utf-8-sig", 2),
    "salesforce_weekly/Task.csv": ("activities", "utf-8-sig", 3),
    "salesforce_weekly/Event.csv": ("activities", "utf-8-sig", 1),
    "own/hubspot-companies.csv": ("companies", "utf-8-sig", 2),
    "own/hubspot-contacts.csv": ("leads", "utf-8-sig", 2),
    "own/hubspot-deals.csv": ("deals", "utf-8-sig", 2),
    "own/hubspot-calls.csv": ("activities", "utf-8-sig", 1),
    "own/hubspot-meetings.csv": ("activities", "utf-8-sig", 1),
    "own/unsubscribed_members_export_7.csv": ("leads", "utf-8-sig", 1),
    "own/utf16-tab.csv": ("leads", "utf-16", 2),
    "own/pipe.csv": ("leads", "utf-8-sig", 2),
    "own/old-mac.csv": ("leads", "utf-8-sig", 2),
    "own/quotes-and-breaks.csv": ("leads", "utf-8-sig", 2),
    "own/bad-rows.csv": ("leads", "utf-8-sig", 7),
    "own/us-dates.csv": ("leads", "utf-8-sig", 2),
    "own/thousand-columns.csv": ("leads", "utf-8-sig", 1),
    "own/one-column.csv": ("leads", "utf-8-sig", 2),
    "own/windows-1250.csv": ("leads", "cp1250", 3),
}
"""File → kind of its rows, encoding, rows of this kind."""


def test_the_kind_of_each_file_follows_from_its_headers_and_its_name() -> None:
    there = {str(path.relative_to(DATA)) for path in DATA.glob("*/*.csv")}
    assert there == set(KINDS)
    found = {}
    for name in KINDS:
        plan, *_ = plan_files([DATA / name])
        assert plan.question == "", name
        found[name] = (plan.kind, plan.table.encoding, sum(1 for _ in plan.rows()))
    assert found == KINDS


def test_every_file_has_its_source_and_licence() -> None:
    lines = [line.split("\t") for line in (DATA / "SOURCES.tsv").read_text("utf-8").splitlines()]
    assert all(len(line) == 3 and all(line) for line in lines)
    assert sorted(line[0] for line in lines[1:]) == sorted(
        str(path.relative_to(DATA)) for path in DATA.rglob("*.csv")
    )


def files_of(folder: str) -> FilesConnector:
    return FilesConnector(sorted((DATA / folder).glob("*.csv")), SystemClock())


def payloads(files: FilesConnector, name: str) -> dict[str, dict[str, Any]]:
    stream = next(one for one in files.streams() if one.name == name)
    window = files.window(stream, None)
    found = [one for page in files.read(stream, window) for one in page.records]
    assert files.count(stream, None, window.until) == len(found)
    return {one.source_id: json.loads(one.payload) for one in found}


def mapped(files: FilesConnector, name: str) -> Normalized:
    stream = next(one for one in files.streams() if one.name == name)
    window = files.window(stream, None)
    records = [one for page in files.read(stream, window) for one in page.records]
    return normalize(mappings()[f"csv/{name}"], records, {}, NormalizeSettings("DE", NOW))


def by_id(found: Normalized) -> dict[str, Any]:
    return {one.source_id: one for one in found.records if one.primary}


def test_companies_and_people_of_one_table_of_sell_are_two_kinds() -> None:
    files = files_of("sell")
    assert [s.name for s in files.streams()] == [
        "owners", "companies", "contacts", "leads", "deals", "activities",
    ]  # fmt: skip
    companies, contacts = by_id(mapped(files, "companies")), by_id(mapped(files, "contacts"))
    assert set(companies) == {"700001", "700002", "700003"}
    assert set(contacts) == {"700101", "700102", "700103"}
    first = companies["700001"].values
    assert first["organization_name"] == "Nordwind Energie"
    assert (first["postal_code"], first["city"], first["country"]) == ("01067", "Berlin", "DE")
    assert first["tags"] == ["energy", "key account"]
    assert first["customer_type"] == "current"
    assert first["created_at"] == "2019-08-12T09:59:32Z"
    assert first["custom_fields"]["Fleet size"] == "120"
    assert "Segment" not in first["custom_fields"]
    assert companies["700002"].refs == {"owner": "ines vidal", "parent": "700001"}
    assert companies["700002"].values["prospect_type"] == "current"
    assert companies["700003"].values["customer_type"] == "past"
    person = contacts["700101"]
    assert (person.values["first_name"], person.values["last_name"]) == ("Håkan", "Lindqvist")
    assert person.values["custom_fields"]["Segment"] == "Utility"
    assert "Fleet size" not in person.values["custom_fields"]
    assert person.refs == {"owner": "ines vidal", "company": "700001"}
    assert contacts["700102"].values["prospect_type"] == "lost"
    assert "is_organization" not in json.dumps([one.values for one in contacts.values()])
    for stream in ("companies", "contacts"):
        found = mapped(files, stream)
        assert (found.problems, found.rejected) == ([], [])
        assert {one.kind for one in found.unknowns} <= {"placeholder"}


def test_deals_of_sell_keep_amount_stage_day_of_beginning_and_both_parties() -> None:
    found = mapped(files_of("sell"), "deals")
    deals = by_id(found)
    first = deals["900001"]
    assert first.refs == {"owner": "ines vidal", "company": "700001", "contact": "700101"}
    assert {name: first.values[name] for name in ("value", "currency", "pipeline", "stage")} == {
        "value": "300000.5", "currency": "EUR", "pipeline": "Sales", "stage": "Quote",
    }  # fmt: skip
    assert first.values["created_at"] == "2024-10-05T08:28:00Z"
    assert first.values["last_stage_change_at"] == "2025-10-05T08:28:47Z"
    assert first.values["is_hot"] is True
    assert first.values["lead_source"] == "Trade fair"
    assert first.values["custom_fields"] == {"Warranty": "5 years", "creator": "Ines Vidal"}
    lost = deals["900002"]
    assert lost.values["created_at"] == "2024-11-19T09:38:00Z"
    assert (lost.values["stage"], lost.values["loss_reason"]) == ("Lost", "Price")
    assert lost.refs == {"owner": "ines vidal", "company": "700003"}, "its contact is a company"
    assert (found.problems, found.rejected) == ([], [])


def test_notes_tasks_calls_and_documents_of_sell_are_on_their_records() -> None:
    found = mapped(files_of("sell"), "activities")
    rows = by_id(found)
    assert {id_: one.entity for id_, one in rows.items()} == {
        **dict.fromkeys(("600001", "600002", "600003", "600004", "600005", "300001", "300002"), "note"),
        **dict.fromkeys(("500001", "500002", "500003"), "task"),
        **dict.fromkeys(("400001", "400002"), "call"),
    }  # fmt: skip
    about = {id_: {k: v for k, v in one.refs.items() if k in {"contact", "lead", "company", "deal"}} for id_, one in rows.items()}  # fmt: skip
    assert about == {
        "600001": {"deal": "900001"}, "600002": {"contact": "700101"}, "600003": {"company": "700003"},
        "600004": {"lead": "800001"}, "600005": {"deal": "999999"}, "500001": {"deal": "900001"},
        "500002": {"contact": "700101"}, "500003": {}, "400001": {"contact": "700101", "deal": "900001"},
        "400002": {"lead": "800001"}, "300001": {"deal": "900001"}, "300002": {"lead": "800001"},
    }  # fmt: skip
    assert rows["600001"].refs["author"] == "ines vidal"
    assert rows["600002"].values["content"] == "Mailed the offer,\nwill call back"
    assert rows["600003"].values["at"] == "2023-03-03T08:50:28Z"
    done = rows["500001"].values
    assert (done["due_at"], done["remind_at"], done["completed_at"]) == (
        "2025-11-04T07:00:00Z", "2025-11-04T06:15:00Z", "2025-11-04T06:59:32Z",
    )  # fmt: skip
    assert "completed_at" not in rows["500002"].values
    call, missed = rows["400001"].values, rows["400002"].values
    assert (call["made_at"], call["duration_s"], call["outcome"], call["summary"]) == (
        "2025-10-01T08:00:00Z", 185, "Interested", "Talked about the warranty",
    )  # fmt: skip
    assert call["recording_url"] == "https://rec.example/400001"
    assert (missed["is_missed"], missed["is_incoming"]) == (True, True)
    assert rows["300002"].values["content"] == "File: floor plan.png"
    assert (found.problems, found.rejected) == ([], [])


def test_leads_of_sell_keep_status_and_custom_fields() -> None:
    found = mapped(files_of("sell"), "leads")
    leads = by_id(found)
    assert {id_: one.values["status"] for id_, one in leads.items()} == {
        "800001": "Working", "800002": "Unqualified", "800003": "New",
    }  # fmt: skip
    assert leads["800001"].values["custom_fields"]["Budget"] == "12000"
    assert leads["800003"].values["organization_name"] == "Casa Verde"
    assert leads["800003"].refs["owner"] == "tom berg - deleted"


def test_a_proposed_mapping_of_a_mixed_table_reads_it_as_without_one() -> None:
    path = DATA / "sell/contacts.0.csv"
    proposed = parse_columns(propose([path]), "m.yaml")
    whole = FilesConnector([path], SystemClock())
    same = FilesConnector([path], SystemClock(), proposed)
    for stream in ("companies", "contacts"):
        assert without_customs(payloads(same, stream)) == without_customs(payloads(whole, stream))
    assert payloads(same, "companies")["700001"]["custom"]["Fleet size"] == 120
    assert "is_organisation: is_organization" in propose([path])


def without_customs(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return rows without their custom fields, to which a mapping file gives types."""
    return {id_: {k: v for k, v in row.items() if k != "custom"} for id_, row in rows.items()}


def test_french_reports_of_salesforce_are_read_with_their_relations() -> None:
    files = files_of("salesforce_fr")
    assert [one for plan in files.plans for one in plan.questions] == []
    companies, contacts = by_id(mapped(files, "companies")), by_id(mapped(files, "contacts"))
    first = companies["0015500000FrA01"].values
    assert first["organization_name"] == "Société Générale d'Exemples"
    assert (first["postal_code"], first["street"], first["state"], first["country"]) == (
        "01000", "1 rue de l'Exemple", "Ain", "FR",
    )  # fmt: skip
    assert first["customer_type"] == "current"
    assert first["custom_fields"]["annual_revenue"] == "12500000.5"
    assert first["custom_fields"]["employees"] == 1200
    assert first["created_at"] == "2019-12-31T00:00:00Z"
    partner = companies["0015500000FrA02"]
    assert partner.values["tags"] == ["Partenaire"]
    assert partner.refs["parent"] == "0015500000FrA01"
    assert companies["0015500000FrA03"].values["prospect_type"] == "current"
    person = contacts["0035500000FrC02"]
    assert (person.values["first_name"], person.values["last_name"]) == (
        "Jean-Baptiste", "d'Arc de la Tour",
    )  # fmt: skip
    assert person.values["mobile"] == "+33639980002"
    assert person.values["custom_fields"]["reports_to"] == "Élodie Lefèvre"
    assert person.refs["company"] == "0015500000FrA02"
    assert contacts["0035500000FrC01"].values["custom_fields"]["birth_date"] == "1975-12-25"
    consents = [r for r in mapped(files, "contacts").records if r.entity == "consent"]
    assert [(one.source_id, one.values["state"]) for one in consents] == [
        ("0035500000FrC02", "opt_out")
    ]
    deals = by_id(mapped(files, "deals"))
    first_deal = deals["0065500000FrO01"]
    assert first_deal.refs == {
        "owner": "inès vidal", "company": "0015500000FrA01", "contact": "0035500000FrC01",
    }  # fmt: skip
    assert (first_deal.values["value"], first_deal.values["stage"]) == ("125000", "Quote")
    assert first_deal.values["estimated_close_date"] == "2027-06-30"
    assert first_deal.values["lead_source"] == "Salon"
    assert deals["0065500000FrO02"].values["closed_at"] == "2024-05-14T00:00:00Z"
    assert deals["0065500000FrO03"].values["stage"] == "Audit technique"
    rows = mapped(files, "activities")
    assert [one.entity for one in rows.records] == ["task", "visit", "task"]
    task, visit, later = rows.records
    assert task.values["completed_at"] == "2025-01-31T00:00:00Z"
    assert task.refs["deal"] == "0065500000FrO01"
    assert task.refs["owner"] == "inès vidal"
    assert visit.values["summary"] == "Visite de l'entrepôt\nAccueil à l'entrée B"
    assert visit.refs["company"] == "0015500000FrA02"
    assert later.refs["lead"] == "00Q5500000FrL01"
    assert "completed_at" not in later.values


def test_the_weekly_export_of_salesforce_has_owners_tasks_calls_mails_and_meetings() -> None:
    files = files_of("salesforce_weekly")
    rows = mapped(files, "activities")
    assert {one.source_id: one.entity for one in rows.records} == {
        "00T5500000WkT01": "task", "00T5500000WkT02": "call", "00T5500000WkT03": "message",
        "00U5500000WkE01": "visit",
    }  # fmt: skip
    by = by_id(rows)
    assert by["00T5500000WkT02"].refs["lead"] == "00Q5500000WkL01"
    assert by["00T5500000WkT02"].values["duration_s"] == 95
    assert by["00U5500000WkE01"].refs["deal"] == "0065500000WkO01"
    assert by["00U5500000WkE01"].values["visited_at"] == "2025-04-02T14:00:00Z"
    assert mapped(files, "companies").deleted == ["0015500000WkA03"]
    leads = by_id(mapped(files, "leads"))
    assert leads["00Q5500000WkL02"].values["status"] == "converted"
    owners = {one.id: (one.records_n, one.email, one.active) for stream in files.streams() if (found := files.inventory(stream, files.window(stream, None))) for one in found.owners if stream.name == "deals"}  # fmt: skip
    assert owners == {
        "ines.vidal@acme.example": (1, "ines.vidal@acme.example", True),
        "bob.ray@acme.example": (1, "bob.ray@acme.example", False),
    }
