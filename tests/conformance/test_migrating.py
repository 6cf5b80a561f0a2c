"""The promises of `Migrates`, for every object of a seeded Salesforce org.

A range has the same records whenever and however it is read; together the ranges have every record once.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests

from hub.connectors.base import Connector, Cursor, Migrates, Page, Range, Stream, Window
from hub.connectors.http import RetryPolicy
from hub.connectors.salesforce.kinds import OBJECTS, PARTS
from hub.connectors.salesforce.streams import SalesforceConnector
from hub.errors import ForbiddenError, TransientError
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.sandbox.salesforce.schema import load_objects
from tests.conformance.conftest import TIME_SCALE, Vendor, running, settle, vendor_of

NAMES = [one.name for one in OBJECTS]
SMALL = {"bulk_above": 10, "range_size": 25, "page_size": 7}
BY_REST = {"bulk_above": 10**9, "range_size": 10**9, "page_size": 50}
_STREAM_OF = {one.name: one.stream for one in load_objects().values()}


@pytest.fixture(scope="module")
def org() -> Iterator[Mapping[str, Any]]:
    with running("--org", "60", "--seed", "7") as said:
        yield said


@pytest.fixture(scope="module")
def universe(org: Mapping[str, Any]) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = requests.get(org["control"] + "/universe", timeout=30).json()
    return answer


@pytest.fixture
def vendor(org: Mapping[str, Any], wire: Any) -> Iterator[Vendor]:
    one = vendor_of("salesforce/leads", org, wire)
    yield one
    one.break_by("")


def connector(vendor: Vendor, **settings: Any) -> SalesforceConnector:
    one = vendor.connect(**settings)
    assert isinstance(one, SalesforceConnector)
    assert isinstance(one, Migrates)
    return one


def stream(one: Migrates, name: str) -> Stream:
    return next(each for each in one.objects() if each.name == name)


def read_all(one: Migrates, of: Stream, window: Window) -> list[RawRecord]:
    """Return what all ranges have; each is counted again, and has what was counted."""
    found = []
    for part in one.ranges(of, window):
        records = [each for page in one.read_range(of, window, part) for each in page.records]
        assert len(records) == one.count_range(of, window, part)
        assert part.count_n == len(records)
        found += records
    return found


def expected(universe: Mapping[str, Any], name: str) -> Counter[str]:
    """Return the ids that a stream must bring, by the universe's own account."""
    streams = {_STREAM_OF[part.object] for part in PARTS[name]}
    found = Counter(one["id"] for one in universe["records"] if one["stream"] in streams)
    return found + Counter(one["id"] for one in universe["users"] if name == "users")


@pytest.mark.parametrize("name", NAMES)
def test_every_record_is_in_one_range_whichever_way_it_is_read(
    vendor: Vendor, universe: Mapping[str, Any], name: str
) -> None:
    small, by_rest = connector(vendor, **SMALL), connector(vendor, **BY_REST)
    of = stream(small, name)
    window = small.window(of, None)
    by_jobs = read_all(small, of, window)
    if name != "lead_statuses":
        known = expected(universe, name)
        assert Counter(one.source_id for one in by_jobs if one.source_id in known) == known
    cut = small.ranges(of, window)
    assert [one.key for one in cut] == [f"{n:04}" for n in range(1, len(cut) + 1)]
    if len(PARTS[name]) == 1:
        assert all(one.high == other.low for one, other in pairwise(cut))
    pages = read_all(by_rest, of, window)
    assert {one.source_id: one for one in pages} == {one.source_id: one for one in by_jobs}
    assert len(pages) == len(by_jobs)


