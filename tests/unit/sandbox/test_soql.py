"""The query language of the Salesforce emulator, query by query."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub.sandbox.clock import VendorClock
from hub.sandbox.salesforce.dates import span
from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.plan import Plan, aggregate_lines, make_plan
from hub.sandbox.salesforce.records import to_records
from hub.sandbox.salesforce.soql import unescape
from hub.sandbox.salesforce.store import Store
from hub.sandbox.salesforce.values import long_id, short_id
from hub.sandbox.world import World

START = datetime(2026, 11, 23, 21, 0, 0, tzinfo=UTC)
SECRETS = {
    "client_id": "key",
    "client_secret": "secret",
    "username": "hub@acme.example",
    "password": "pass&word",
    "security_token": "TOK",
}


class HandWorld(World):
    """A world whose clock stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__(VendorClock(0, START))
        self.secrets |= SECRETS
        self.hidden: set[str] = set()

    def hidden_ids(self, source: str, stream: str) -> set[str]:
        return self.hidden

    def move(self, **span: float) -> None:
        self.clock.start += timedelta(**span)


def small_world() -> HandWorld:
    """Two users and five leads, a minute apart, the fifth deleted."""
    world = HandWorld()
    world.create("salesforce", "users", {"Name": "Ada Owner", "Email": "ada@acme.example"})
    world.create("salesforce", "users", {"Name": "Bob Owner", "Email": "bob@acme.example"})
    ada, bob = (row.id for row in world.rows("salesforce", "users"))
    leads: list[dict[str, Any]] = [
        {"FirstName": "Zoë", "LastName": "Alpha", "Company": "Acme", "AnnualRevenue": 10.5,
         "OwnerId": ada, "Email": "zoe@acme.example", "Score__c": 5},
        {"LastName": "beta", "Company": "Bolt", "AnnualRevenue": 200, "OwnerId": bob,
         "DoNotCall": True, "Description": "long"},
        {"LastName": "O'Hara", "Company": "100% Pure_x", "NumberOfEmployees": 7, "OwnerId": ada},
        {"LastName": "Delta", "Company": "Acme", "OwnerId": "005000000000nobody"[:15],
         "ConvertedDate": "2026-11-22", "Region__c": "EMEA"},
        {"LastName": "Gone", "Company": "Acme", "OwnerId": ada},
    ]  # fmt: skip
    for index, values in enumerate(leads):
        world.create(
            "salesforce", "leads", values, at=START - timedelta(minutes=4 - index, microseconds=-7)
        )
    gone = world.rows("salesforce", "leads")[-1]
    world.delete("salesforce", "leads", gone.id)
    return world


@pytest.fixture
def world() -> HandWorld:
    return small_world()


def plan_of(world: HandWorld, text: str) -> tuple[Plan, Store]:
    store = Store(world)
    return make_plan(text, store, world.clock.now()), store


def select(world: HandWorld, text: str, *, all_rows: bool = False) -> list[dict[str, Any]]:
    plan, store = plan_of(world, text)
    rows = plan.shown(store, plan.rows(store, include_deleted=all_rows))
    return to_records(plan, rows, "59.0")


def names(world: HandWorld, where: str, *, all_rows: bool = False) -> str:
    query = f"SELECT LastName FROM Lead {where}"
    found = select(world, query, all_rows=all_rows)
    return " ".join(str(record["LastName"]) for record in found)


