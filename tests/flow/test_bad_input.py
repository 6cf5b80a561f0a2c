"""One bad value among good ones: it is named in quarantine, the batch goes on, the books add up."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.pipeline import flow
from tests.flow.conftest import START, World, salesforce_lead, typeform_answer

GOOD = {"LastName": "Roche", "FirstName": "Inès", "Email": "ines@roche.example.com"}
LONG = "x" * 10_000_000


def _good(number: int) -> RawRecord:
    return salesforce_lead(
        number,
        LastName=f"Good{number}",
        FirstName="Eve",
        Email=f"eve{number}@g{number}.example.com",
    )


def _raw(number: int, payload: bytes, *, source_id: str | None = None) -> RawRecord:
    own_id = f"00Q{number:012d}AAA" if source_id is None else source_id
    at = START + timedelta(seconds=number)
    return RawRecord(own_id, Op.UPSERT, at, "1", payload)


def _sync(world: World, *records: RawRecord) -> flow.SyncReport:
    """Sync the records between two good ones; whatever they are, these come through."""
    world.salesforce.objects["leads"] = [_good(1), *records, _good(90)]
    report = flow.sync(world.hub, ["salesforce"])
    names = {row.last_name for row in world.rows("SELECT last_name FROM reporting.leads")}
    assert {"Good1", "Good90"} <= names, "the batch went on"
    assert report.holds, "and the books add up"
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert sum(entry.verdicts.values()) == entry.seen
    return report


def _quarantine(world: World) -> list[Any]:
    return world.rows(
        "SELECT source_id, field, value, reason, severity FROM landing.quarantine ORDER BY id"
    )


def _kept(world: World, source_id: str) -> bytes:
    """The newest raw payload of an object, as the next mapping would get it."""
    from hub.landing import store

    with world.db.engine.begin() as conn:
        return store.context_payloads(conn, "salesforce", "leads")[source_id]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("CreatedDate", "2026-02-30T10:00:00.000+0000", ("created_at", "2026-02-30", "not a time")),
        ("CreatedDate", "soon", ("created_at", "soon", "not a time")),
        ("CreatedDate", "1901-01-01T00:00:00Z", ("created_at", "1901", "1990")),
        ("CreatedDate", "2999-01-01T00:00:00Z", ("created_at", "2999", "")),
        ("Email", "jean..dupont@@nowhere", ("email", "jean..dupont@@nowhere", "")),
        ("Email", ["a@b.example.com"], ("email", "a@b.example.com", "expected text")),
        ("Email", {"x": 1}, ("email", "{", "expected text")),
        ("Status", "Nurturing (old CRM)", ("status", "Nurturing (old CRM)", "not one of")),
        ("Description", LONG, ("description", "xxxx", "longer than")),
        ("FirstName", LONG, ("first_name", "xxxx", "longer than")),
        ("FirstName", ["Inès"], ("first_name", "Inès", "expected text")),
        ("FirstName", True, ("first_name", "true", "expected text")),
        ("City", {"name": "Lyon"}, ("city", "Lyon", "expected text")),
        ("City", "Ly\ud800on", ("city", "Ly", "surrogate")),
        ("NumberOfEmployees", "many", ("custom_fields.employees", "many", "")),
        ("AnnualRevenue", [], ("custom_fields.annual_revenue", "[]", "")),
    ],
)  # fmt: skip
def test_a_bad_value_is_nulled_and_named(
    world: World, key: str, value: Any, told: tuple[str, str, str]
) -> None:
    column, said, reason = told
    bad = salesforce_lead(2, **{**GOOD, key: value})
    _sync(world, bad)
    rows = [r for r in _quarantine(world) if r.field == column]
    assert rows, _quarantine(world)
    assert rows[0].source_id == bad.source_id
    assert said in rows[0].value
    assert reason in rows[0].reason
    assert rows[0].severity == "field"
    (lead,) = world.rows("SELECT to_jsonb(l) AS row FROM crm.lead l WHERE last_name = 'Roche'")
    head, _, inner = column.partition(".")
    held = (lead.row[head] or {}).get(inner) if inner else lead.row[head]
    assert held in {None, "New", "Ly\ufffdon"}
    assert _kept(world, bad.source_id) == bad.payload


@pytest.mark.parametrize(
    "value", ["Ly\0on", "\0", "Ly\x01on", "\u202eLyon\u202c", "Ly\u0000\ud83don"]
)
def test_a_nul_byte_and_its_kin_reach_the_crm_as_clean_text(world: World, value: str) -> None:
    bad = salesforce_lead(2, **{**GOOD, "City": value, "Note__c": value, "K\0__c": value})
    _sync(world, bad)
    (row,) = world.rows("SELECT city, custom_fields FROM crm.lead WHERE last_name = 'Roche'")
    assert row.city in {"Lyon", None, "Ly\ufffdon"}
    assert "\0" not in json.dumps(row.custom_fields)
    assert _kept(world, bad.source_id) == bad.payload


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"Id": "00Q000000000002AAA", "LastName": "R\x00oche"}', "not JSON"),
        (b'{"Id": "00Q000000000002AAA", "LastName": "R\xffoche"}', "not JSON"),
        (b'{"Id": "00Q000000000002AAA", "LastName": "Roc', "not JSON"),
        (b"", "not JSON"),
        (b"\x00", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (
            b'{"Id": "00Q000000000002AAA", "LastName": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
            "not JSON",
        ),
        (
            b'{"Id": "00Q000000000002AAA", "LastName": "Roche", "X__c": ' + b"9" * 6_000 + b"}",
            "not JSON",
        ),
    ],
    ids=lambda value: str(value[:60]),
)
def test_a_payload_that_no_mapping_can_read_is_rejected_and_kept_as_received(
    world: World, payload: bytes, reason: str
) -> None:
    bad = _raw(2, payload)
    report = _sync(world, bad)
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.seen, dict(entry.verdicts)) == (3, {"created": 2, "rejected": 1})
    (row,) = _quarantine(world)
    assert (row.source_id, row.severity) == (bad.source_id, "record")
    assert reason in row.reason
    assert _kept(world, bad.source_id) == payload


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        (b'{"Id": "00Q000000000002AAA", "LastName": "R\xed\xa0\x80oche"}', ["last_name"]),
        (b'{"Id": "00Q000000000002AAA", "LastName": "Roche", "X__c": 1e999}', ["custom_fields.X__c"]),
        (b'{"Id": "00Q000000000002AAA", "LastName": "Roche", "X__c": NaN}', []),
    ],
)  # fmt: skip
def test_a_payload_on_the_edge_of_json_is_taken_and_kept_as_received(
    world: World, payload: bytes, problems: list[str]
) -> None:
    bad = _raw(2, payload)
    report = _sync(world, bad)
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert dict(entry.verdicts) == {"created": 3}
    assert [row.field for row in _quarantine(world)] == problems
    assert _kept(world, bad.source_id) == payload


@pytest.mark.parametrize("own_id", [None, "", "   ", 17, ["00Q000000000002AAA"]])
def test_a_record_without_an_id_is_rejected_and_counted(world: World, own_id: Any) -> None:
    row = {**GOOD, "Id": own_id, "CreatedDate": "2025-05-05T10:00:00Z"}
    first = _raw(2, json.dumps(row).encode(), source_id="")
    second = _raw(3, json.dumps({**row, "FirstName": "Zoé"}).encode(), source_id="")
    report = _sync(world, first, second)
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.seen, dict(entry.verdicts)) == (4, {"created": 2, "rejected": 2})
    rows = _quarantine(world)
    assert [(r.field, r.reason, r.severity) for r in rows] == [("id", "no source id", "record")] * 2
    assert len({r.source_id for r in rows}) == 2, "each can be found again"
    assert _kept(world, rows[0].source_id) == first.payload


@pytest.mark.parametrize(
    "source_id", ["00Q\0", "00Q\ud800", "Q" * 100_000, "".join(map(chr, range(0x4E00, 0x5E00)))]
)
def test_an_id_that_no_key_can_hold_is_rejected(world: World, source_id: str) -> None:
    row = {**GOOD, "Id": source_id}
    report = _sync(world, _raw(2, json.dumps(row).encode(), source_id=source_id))
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert dict(entry.verdicts) == {"created": 2, "rejected": 1}
    (problem,) = _quarantine(world)
    assert (problem.field, problem.severity) == ("id", "record")


def test_an_id_twice_in_a_page_is_one_record_and_the_later_one_counts(world: World) -> None:
    first = salesforce_lead(2, **{**GOOD, "FirstName": "Earlier"})
    again = replace(salesforce_lead(2, **{**GOOD, "FirstName": "Later"}), at=first.at)
    report = _sync(world, first, again)
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.counted, entry.seen, dict(entry.verdicts)) == (3, 3, {"created": 3})
    assert [r.first_name for r in world.rows(
        "SELECT first_name FROM crm.lead WHERE last_name = 'Roche'")] == ["Later"]  # fmt: skip


def test_a_value_that_was_mended_closes_its_quarantine_row(world: World) -> None:
    _sync(world, salesforce_lead(2, **{**GOOD, "Email": "broken@@"}))
    world.salesforce.objects["leads"].append(salesforce_lead(2, at=200, **GOOD))
    flow.sync(world.hub, ["salesforce"])
    (row,) = world.rows("SELECT resolved_at FROM landing.quarantine")
    assert row.resolved_at is not None


def test_names_of_any_length_find_their_place_in_the_keys(world: World) -> None:
    """A B-tree entry holds 2,700 bytes; a name may have 32,000 characters that do not compress."""
    rng = random.Random(7)
    long = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(30_000))
    latin = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(30_000))
    bad = [
        salesforce_lead(2, FirstName=long, LastName=long, Company=long, City=long, PostalCode="1"),
        salesforce_lead(
            3, FirstName=latin, LastName=latin, Company=latin, Street=latin, City=latin
        ),
        salesforce_lead(4, LastName="x", Email=f"a@{'.'.join([latin[:60]] * 3)}.example.com"),
    ]
    _sync(world, *bad)


FIELDS = (
    "Id", "FirstName", "MiddleName", "LastName", "Email", "Company", "Title", "Phone",
    "MobilePhone", "Fax", "Website", "Description", "Industry", "Street", "PostalCode", "City",
    "StateCode", "CountryCode", "Country", "LeadSource", "Rating", "CreatedDate",
    "LastActivityDate", "IsConverted", "ConvertedDate", "Status", "Salutation", "AnnualRevenue",
    "NumberOfEmployees", "RecordType", "OwnerId", "MasterRecordId", "HasOptedOutOfEmail",
    "DoNotCall", "Any__c", "IsDeleted",
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**30, "", " ", "\0", "\ud800", "x" * 700_000, [], [[[]]], {}, "null",
    {"a": {"b": "\0"}}, ["\0", None, {}], "2026-99-99", "9999-12-31T23:59:59-14:00",
    "0000-00-00", "=cmd|' /C calc'!A0", "<b>", "[/b]", "'; DROP TABLE crm.lead; --", "%s", "\\x00",
)  # fmt: skip


def test_any_junk_in_any_field_stops_nothing_and_is_accounted_for(world: World) -> None:
    records = []
    for number, (name, junk) in enumerate(
        ((name, junk) for name in FIELDS for junk in JUNK), start=100
    ):
        row = {"Id": f"00Q{number:012d}AAA", **GOOD, "Company": f"C{number}",
               "Email": f"i{number}@c{number}.example.com", name: junk}  # fmt: skip
        records.append(_raw(number, json.dumps(row).encode()))
    world.salesforce.objects["leads"] = records
    report = flow.sync(world.hub, ["salesforce"])
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert entry.holds
    assert sum(entry.verdicts.values()) == entry.seen
    assert len(world.rows("SELECT 1 FROM landing.raw")) == len(records)
    assert flow.waiting(world.hub) == dict.fromkeys(("normalize", "match", "load", "route"), 0)
    assert "lead" in {r.tablename for r in world.rows("SELECT tablename FROM pg_tables")}


def test_junk_in_a_form_answer_stops_nothing(world: World) -> None:
    good = typeform_answer("good", first_name="Eve", last_name="Good", email="eve@good.example.com")
    answers: list[RawRecord] = [good]
    for number, junk in enumerate(JUNK, start=10):
        for shape in ("value", "answers", "kind", "field"):
            body = json.loads(typeform_answer(f"t{number}{shape}", at=number, email="a@b.example.com",
                                              first_name="A", message="hi").payload)  # fmt: skip
            if shape == "value":
                body["answers"][0]["email"] = junk
            elif shape == "answers":
                body["answers"] = junk
            elif shape == "kind":
                body["answers"][0]["type"] = junk
            else:
                body["answers"][0]["field"] = junk
            record = typeform_answer(f"t{number}{shape}", at=number)
            answers.append(replace(record, payload=json.dumps(body).encode()))
    world.typeform.objects["responses"] = answers
    report = flow.sync(world.hub, ["typeform"])
    (entry,) = report.ledgers
    assert entry.holds
    assert sum(entry.verdicts.values()) == entry.seen == len(answers)
    assert len(world.rows("SELECT 1 FROM crm.lead WHERE last_name = 'Good'")) == 1