@pytest.mark.parametrize("settings", [SMALL, BY_REST], ids=["bulk", "rest"])
def test_an_interrupted_range_goes_on_after_its_last_page(
    vendor: Vendor, settings: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.connectors.salesforce.ranges.BULK_PAGE", 9)
    settings = {**settings, "page_size": 9, "range_size": 10**9}
    one = connector(vendor, **settings)
    of = stream(one, "contacts")
    window = one.window(of, None)
    (part,) = one.ranges(of, window)
    whole = [page.records for page in one.read_range(of, window, part)]
    assert len(whole) > 5
    read: list[Any] = []
    cursor: Cursor | None = None
    for _ in range(len(whole) + 1):  # each page by a new process
        pages: Iterator[Page] = connector(vendor, **settings).read_range(of, window, part, cursor)
        page = next(pages, None)
        if page is None:
            break
        read.append(page.records)
        cursor = json.loads(json.dumps(page.cursor))
    assert [len(page) for page in read] == [len(page) for page in whole]
    assert sum(map(list, read), []) == sum(map(list, whole), [])  # noqa: RUF017  # a few records
    gone = {"job": "750000000000000AAA", "locator": "x"}
    if settings["bulk_above"] == SMALL["bulk_above"]:  # a job that is gone: from the beginning
        again = connector(vendor, **settings).read_range(of, window, part, gone)
        assert sum(len(page.records) for page in again) == sum(map(len, whole))


def test_a_change_or_deletion_after_the_plan_leaves_the_range_as_it_is(vendor: Vendor) -> None:
    one = connector(vendor, **SMALL)
    of = stream(one, "leads")
    window = one.window(of, None)
    cut = one.ranges(of, window)
    before = {each.source_id: each for each in read_all(one, of, window)}
    alive = [id_ for id_, each in before.items() if each.op is Op.UPSERT]
    vendor.event("update", id=alive[0], values={"City": "Elsewhere"})
    vendor.event("delete", id=alive[1])
    created = vendor.event("create", values={"LastName": "Late", "Company": "After the plan"})
    after = [
        each for part in cut for page in one.read_range(of, window, part) for each in page.records
    ]
    assert Counter(each.source_id for each in after) == Counter(before.keys())
    now = {each.source_id: each for each in after}
    assert json.loads(now[alive[0]].payload)["City"] == "Elsewhere"
    assert now[alive[1]].op is Op.DELETE
    assert created not in now
    settle()
    cursor = {"watermark": window.until.isoformat()}
    synced = [each for page in one.read(of, one.window(of, cursor)) for each in page.records]
    assert {each.source_id for each in synced} >= {alive[0], alive[1], created}
    assert {each.source_id: each for each in synced}[alive[0]] == now[alive[0]]


@pytest.mark.parametrize("name", NAMES)
def test_a_sync_reads_what_a_migration_reads(vendor: Vendor, name: str) -> None:
    one = connector(
        vendor, objects=["leads", *(n for n in NAMES if n not in {"users", "lead_statuses"})]
    )
    assert [each.name for each in one.streams()] == NAMES
    of = stream(one, name)
    window = one.window(of, None)
    pages = list(one.read(of, window))
    assert [page.faults for page in pages if page.faults] == []
    synced = {each.source_id: each for page in pages for each in page.records}
    migrated = {each.source_id: each for each in read_all(one, of, window)}
    assert synced == migrated
    live_n = sum(each.op is Op.UPSERT for each in synced.values())
    assert one.count(of, None, window.until) == live_n
    cursor = pages[-1].cursor
    later = [each for page in one.read(of, one.window(of, cursor)) for each in page.records]
    assert {each.source_id for each in later} <= synced.keys()


def test_a_sync_follows_leads_unless_told_more(vendor: Vendor) -> None:
    assert [one.name for one in connector(vendor).streams()] == ["users", "lead_statuses", "leads"]
    more = connector(vendor, objects=["leads", "contacts"])
    assert [one.name for one in more.streams()][-1] == "contacts"
    skipped = connector(vendor, objects=["leads", "contacts"], skip=["contacts"])
    assert "contacts" not in {one.name for one in skipped.objects()}


def test_a_deal_comes_with_its_roles_and_its_history(
    vendor: Vendor, universe: Mapping[str, Any]
) -> None:
    one = connector(vendor, **SMALL)
    of = stream(one, "opportunities")
    roles = Counter(
        each["values"]["OpportunityId"]
        for each in universe["records"]
        if each["stream"] == "opportunity_contact_roles"
    )
    for each in read_all(one, of, one.window(of, None)):
        deal = json.loads(each.payload)
        assert len(deal["OpportunityContactRoles"]) == roles[each.source_id]
        stages = [line["StageName"] for line in deal["OpportunityHistories"]]
        assert stages[-1] == deal["StageName"]
        assert deal["RecordType"]["Name"] in {"New Business", "Renewal"}
        assert deal["Account"]["IsPersonAccount"] in {True, False}


JOINED = {
    # stream → key of the payload, stream of the universe, its field with the id, where none is joined
    "leads": ("CampaignMembers", "campaign_members", "LeadId", ""),
    "contacts": ("CampaignMembers", "campaign_members", "ContactId", ""),
    "contacts ": ("AccountContactRelations", "account_contact_relations", "ContactId", "IsDirect"),
    "opportunities": ("OpportunityLineItems", "opportunity_line_items", "OpportunityId", ""),
    "events": ("EventRelations", "event_relations", "EventId", "IsWhat"),
}


@pytest.mark.parametrize("name", JOINED)
def test_what_an_org_need_not_have_is_joined_where_it_is_there_and_seen(
    vendor: Vendor, universe: Mapping[str, Any], name: str
) -> None:
    key, its_stream, by, unless = JOINED[name]
    wanted = Counter(
        each["values"][by]
        for each in universe["records"]
        if each["stream"] == its_stream
        and each["values"].get(by)
        and not each["values"].get(unless)
    )
    one = connector(vendor, **SMALL)
    of = stream(one, name.strip())
    seen = {e.source_id: json.loads(e.payload).get(key, []) for e in read_all(one, of, one.window(of, None))}  # fmt: skip
    assert {id_: len(those) for id_, those in seen.items() if those} == {
        id_: n for id_, n in wanted.items() if id_ in seen
    }
    assert any(seen.values())
    names = {str(part) for those in seen.values() for each in those for part in each.values() if isinstance(part, dict)}  # fmt: skip
    assert any("Name" in part for part in names)
    vendor.break_by(f"forbidden:salesforce/{its_stream}")
    hidden = connector(vendor, **SMALL, retry_policy=RetryPolicy(attempts=1))
    without = read_all(hidden, of, hidden.window(of, None))
    assert len(without) == len(seen)
    assert not any(key in json.loads(each.payload) for each in without)


def test_a_role_that_changes_alone_brings_its_deal(
    vendor: Vendor, universe: Mapping[str, Any]
) -> None:
    """A contact role has a time of its own: its deal is read again, though the deal did not change."""
    one = connector(vendor, **SMALL, objects=["opportunities"])
    of = stream(one, "opportunities")
    settle()
    window = one.window(of, None)
    roles = [e for e in universe["records"] if e["stream"] == "opportunity_contact_roles"]
    deals = [roles[0]["values"]["OpportunityId"], roles[-1]["values"]["OpportunityId"]]
    event = {"source": "salesforce", "stream": "opportunity_contact_roles"}
    changed = {"id": roles[0]["id"], "values": {"Role": "Gatekeeper"}}
    vendor.ask("POST", "/events", {"op": "update", **event, **changed})
    vendor.ask("POST", "/events", {"op": "delete", **event, "id": roles[-1]["id"]})
    settle()
    later = one.window(of, one.following(of, window))
    pages = list(one.read(of, later))
    found = {each.source_id: each for page in pages for each in page.records}
    assert set(deals) <= found.keys()
    assert all(each.at is not None and each.at < window.until for each in found.values())
    first = json.loads(found[deals[0]].payload)["OpportunityContactRoles"]
    assert "Gatekeeper" in {each["Role"] for each in first}
    last = json.loads(found[deals[1]].payload)["OpportunityContactRoles"]
    assert roles[-1]["id"] not in {each["Id"] for each in last}
    assert one.count(of, later.since, later.until) == 0, "the deals themselves did not change"
    again = list(one.read(of, one.window(of, pages[-1].cursor)))
    assert len([each for page in again for each in page.records]) <= len(found)


def test_a_sync_after_a_migration_reads_no_object_again(vendor: Vendor) -> None:
    one = connector(vendor, **SMALL, objects=["notes", "files"])
    settle()
    for name in ("users", "notes", "files", "leads"):
        of = stream(one, name)
        window = one.window(of, None)
        after = one.window(of, one.following(of, window))
        assert after.since is not None
        assert [each for page in one.read(of, after) for each in page.records] == []


def test_a_person_account_is_with_its_contact_and_a_long_note_has_its_whole_text(
    vendor: Vendor, universe: Mapping[str, Any]
) -> None:
    one = connector(vendor, **SMALL)
    of = stream(one, "contacts")
    for each in read_all(one, of, one.window(of, None)):
        contact = json.loads(each.payload)
        joined = contact.get("PersonAccount")
        assert bool(joined) is contact["IsPersonAccount"]
        assert not joined or joined[0]["PersonContactId"] == each.source_id
    of = stream(one, "notes")
    texts = {each["id"]: each["values"] for each in universe["records"]}
    whole_n = 0
    for each in read_all(one, of, one.window(of, None)):
        note = json.loads(each.payload)
        if "Content" in note:
            whole_n += 1
            assert note["Content"] == texts[each.source_id]["Content"]
        assert "ParentId" in note or len(note["ContentDocumentLinks"]) == 1
    assert whole_n


@pytest.mark.parametrize("faults", ["rate_limit", "server_errors", "cut", "token_expiry"])
def test_a_storm_passes_and_nothing_is_lost(vendor: Vendor, faults: str) -> None:
    calm = connector(vendor, **SMALL)
    of = stream(calm, "accounts")
    window = calm.window(of, None)
    known = Counter(each.source_id for each in read_all(calm, of, window))
    policy = RetryPolicy(attempts=30, total_s=10**6, most_s=5, time_scale=TIME_SCALE)
    one = connector(vendor, **SMALL, retry_policy=policy)
    vendor.break_by(faults)
    found = Counter(each.source_id for each in read_all(one, of, window))
    assert found == known


@pytest.mark.parametrize("name", ["contacts", "tasks"])
def test_a_forbidden_object_is_named_and_others_are_read(vendor: Vendor, name: str) -> None:
    vendor.break_by(f"forbidden:salesforce/{name}")
    one = connector(vendor, **SMALL, retry_policy=RetryPolicy(attempts=1))
    of = stream(one, name)
    window = one.window(of, None)
    for refused in (one.ranges, one.inventory):
        with pytest.raises(ForbiddenError):
            refused(of, window)
    with pytest.raises(ForbiddenError):
        list(one.read_range(of, window, Range("0001")))
    other = stream(one, "leads")
    assert read_all(one, other, one.window(other, None))


def test_a_forbidden_part_of_a_stream_is_a_fault_and_comes_later(vendor: Vendor) -> None:
    one: Connector = connector(vendor, objects=["notes"], retry_policy=RetryPolicy(attempts=1))
    of = next(each for each in one.streams() if each.name == "notes")
    vendor.break_by("forbidden:salesforce/content_notes")
    pages = list(one.read(of, one.window(of, None)))
    assert [fault.part for page in pages for fault in page.faults] == ["content_notes"]
    first = {each.source_id[:3] for page in pages for each in page.records}
    assert first == {"002"}
    vendor.break_by("")
    settle()
    later = connector(vendor, objects=["notes"])
    window = later.window(of, pages[-1].cursor)
    assert {each.source_id[:3] for page in later.read(of, window) for each in page.records} == {
        "069"
    }


def test_an_inventory_is_counted_by_the_vendor(vendor: Vendor) -> None:
    one = connector(vendor, **SMALL)
    of = stream(one, "opportunities")
    window = one.window(of, None)
    records = [json.loads(each.payload) for each in read_all(one, of, window)]
    found = one.inventory(of, window)
    assert (found.count_n, found.deleted_n) == (len(records), 0)
    uses = {each.name: each for each in found.fields}
    for name in ("Amount", "NextStep", "LossReason__c", "StageName"):
        assert uses[name].filled_n == sum(each[name] is not None for each in records)
    assert uses["Description"].filled_n is None
    stages = Counter(each["StageName"] for each in records)
    assert uses["StageName"].values == stages
    assert set(uses["StageName"].choices) >= set(stages)
    assert uses["LossReason__c"].custom
    assert uses["LossReason__c"].kind == "picklist"
    owners = Counter(each["OwnerId"] for each in records)
    assert {each.id: each.records_n for each in found.owners} == owners
    assert all(each.name and each.email for each in found.owners)
    assert found.requests_n > 0
    assert found.remaining_n is not None
    assert found.daily_n is not None
    assert found.daily_n >= found.remaining_n
    leads = one.inventory(stream(one, "leads"), window)
    living = [
        json.loads(each.payload)
        for each in read_all(one, stream(one, "leads"), window)
        if each.op is Op.UPSERT
    ]
    emails = [each["Email"].casefold() for each in living if each["Email"]]
    (email,) = [each for each in leads.fields if each.name == "Email"]
    assert (email.filled_n, email.distinct_n) == (len(emails), len(set(emails)))
    assert all(each.distinct_n is None for each in leads.fields if each.kind != "email")
    assert any(each.is_queue and each.name == "Inbound queue" for each in leads.owners)
    assert leads.deleted_n == 2 or leads.deleted_n > 0
    assert one.left_behind() == {"Contract": 4}


def test_the_end_of_a_window_bounds_a_range(vendor: Vendor, universe: Mapping[str, Any]) -> None:
    one = connector(vendor, **SMALL)
    of = stream(one, "tasks")
    window = one.window(of, None)
    early = Window(None, window.until - timedelta(days=700))
    times = [each["at"] for each in universe["records"] if each["stream"] == "tasks"]
    limit = early.until.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert 0 < len(read_all(one, of, early)) == sum(at < limit for at in times) < len(times)


def test_a_failed_job_is_told_and_started_anew(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = connector(vendor, **SMALL)
    of = stream(one, "events")
    window = one.window(of, None)
    part = one.ranges(of, window)[0]
    monkeypatch.setattr("hub.connectors.salesforce.bulk.BulkJobs.is_complete", lambda *_: False)
    with pytest.raises(TransientError, match="failed"):
        list(one.read_range(of, window, part))
    monkeypatch.undo()
    assert [page for page in one.read_range(of, window, part) if page.records]