def error(world: HandWorld, text: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        plan_of(world, text)
    return caught.value


WHERES = [
    ("", "Alpha beta O'Hara Delta"),
    ("WHERE LastName = 'ALPHA'", "Alpha"),
    ("where lastname='alpha' or LASTNAME='Beta'", "Alpha beta"),
    ("WHERE LastName != 'alpha'", "beta O'Hara Delta"),
    ("WHERE LastName <> 'alpha'", "beta O'Hara Delta"),
    (r"WHERE LastName = 'O\'Hara'", "O'Hara"),
    ("WHERE LastName LIKE '%et%'", "beta"),
    ("WHERE LastName LIKE '_lpha'", "Alpha"),
    (r"WHERE Company LIKE '100\% pure\_x'", "O'Hara"),
    (r"WHERE Company LIKE '100\_%'", ""),
    ("WHERE NOT LastName LIKE '%a%'", ""),
    ("WHERE FirstName = null", "beta O'Hara Delta"),
    ("WHERE FirstName = ''", "beta O'Hara Delta"),
    ("WHERE FirstName != null", "Alpha"),
    ("WHERE FirstName != 'Zoë'", "beta O'Hara Delta"),
    ("WHERE FirstName NOT IN ('zoë')", "beta O'Hara Delta"),
    ("WHERE FirstName IN ('zoë', null)", "Alpha beta O'Hara Delta"),
    ("WHERE AnnualRevenue > 10.5", "beta"),
    ("WHERE AnnualRevenue >= 10.5", "Alpha beta"),
    ("WHERE AnnualRevenue < 1e3 AND AnnualRevenue > -1", "Alpha beta"),
    ("WHERE AnnualRevenue = 200", "beta"),
    ("WHERE NumberOfEmployees IN (7, 8)", "O'Hara"),
    ("WHERE Score__c = 5", "Alpha"),
    ("WHERE Region__c = 'emea'", "Delta"),
    ("WHERE DoNotCall = true", "beta"),
    ("WHERE DoNotCall = FALSE", "Alpha O'Hara Delta"),
    ("WHERE (NOT DoNotCall = true) AND Company = 'Acme'", "Alpha Delta"),
    ("WHERE NOT (DoNotCall = true OR Company = 'Acme')", "O'Hara"),
    ("WHERE Company = 'Acme' AND (LastName = 'Delta' OR LastName = 'beta')", "Delta"),
    ("WHERE CreatedDate >= 2026-11-23T20:58:00Z", "O'Hara Delta"),
    ("WHERE CreatedDate > 2026-11-23T20:58:00Z", "Delta"),
    ("WHERE CreatedDate = 2026-11-23T20:58:00.000+0000", "O'Hara"),
    ("WHERE CreatedDate <= 2026-11-23T21:57:00+01:00", "Alpha beta"),
    ("WHERE CreatedDate < 2026-11-23T20:57:00-00:00", "Alpha"),
    ("WHERE CreatedDate = TODAY", "Alpha beta O'Hara Delta"),
    ("WHERE CreatedDate = today AND CreatedDate > YESTERDAY", "Alpha beta O'Hara Delta"),
    ("WHERE CreatedDate > TODAY", ""),
    ("WHERE CreatedDate != LAST_N_DAYS:3", ""),
    ("WHERE CreatedDate = LAST_N_DAYS:3", "Alpha beta O'Hara Delta"),
    ("WHERE ConvertedDate = YESTERDAY", "Delta"),
    ("WHERE ConvertedDate = 2026-11-22", "Delta"),
    ("WHERE ConvertedDate < 2026-11-22", ""),
    ("WHERE Owner.Name = 'ada owner'", "Alpha O'Hara"),
    ("WHERE Owner.Email = null", "Delta"),
    ("WHERE IsDeleted = false LIMIT 1", "Alpha"),
    ("ORDER BY LastName", "Alpha beta Delta O'Hara"),
    ("ORDER BY LastName DESC", "O'Hara Delta beta Alpha"),
    ("ORDER BY Company ASC, LastName DESC", "O'Hara Delta Alpha beta"),
    ("ORDER BY AnnualRevenue", "O'Hara Delta Alpha beta"),
    ("ORDER BY AnnualRevenue NULLS LAST", "Alpha beta O'Hara Delta"),
    ("ORDER BY AnnualRevenue DESC NULLS FIRST", "O'Hara Delta beta Alpha"),
    ("ORDER BY AnnualRevenue DESC NULLS LAST, Id DESC", "beta Alpha Delta O'Hara"),
    ("ORDER BY Owner.Name NULLS LAST, LastName LIMIT 2", "Alpha O'Hara"),
    ("ORDER BY LastName LIMIT 2 OFFSET 1", "beta Delta"),
    ("LIMIT 0", ""),
]


@pytest.mark.parametrize(("where", "expected"), WHERES)
def test_where_order_and_limit_give_the_rows(world: HandWorld, where: str, expected: str) -> None:
    assert names(world, where) == expected


def test_deleted_rows_come_only_with_query_all(world: HandWorld) -> None:
    assert "Gone" not in names(world, "")
    assert names(world, "WHERE IsDeleted = true", all_rows=True) == "Gone"


def test_keyset_over_ties_loses_and_repeats_nothing(world: HandWorld) -> None:
    for n in range(25):
        values = {"LastName": f"Tie{n}", "Company": "Tie"}
        world.create("salesforce", "leads", values, at=START.replace(microsecond=n))
    seen: list[str] = []
    where = ""
    while True:
        query = f"SELECT Id, SystemModstamp FROM Lead {where} ORDER BY SystemModstamp, Id LIMIT 4"
        page = select(world, query)
        if not page:
            break
        seen += [record["Id"] for record in page]
        at, last = page[-1]["SystemModstamp"], page[-1]["Id"]
        where = f"WHERE (SystemModstamp = {at} AND Id > '{last}') OR SystemModstamp > {at}"
    assert len(seen) == len(set(seen)) == 29


def test_ids_of_15_characters_mean_the_same_record(world: HandWorld) -> None:
    row = world.rows("salesforce", "leads")[0]
    assert names(world, f"WHERE Id = '{short_id(row.id)}'") == "Alpha"
    assert names(world, f"WHERE Id IN ('{row.id}')") == "Alpha"
    assert names(world, "WHERE Id > '000000000000000'") != ""


def test_id_suffix_is_the_documented_checksum() -> None:
    assert long_id("003q000000KvQ1t") == "003q000000KvQ1tAAF"
    assert long_id("0017e00001W4GYR") == "0017e00001W4GYRAA3"
    assert long_id("001Da00000xnAkB") == "001Da00000xnAkBIAU"


def test_record_has_attributes_canonical_names_and_parents(world: HandWorld) -> None:
    ada = world.rows("salesforce", "users")[0]
    row = world.rows("salesforce", "leads")[0]
    query = (
        "SELECT id, l.name, owner.NAME, Owner.Email, CreatedDate, Score__c, Lead.IsDeleted,"
        " Address FROM lead l WHERE LastName='Alpha'"
    )
    assert select(world, query) == [
        {
            "attributes": {"type": "Lead", "url": f"/services/data/v59.0/sobjects/Lead/{row.id}"},
            "Id": row.id,
            "Name": "Zoë Alpha",
            "Owner": {
                "attributes": {
                    "type": "User",
                    "url": f"/services/data/v59.0/sobjects/User/{ada.id}",
                },
                "Name": "Ada Owner",
                "Email": "ada@acme.example",
            },
            "CreatedDate": "2026-11-23T20:56:00.000+0000",
            "Score__c": 5.0,
            "IsDeleted": False,
            "Address": None,
        }
    ]


def test_parent_that_is_not_there_is_null(world: HandWorld) -> None:
    query = (
        "SELECT Owner.Name, Owner.Email, ConvertedAccount.Name, CreatedBy.Manager.Name FROM Lead"
        " WHERE LastName='Delta'"
    )
    record = select(world, query)[0]
    assert record["Owner"] is None
    assert record["ConvertedAccount"] is None


def test_two_levels_of_parents_nest(world: HandWorld) -> None:
    ada, bob = world.rows("salesforce", "users")
    bob.values["ManagerId"] = ada.id
    query = "SELECT Owner.Name, Owner.Manager.Name FROM Lead WHERE LastName IN ('beta', 'alpha')"
    alpha, beta = select(world, query)
    assert beta["Owner"]["Manager"]["Name"] == "Ada Owner"
    assert alpha["Owner"]["Name"] == "Ada Owner"
    assert alpha["Owner"]["Manager"] is None


def test_queue_owns_records_as_users_do(world: HandWorld) -> None:
    queue = world.create("salesforce", "queues", {"Name": "Inbound"})
    lead = world.rows("salesforce", "leads")[0]
    world.update("salesforce", "leads", lead.id, {"OwnerId": queue.id})
    query = "SELECT Owner.Name, Owner.Username FROM Lead WHERE Owner.Name = 'inbound'"
    owner = select(world, query)[0]["Owner"]
    assert owner["attributes"]["type"] == "Group"
    assert (owner["Name"], owner["Username"]) == ("Inbound", None)


def test_fields_function_selects_groups(world: HandWorld) -> None:
    every = select(world, "SELECT FIELDS(ALL) FROM Lead LIMIT 200")[0]
    standard = select(world, "SELECT FIELDS(STANDARD) FROM Lead")[0]
    custom = select(world, "SELECT Id, fields(custom) FROM Lead LIMIT 1")[0]
    assert every.keys() - standard.keys() == {"Score__c", "Region__c"}
    assert custom.keys() == {"attributes", "Id", "Score__c", "Region__c"}
    assert error(world, "SELECT FIELDS(ALL) FROM Lead").code == "MALFORMED_QUERY"
    assert error(world, "SELECT FIELDS(ALL) FROM Lead LIMIT 201").code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("COUNT(Id)", {"expr0": 4}),
        ("count(FirstName) named, COUNT(Id)", {"named": 1, "expr1": 4}),
        ("COUNT_DISTINCT(Company)", {"expr0": 3}),
        ("MAX(AnnualRevenue), MIN(LastName)", {"expr0": 200.0, "expr1": "Alpha"}),
        ("SUM(AnnualRevenue), AVG(AnnualRevenue)", {"expr0": 210.5, "expr1": 105.25}),
        ("MAX(LastViewedDate)", {"expr0": None}),
    ],
)
def test_aggregates(world: HandWorld, items: str, expected: dict[str, Any]) -> None:
    plan, store = plan_of(world, f"SELECT {items} FROM Lead")
    assert aggregate_lines(plan, plan.rows(store, include_deleted=False)) == [expected]


