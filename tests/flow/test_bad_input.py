"""One bad value among good ones: it is named in quarantine, the batch goes on, the books add up."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from hub.db.embedded import Server
from hub.etl import flow
from hub.landing import store
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.conftest import three_people
from tests.flow.conftest import START, World, new_world, salesforce_lead, typeform_answer
from tests.prepared import fresh_database

LONG = "x" * 10_000_000

# key, bad value → column, what quarantine says of the value, and the reason
VALUES: list[tuple[str, Any, tuple[str, str, str]]] = [
    ("CreatedDate", "2026-02-30T10:00:00.000+0000", ("created_at", "2026-02-30", "not a time")),
    ("CreatedDate", "soon", ("created_at", "soon", "not a time")),
    ("CreatedDate", "1901-01-01T00:00:00Z", ("created_at", "1901", "1990")),
    ("CreatedDate", "2999-01-01T00:00:00Z", ("created_at", "2999", "future")),
    ("Email", "jean..dupont@@nowhere", ("email", "jean..dupont@@nowhere", "")),
    ("Email", ["a@b.example.com"], ("email", "a@b.example.com", "expected text")),
    ("Email", {"x": 1}, ("email", "{", "expected text")),
    ("Description", LONG, ("description", "xxxx", "cut after 1000000")),
    ("FirstName", LONG, ("first_name", "xxxx", "cut after 65536")),
    ("FirstName", ["Inès"], ("first_name", "Inès", "expected text")),
    ("FirstName", True, ("first_name", "true", "expected text")),
    ("City", {"name": "Lyon"}, ("city", "Lyon", "expected text")),
    ("City", "Ly\ud800on", ("city", "Ly", "surrogate")),
    ("NumberOfEmployees", "many", ("custom_fields.employees", "many", "not an amount")),
    ("AnnualRevenue", [], ("custom_fields.annual_revenue", "[]", "expected text")),
]
UNCLEAN = ("Ly\0on", "\0", "Ly\x01on", "\u202eLyon\u202c", "Ly\u0000\ud83don")
_ID = b'{"Id": "00Q000000000300AAA", "LastName": '
UNREADABLE = [
    (_ID + b'"R\x00oche"}', "not JSON"),
    (_ID + b'"R\xffoche"}', "not JSON"),
    (_ID + b'"Roc', "not JSON"),
    (b"", "not JSON"),
    (b"\x00", "not JSON"),
    (b"[1, 2]", "not a JSON object"),
    (b'"text"', "not a JSON object"),
    (b"null", "not a JSON object"),
    (_ID + b"[" * 5_000 + b"]" * 5_000 + b"}", "not JSON"),
    (_ID + b'"Roche", "X__c": ' + b"9" * 6_000 + b"}", "not JSON"),
]
ON_THE_EDGE: list[tuple[bytes, list[str]]] = [
    (_ID + b'"R\xed\xa0\x80oche"}', ["last_name"]),
    (_ID + b'"Roche", "X__c": 1e999}', ["custom_fields.X__c"]),
    (_ID + b'"Roche", "X__c": NaN}', []),
]
OWN_IDS: list[Any] = [None, "", "   ", 17, ["00Q000000000002AAA"]]
IMPOSSIBLE_IDS = ["00Q\0", "00Q\ud800", "Q" * 100_000, "".join(map(chr, range(0x4E00, 0x5E00)))]


def _raw(number: int, payload: bytes, *, source_id: str | None = None) -> RawRecord:
    at = START + timedelta(seconds=number)
    return RawRecord(_id(number) if source_id is None else source_id, Op.UPSERT, at, "1", payload)


def _id(number: int) -> str:
    return f"00Q{number:012d}AAA"


def _lead(number: int, **values: Any) -> dict[str, Any]:
    """A lead that matches no other record, with the given values in it."""
    return {
        "Id": _id(number),
        "FirstName": "Eve",
        "LastName": f"Roche{number}",
        "Email": f"eve{number}@r{number}.example.com",
        "CreatedDate": "2025-05-05T10:00:00Z",
        **values,
    }


def _json(number: int, row: dict[str, Any], *, source_id: str | None = None) -> RawRecord:
    return _raw(number, json.dumps(row).encode(), source_id=source_id)


def _everything_bad() -> list[RawRecord]:
    rows = [_json(n, _lead(n) | {key: bad}) for n, (key, bad, _) in enumerate(VALUES, 100)]
    for n, bad in enumerate(UNCLEAN, 200):
        rows.append(_json(n, _lead(n, City=bad, Note__c=bad, **{"K\0__c": bad})))
    rows += [_raw(n, payload) for n, (payload, _) in enumerate(UNREADABLE, 300)]
    rows += [_raw(n, payload) for n, (payload, _) in enumerate(ON_THE_EDGE, 400)]
    rows += [_json(n, _lead(n, Id=own), source_id="") for n, own in enumerate(OWN_IDS, 500)]
    rows += [_json(n, _lead(n, Id=i), source_id=i) for n, i in enumerate(IMPOSSIBLE_IDS, 600)]
    return rows


@dataclass(frozen=True)
class Tried:
    """A world that was sent everything bad at once, between good leads."""

    world: World
    report: flow.SyncReport

    def problems(self, source_id: str) -> list[Any]:
        return self.world.rows(
            "SELECT field, value, reason, severity FROM landing.quarantine "
            "WHERE source_id = :id ORDER BY id",
            id=source_id,
        )

    def lead(self, number: int) -> dict[str, Any]:
        (row,) = self.world.rows(
            "SELECT to_jsonb(l) AS row FROM crm.lead l JOIN ops.source_record s USING (entity_id) "
            "WHERE s.source_id = :id AND s.target = 'person'",
            id=_id(number),
        )
        found: dict[str, Any] = row.row
        return found

    def kept(self) -> dict[str, bytes]:
        """The newest raw payload of every object, as the next mapping would get it."""
        with self.world.db.engine.begin() as conn:
            return store.context_payloads(conn, "salesforce", "leads")


@pytest.fixture(scope="module")
def tried(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    with fresh_database(server) as db:
        world = new_world(db, three_people(tmp_path_factory.mktemp("bad")))
        good = [_json(n, _lead(n)) for n in (1, 350, 999)]
        world.salesforce.objects["leads"] = [*good, *_everything_bad()]
        yield Tried(world, flow.sync(world.hub, ["salesforce"]))


def test_the_batch_goes_on_and_the_books_add_up(tried: Tried) -> None:
    (entry,) = [e for e in tried.report.ledgers if e.stream == "leads"]
    rejected = len(UNREADABLE) + len(OWN_IDS) + len(IMPOSSIBLE_IDS)
    created = 3 + len(VALUES) + len(UNCLEAN) + len(ON_THE_EDGE)
    assert entry.holds
    assert (entry.counted, entry.seen) == (created + rejected, created + rejected)
    assert dict(entry.verdicts) == {"created": created, "rejected": rejected}
    assert [tried.lead(n)["last_name"] for n in (1, 350, 999)] == ["Roche1", "Roche350", "Roche999"]


@pytest.mark.parametrize("n", range(len(VALUES)), ids=lambda n: f"{VALUES[n][0]}-{n}")
def test_a_bad_value_is_named_and_costs_its_field_alone(tried: Tried, n: int) -> None:
    key, bad, (column, said, reason) = VALUES[n]
    rows = [r for r in tried.problems(_id(100 + n)) if r.field == column]
    assert rows, tried.problems(_id(100 + n))
    assert said in rows[0].value
    assert len(rows[0].value) <= 200
    assert reason in rows[0].reason
    assert rows[0].severity == "field"
    head, _, inner = column.partition(".")
    held = tried.lead(100 + n)[head]
    left = {None, "New", "Ly\ufffdon", "x" * 65_536, "x" * 1_000_000}
    assert ((held or {}).get(inner) if inner else held) in left
    assert json.loads(tried.kept()[_id(100 + n)])[key] == bad


@pytest.mark.parametrize("n", range(len(UNCLEAN)))
def test_a_nul_byte_and_its_kin_reach_the_crm_as_clean_text(tried: Tried, n: int) -> None:
    lead = tried.lead(200 + n)
    assert lead["city"] in {"Lyon", None, "Ly\ufffdon"}
    assert "\\u0000" not in json.dumps(lead["custom_fields"])
    assert json.loads(tried.kept()[_id(200 + n)])["City"] == UNCLEAN[n]


@pytest.mark.parametrize("n", range(len(UNREADABLE)))
def test_a_payload_that_no_mapping_can_read_is_rejected_and_kept_as_received(
    tried: Tried, n: int
) -> None:
    payload, reason = UNREADABLE[n]
    (row,) = tried.problems(_id(300 + n))
    assert row.severity == "record"
    assert reason in row.reason
    assert tried.kept()[_id(300 + n)] == payload


@pytest.mark.parametrize("n", range(len(ON_THE_EDGE)))
def test_a_payload_on_the_edge_of_json_is_taken_and_kept_as_received(tried: Tried, n: int) -> None:
    payload, fields = ON_THE_EDGE[n]
    assert [row.field for row in tried.problems(_id(400 + n))] == fields
    assert tried.lead(400 + n)["last_name"]
    assert tried.kept()[_id(400 + n)] == payload


def test_a_record_without_a_usable_id_is_rejected_and_can_be_found_again(tried: Tried) -> None:
    rows = tried.world.rows(
        "SELECT source_id, reason, severity FROM landing.quarantine WHERE field = 'id'"
    )
    assert {(r.reason, r.severity) for r in rows} == {("no source id", "record")}
    names = {r.source_id for r in rows}
    assert len(names) == len(rows) == len(OWN_IDS) + len(IMPOSSIBLE_IDS)
    sent = {record.payload for record in _everything_bad()[-len(rows) :]}
    assert {tried.kept()[name] for name in names} == sent


def test_an_id_twice_in_a_page_is_one_record_and_the_later_one_counts(world: World) -> None:
    first, again = _json(2, _lead(2, FirstName="Earlier")), _json(2, _lead(2, FirstName="Later"))
    world.salesforce.objects["leads"] = [_json(1, _lead(1)), first, again, _json(3, _lead(3))]
    report = flow.sync(world.hub, ["salesforce"])
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.counted, entry.seen, dict(entry.verdicts)) == (3, 3, {"created": 3})
    assert [r.first_name for r in world.rows(
        "SELECT first_name FROM crm.lead WHERE last_name = 'Roche2'")] == ["Later"]  # fmt: skip


def test_a_value_that_was_mended_closes_its_quarantine_row(world: World) -> None:
    world.salesforce.objects["leads"] = [_json(2, _lead(2, Email="broken@@"))]
    flow.sync(world.hub, ["salesforce"])
    world.salesforce.objects["leads"].append(replace(_json(2, _lead(2)), at=START + timedelta(1)))
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
    world.salesforce.objects["leads"] = bad
    (entry,) = [e for e in flow.sync(world.hub, ["salesforce"]).ledgers if e.stream == "leads"]
    assert (entry.holds, dict(entry.verdicts)) == (True, {"created": 3})


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
        row = _lead(number, Company=f"C{number}") | {name: junk}
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