def test_hidden_rows_are_counted_but_not_shown_unless_asked_by_id(world: HandWorld) -> None:
    row = world.rows("salesforce", "leads")[1]
    world.hidden = {row.id}
    assert names(world, "") == "Alpha O'Hara Delta"
    assert names(world, "WHERE LastName = 'beta'") == ""
    assert names(world, f"WHERE Id = '{row.id}'") == "beta"
    assert names(world, f"WHERE Company = 'Bolt' AND Id IN ('{short_id(row.id)}')") == "beta"
    plan, store = plan_of(world, "SELECT COUNT() FROM Lead")
    assert len(plan.rows(store, include_deleted=False)) == 4


MALFORMED = [
    "",
    "SELECT FROM Lead",
    "SELECT Id",
    "SELECT Id FRM Lead",
    "SELECT Id, FROM Lead",
    "SELECT Id FROM Lead WHERE",
    'SELECT Id FROM Lead WHERE LastName = "x"',
    "SELECT Id FROM Lead WHERE LastName = 'x",
    r"SELECT Id FROM Lead WHERE LastName = '\x'",
    "SELECT Id FROM Lead WHERE LastName = 'a' OR Company = 'b' AND Title = 'c'",
    "SELECT Id FROM Lead WHERE LastName IN ()",
    "SELECT Id FROM Lead LIMIT x",
    "SELECT Id FROM Lead LIMIT -1",
    "SELECT Id FROM Lead LIMIT 1.5",
    "SELECT Id FROM Lead LIMIT 1 ORDER BY Id",
    "SELECT Company, COUNT(Id) FROM Lead GROUP BY Company HAVING COUNT(Id) > 1",
    "SELECT Company, COUNT(Id) FROM Lead",
    "SELECT (SELECT Id FROM Tasks) FROM Lead",
    "SELECT NOSUCH(Id) FROM Lead",
    "SELECT SUM(LastName) FROM Lead",
    "SELECT Id FROM Lead; DROP",
    "SELECT * FROM Lead",
    "UPDATE Lead",
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED)
def test_other_grammar_is_malformed(world: HandWorld, text: str) -> None:
    assert error(world, text).code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        (
            "SELECT Id, Foo FROM Lead",
            "INVALID_FIELD",
            (
                "\nSELECT Id, Foo FROM Lead\n           ^\nERROR at Row:1:Column:12\n"
                "No such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field,"
            ),
        ),
        ("SELECT Id FROM Lead WHERE Foo = 1", "INVALID_FIELD", "No such column 'Foo'"),
        ("SELECT Id FROM Lead ORDER BY Foo", "INVALID_FIELD", "No such column 'Foo'"),
        ("SELECT Nope.Id FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Id, ID FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "dateTime"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-13-01T00:00:00Z", "INVALID_FIELD", ""),
        ("SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS", "INVALID_FIELD", ""),
        ("SELECT Id FROM Lead WHERE LastName = 5", "INVALID_FIELD", "should be enclosed"),
        ("SELECT Id FROM Lead WHERE DoNotCall = 'true'", "INVALID_FIELD", "type boolean"),
        ("SELECT Id FROM Lead WHERE AnnualRevenue = '1'", "INVALID_FIELD", "type double"),
        ("SELECT Id FROM Lead WHERE DoNotCall LIKE 't%'", "INVALID_QUERY_FILTER_OPERATOR", ""),
        ("SELECT Id FROM Lead WHERE Id > 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id FROM Lead LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        (
            "select count() from XYZZY",
            "INVALID_TYPE",
            (
                "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
                "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object,"
                " be sure to append the '__c' after the entity name. Please reference your WSDL or the"
                " describe call for the appropriate names."
            ),
        ),
    ],
)
def test_errors_are_worded_as_the_vendor_does(
    world: HandWorld, text: str, code: str, part: str
) -> None:
    caught = error(world, text)
    assert (caught.status, caught.code) == (400, code)
    assert part in caught.message


NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("word", "count", "first", "after"),
    [
        ("TODAY", None, "2026-11-23", "2026-11-24"),
        ("YESTERDAY", None, "2026-11-22", "2026-11-23"),
        ("TOMORROW", None, "2026-11-24", "2026-11-25"),
        ("LAST_N_DAYS", 7, "2026-11-16", "2026-11-24"),
        ("NEXT_N_DAYS", 2, "2026-11-24", "2026-11-26"),
        ("N_DAYS_AGO", 2, "2026-11-21", "2026-11-22"),
        ("LAST_90_DAYS", None, "2026-08-25", "2026-11-24"),
        ("NEXT_90_DAYS", None, "2026-11-24", "2027-02-22"),
        ("THIS_WEEK", None, "2026-11-22", "2026-11-29"),
        ("LAST_WEEK", None, "2026-11-15", "2026-11-22"),
        ("LAST_N_WEEKS", 2, "2026-11-08", "2026-11-22"),
        ("THIS_MONTH", None, "2026-11-01", "2026-12-01"),
        ("LAST_MONTH", None, "2026-10-01", "2026-11-01"),
        ("NEXT_MONTH", None, "2026-12-01", "2027-01-01"),
        ("LAST_N_MONTHS", 12, "2025-11-01", "2026-11-01"),
        ("THIS_QUARTER", None, "2026-10-01", "2027-01-01"),
        ("LAST_QUARTER", None, "2026-07-01", "2026-10-01"),
        ("THIS_YEAR", None, "2026-01-01", "2027-01-01"),
        ("NEXT_N_YEARS", 2, "2027-01-01", "2029-01-01"),
        ("N_YEARS_AGO", 1, "2025-01-01", "2026-01-01"),
    ],
)
def test_date_words_mean_their_span(word: str, count: int | None, first: str, after: str) -> None:
    assert span(word, count, NOW) == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("word", "count"),
    [("TODAY", 1), ("LAST_N_DAYS", None), ("THIS_MONTH", 2), ("SOMEDAY", None), ("LAST_DAY", None)],
)
def test_other_words_are_not_dates(word: str, count: int | None) -> None:
    assert span(word, count, NOW) is None


def test_escapes_of_a_literal() -> None:
    assert unescape(r"'a\n\'\"\\\u00e9'") == "a\n'\"\\é"
    assert unescape(r"'100\%\\'", for_like=True) == r"100\%\\"


def test_fraction_of_a_second_does_not_hide_a_row(world: HandWorld) -> None:
    world.create(
        "salesforce",
        "leads",
        {"LastName": "Late", "Company": "X"},
        at=START + timedelta(milliseconds=900),
    )
    assert "Late" in names(world, "WHERE SystemModstamp = 2026-11-23T21:00:00Z")
