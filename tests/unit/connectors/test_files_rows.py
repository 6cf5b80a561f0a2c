"""Rows of files as records: headers, layouts of dates and numbers, ids, relations, pages, counts, mapping files."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import SystemClock
from hub.connectors.base import Connector, Migrates, Range
from hub.connectors.files import streams
from hub.connectors.files.column_files import parse_columns
from hub.connectors.files.layouts import DateEvidence, DayOrder, NumberEvidence, decimal, iso
from hub.connectors.files.proposals import propose
from hub.connectors.files.streams import FilesConnector
from hub.connectors.files.vocabulary import KINDS, fields_of, meaning_of
from hub.errors import ConfigError
from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from tests.shipped import mappings

DATA = Path(__file__).parents[2] / "data/csv"

HEADERS = {
    # Salesforce reports
    "Lead Owner,First Name,Last Name,Title,Company / Account,Email,Lead Status,Lead Source": (
        "leads", "owner first_name last_name title company email status source"),
    "Propriétaire de la piste;Prénom;Nom;Société;Adresse e-mail;Statut de la piste": (
        "leads", "owner first_name last_name company email status"),
    "Salutation,First Name,Last Name,Account Name,Mailing Street,Mailing City,Phone,Mobile,Email,Account Owner": (
        "contacts", "salutation first_name last_name company street city phone mobile email owner"),
    "Account Name,Type,Billing State/Province,Account Owner,Parent Account": (
        "companies", "name type state owner parent"),
    "Opportunity Owner,Account Name,Opportunity Name,Stage,Amount,Probability (%),Close Date,Created Date": (
        "deals", "owner company name stage value probability close_date created_at"),
    "Nom de l'opportunité;Montant;Étape;Date de clôture;Nom du compte;Propriétaire de l'opportunité": (
        "deals", "name value stage close_date company owner"),
    "Subject,Due Date,Status,Contact,Company / Account,Assigned,Opportunity": (
        "activities", "subject due_at status contact company owner deal"),
    # HubSpot
    "Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region,Industry": (
        "companies", "id name owner created_at phone city country industry"),
    "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Associated Contact,Associated Company": (
        "deals", "id name stage close_date owner value contact company"),
    # Sell, and its labels in French
    "First Name,Last Name,Company Name,Title,Email,Work Number,Mobile Number,Status,Owner,Added on,Tags": (
        "leads", "first_name last_name company title email phone mobile status owner created_at tags"),
    "Prénom;Nom;Nom de l'entreprise;Fonction;E-mail;Téléphone;Mobile;Ville;Code postal;Pays;Statut;Propriétaire;Ajouté le": (
        "leads", "first_name last_name company title email phone mobile city postal_code country status owner created_at"),
    # Salesforce's API names, and free files
    "NAME,TYPE,PHONE,WEBSITE,ANNUALREVENUE": ("companies", "name type phone website annual_revenue"),
    "FirstName,LastName,AccountId,MobilePhone,HasOptedOutOfEmail": (
        "contacts", "first_name last_name company_id mobile email_opt_out"),
    "Nom;Société;Tél": ("leads", "full_name company phone"),
    "email": ("leads", "email"),
    "Mail,E-mail 2,Civilité,Nom de famille,Prénom": (
        "leads", "email other_emails salutation last_name first_name"),
}  # fmt: skip


def test_headers_of_vendors_and_free_files_are_known_in_english_and_french() -> None:
    for line, (kind, fields) in HEADERS.items():
        headers = line.split(";" if ";" in line else ",")
        found = meaning_of(headers, "x.csv")
        assert (found.kind, " ".join(found.fields)) == (kind, fields), line
    assert meaning_of(["id", "name"], "x.csv").kind == ""
    assert meaning_of(["Date", "Amount", "Price"], "x.csv").kind == ""
    assert meaning_of(["Name", "Phone"], "companies-2025.csv").kind == "companies"
    assert meaning_of(["Name", "Phone"], "x.csv", "companies").fields == ("name", "phone")
    assert all(fields_of(kind) for kind in KINDS)


def test_the_order_of_days_and_the_decimal_sign_are_found_over_a_column() -> None:
    columns = {
        ("31/12/2024", "01/02/2025"): DayOrder.DAY_FIRST,
        ("12/31/2024", "1/2/25"): DayOrder.MONTH_FIRST,
        ("01/02/2025", "03/04/2025"): DayOrder.UNKNOWN,
        ("31/12/2024", "12/31/2024"): DayOrder.UNKNOWN,
        ("2025-01-02", "15 mars 2025", "02.01.2025", "05/05/2025"): DayOrder.NONE,
        ("31/12/2024", "30/12/2024", "29/12/2024", "12/13/2024"): DayOrder.DAY_FIRST,
    }
    for cells, wanted in columns.items():
        seen = DateEvidence()
        for cell in cells:
            seen.add(cell)
        assert (seen.order, seen.is_mostly_dates) == (wanted, True), cells
    numbers = {("1,5", "1,234"): ",", ("1.5", "1,234"): ".", ("1,234",): "", ("1.234,50",): ",", ("1,234,567",): ".", ("1,5", "1.5"): ""}  # fmt: skip
    for cells, sign in numbers.items():
        held = NumberEvidence()
        for cell in cells:
            held.add(cell)
        assert held.sign == sign, cells
    assert decimal("1 234,56 €", ",") == "1 234.56 €"
    assert decimal("1,234.50", ".") == "1234.50"
    assert decimal("12.5", ",") == "12.5", "a cell that contradicts its column stays as typed"


DATES = {
    "01/02/2025": "2025-02-01", "1/2/25": "2025-02-01", "15.03.2025": "2025-03-15", "15 mars 2025": "2025-03-15",
    "lundi 3 février 2025": "2025-02-03", "Mar 5, 2024, 3:07 PM": "2024-03-05T15:07:00", "05-Jan-24": "2024-01-05",
    "3/1/2025 9:14 AM": "2025-01-03T09:14:00", "1er janvier 2025 14h30": "2025-01-01T14:30:00",
    "2025/03/01 10:00": "2025-03-01T10:00:00", "2025-03-15T10:00:00+01:00": "2025-03-15T10:00:00+01:00",
    "31/02/2025": "31/02/2025", "45678": "45678", "12/13/2024": "12/13/2024", "soon": "soon",
}  # fmt: skip


def test_dates_become_iso_and_what_is_no_date_stays_as_typed() -> None:
    assert {cell: iso(cell, DayOrder.DAY_FIRST) for cell in DATES} == DATES
    assert iso("01/02/2025", DayOrder.UNKNOWN) == "01/02/2025", "never guessed"
    assert iso("01/02/2025", DayOrder.MONTH_FIRST) == "2025-01-02"


@given(st.datetimes(datetime(1971, 1, 1), datetime(2069, 12, 31)), st.sampled_from(["/", "-", "."]))  # noqa: DTZ001
def test_a_date_written_in_any_order_is_read_back(moment: datetime, sign: str) -> None:
    day = f"{moment.day}{sign}{moment.month}{sign}{moment.year}"
    assert iso(day, DayOrder.DAY_FIRST) == moment.date().isoformat()
    if sign != ".":
        month = f"{moment.month:02}{sign}{moment.day:02}{sign}{moment.year} {moment:%I:%M %p}"
        assert iso(month, DayOrder.MONTH_FIRST) == f"{moment:%Y-%m-%dT%H:%M}:00"


def _made(tmp_path: Path, mapping: str = "", **files: str) -> FilesConnector:
    paths = []
    for name, text in files.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text, "utf-8")
        paths.append(path)
    return FilesConnector(
        paths, SystemClock(), parse_columns(mapping, "m.yaml") if mapping else None
    )


def _payloads(files: FilesConnector, name: str) -> dict[str, dict[str, Any]]:
    stream = next(one for one in files.streams() if one.name == name)
    window = files.window(stream, None)
    found = [one for page in files.read(stream, window) for one in page.records]
    assert files.count(stream, None, window.until) == len({one.source_id for one in found})
    return {one.source_id: json.loads(one.payload) for one in found}


def _mapped(files: FilesConnector, name: str) -> Normalized:
    stream = next(one for one in files.streams() if one.name == name)
    records = [
        one for page in files.read(stream, files.window(stream, None)) for one in page.records
    ]
    return normalize(
        mappings()[f"csv/{name}"],
        records,
        {},
        NormalizeSettings(now=datetime(2026, 6, 1, tzinfo=UTC)),
    )


def test_the_connector_keeps_the_contracts_of_a_source(tmp_path: Path) -> None:
    files: Connector = _made(tmp_path, leads="Email,Owner\na@b.fr,Zoé\n")
    assert isinstance(files, Migrates)
    assert [one.name for one in files.objects()] == ["owners", "leads"]
    assert all(one.countable and not one.incremental for one in files.streams())
    assert files.check() == []


def test_ids_are_those_of_the_file_else_the_same_again_for_the_same_rows(tmp_path: Path) -> None:
    first = _payloads(
        _made(tmp_path, a="Email,Nom,Prénom\na@b.fr,Roux,Zoé\na@b.fr,Roux,Zoé\nc@d.fr,Berg,Ida\n"),
        "leads",
    )
    moved = _payloads(
        _made(tmp_path, a="Prénom,Nom,Email\nIda,Berg,c@d.fr\nZoé,Roux,a@b.fr\nZoé,Roux,a@b.fr\n"),
        "leads",
    )
    assert set(first) == set(moved)
    assert len(first) == 3
    said = _payloads(
        _made(tmp_path, a="Lead ID,Email,Nom\n7,a@b.fr,Roux\n007,c@d.fr,Berg\n7,e@f.fr,Lind\n"),
        "leads",
    )
    assert set(said) == {"7", "007", "a.csv:4"}
    assert said["a.csv:4"]["_fault"] == "a.csv, line 4: the id 7 is already in line 2"


def test_a_row_that_cannot_be_read_is_rejected_with_its_place_and_all_others_are_mapped(
    tmp_path: Path,
) -> None:
    files = _made(
        tmp_path, leads='Email,Nom\na@b.fr,Roux\nc@d.fr,Berg,extra\ne@f.fr,"Lind\ng@h.fr,Holm\n'
    )
    result = _mapped(files, "leads")
    assert [one.values["last_name"] for one in result.records] == ["Roux", "Holm"]
    assert result.rejected == ["leads.csv:3", "leads.csv:4"]
    assert [(p.reason, p.value) for p in result.problems] == [
        ("the row cannot be read", "leads.csv, line 3: the row has 3 cells, and the header has 2"),
        ("the row cannot be read", "leads.csv, line 4: a quote is opened and not closed correctly: close it, or write a quote in a cell twice"),
    ]  # fmt: skip


def test_relations_go_by_id_then_by_name_and_a_name_of_two_rows_names_none(tmp_path: Path) -> None:
    files = _made(
        tmp_path,
        companies="Account ID,Account Name,Parent Account,Billing City\nA1,Acme,Holding,Paris\nA2,Twin,,\nA3,Twin,,\n",
        contacts="Contact ID,First Name,Last Name,Account Name,Email\nC1,Zoé,Roux,ACME,z@acme.fr\nC2,Ida,Berg,Twin,i@t.fr\n",
        deals=(
            "Deal ID,Deal Name,Stage,Amount,Account Name,Contact Name,Contact Email,Deal owner\n"
            'D1,One,Quote,10,Acme,"Roux, Zoé",,Agent Un\nD2,Two,Won,20,Nova,,new@nova.fr,\nD3,Six,Quote,3,,,I@T.FR,\n'
        ),
        tasks="Subject,Due Date,Contact,Opportunity\nCall back,2026-01-02,Zoé Roux,One\n",
    )
    assert [one.name for one in files.streams()] == [
        "owners",
        "companies",
        "contacts",
        "deals",
        "activities",
    ]
    deals = _payloads(files, "deals")
    assert (deals["D1"]["company_ref"], deals["D1"]["contact_ref"], deals["D1"]["owner_ref"]) == (
        "A1",
        "C1",
        "agent un",
    )
    assert (deals["D2"]["company_ref"], deals["D2"]["contact_ref"]) == (
        "name:nova",
        "email:new@nova.fr",
    )
    assert deals["D3"]["contact_ref"] == "C2"
    contacts = _payloads(files, "contacts")
    assert contacts["C1"]["company_ref"] == "A1"
    assert "company_ref" not in contacts["C2"]
    assert contacts["email:new@nova.fr"]["company"] == "Nova"
    companies = _payloads(files, "companies")
    assert companies["A1"]["parent_ref"] == "name:holding"
    assert set(companies) == {"A1", "A2", "A3", "name:holding", "name:nova"}
    (task,) = _payloads(files, "activities").values()
    assert (task["contact_ref"], task["deal_ref"]) == ("C1", "D1")


def test_an_export_of_salesforce_has_owners_by_id_and_rows_of_deleted_objects(
    tmp_path: Path,
) -> None:
    files = _made(
        tmp_path,
        User=(
            '"Id","Username","LastName","FirstName","Name","CompanyName","Email","Alias","IsActive","ProfileId"\n'
            "005A,ann@acme.sf,Lee,Ann,Ann Lee,Acme,Ann@acme.example,alee,1,00e1\n"
            "005B,bob@acme.sf,Ray,Bob,,Acme,bob@acme.example,bray,0,00e1\n"
        ),
        Lead=(
            '"Id","IsDeleted","LastName","Company","Email","OwnerId"\n'
            "00Q1,0,Ngo,Tra,n@tra.example,005B\n00Q2,1,Gone,Tra,g@tra.example,005A\n"
            "00Q3,0,Elk,Tra,e@tra.example,005X\n"
        ),
        Account='"Id","IsDeleted","Name","OwnerId"\n0011,1,Tra,005A\n',
        Task='"Id","WhoId","Subject","Status","OwnerId"\n00T1,00Q1,Call,Open,005A\n',
    )
    assert [(p.table.name, p.kind) for p in files.plans] == [
        ("User.csv", "users"), ("Lead.csv", "leads"), ("Account.csv", "companies"), ("Task.csv", "activities"),
    ]  # fmt: skip
    assert [p.question for p in files.plans] == [""] * 4
    owners = [r.values for r in _mapped(files, "owners").records]
    assert owners == [
        {"name": "005X", "is_active": True},
        {"name": "Ann Lee", "email": "Ann@acme.example", "is_active": True},
        {"name": "Bob Ray", "email": "bob@acme.example", "is_active": False},
    ]
    leads = _mapped(files, "leads")
    assert {r.source_id: r.refs.get("owner") for r in leads.records} == {
        "00Q1": "bob@acme.example", "00Q3": "005x",
    }  # fmt: skip
    assert leads.deleted == ["00Q2"]
    assert _payloads(files, "leads")["00Q1"].get("company_ref") is None, "a deleted company is none"
    assert _payloads(files, "activities")["00T1"]["owner_ref"] == "ann@acme.example"


def test_the_first_of_several_names_in_a_cell_is_taken_and_an_address_beside_a_name(
    tmp_path: Path,
) -> None:
    files = _made(
        tmp_path,
        deals=(
            "Deal Name,Amount,Deal Stage,Associated Company IDs,Associated Company,Associated Contact\n"
            "One,1,Won,7;8,Ng;Ng Holding,Zoé Roux (zoe@acme.example)\n"
            "Two,2,Won,,A;B GmbH,ida@acme.example\nThree,3,Won,,,Max Petit\n"
        ),
    )
    deals = {one["name"]: one for one in _payloads(files, "deals").values()}
    assert (deals["One"]["company_id"], deals["One"]["company"]) == ("7", "Ng")
    assert deals["Two"]["company"] == "A;B GmbH"
    people = {
        r.values.get("last_name"): r.values.get("email") for r in _mapped(files, "contacts").records
    }
    assert people == {"Roux": "zoe@acme.example", None: "ida@acme.example", "Petit": None}


def test_a_read_goes_on_after_its_last_page_and_begins_again_if_the_file_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PAGE_ROWS", 2)
    text = "Email\n" + "".join(f"p{i}@b.fr\n" for i in range(5))
    files = _made(tmp_path, leads=text)
    (stream,) = files.streams()
    pages = list(files.read(stream, files.window(stream, None)))
    assert [len(page.records) for page in pages] == [2, 2, 1]
    assert pages[-1].cursor == {}
    rest = list(files.read(stream, files.window(stream, pages[0].cursor)))
    assert [one for page in rest for one in page.records] == [
        one for page in pages[1:] for one in page.records
    ]
    part = files.ranges(stream, files.window(stream, None))[0]
    assert part == Range("0001", count_n=5)
    parts = list(files.read_range(stream, files.window(stream, None), part))
    assert parts[1].cursor["row"] == 4
    changed = _made(tmp_path, leads=text + "new@b.fr\n")
    assert (
        sum(len(p.records) for p in changed.read(stream, changed.window(stream, pages[0].cursor)))
        == 6
    )


def test_a_line_that_the_reader_lost_makes_the_count_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = _made(tmp_path, leads='Email,Note\na@b.fr,"two\nlines"\n\nc@d.fr,x\n')
    (stream,) = files.streams()
    assert files.count(stream, None, datetime.now(UTC)) == 2
    whole = streams.source_rows
    from hub.connectors.files import text_rows

    read = text_rows.rows
    monkeypatch.setattr(text_rows, "rows", lambda *a: (row for row in read(*a) if row.line != 5))
    assert files.count(stream, None, datetime.now(UTC)) == 2
    landed = [
        one for page in files.read(stream, files.window(stream, None)) for one in page.records
    ]
    assert len(landed) == 1
    assert whole is streams.source_rows


MISTAKES = {
    "files: [": ("not valid YAML", 2),
    "files:\n  a.csv:\n    kind: lead\n": ("kind cannot be 'lead'", 3),
    "files:\n  a.csv:\n    kind: leads\n    columns:\n      Email: emial\n": ("there is no such field", 5),
    "files:\n  a.csv:\n    colums: {}\n": ("unknown key 'colums'", 3),
    "time_zone: Mars/One\n": ("there is no time zone", 1),
    "columns:\n  Email: {to: email, dates: dmy}\n": ("dates cannot be 'dmy'", 2),
}  # fmt: skip


def test_a_mistake_in_a_mapping_file_is_told_with_its_line() -> None:
    for text, (words, line) in MISTAKES.items():
        with pytest.raises(ConfigError) as caught:
            parse_columns(text, "m.yaml")
        assert words in caught.value.message, text
        assert caught.value.message.startswith(f"m.yaml:{line}"), text
        assert caught.value.hint, text


def test_a_mapping_file_decides_what_the_headers_do_not(tmp_path: Path) -> None:
    text = 'Wer,Wann,Summe,Intern\nZoé Roux,01/02/2025,"1,5",x\n'
    with pytest.raises(ConfigError, match=r"not clear what the rows of a\.csv are"):
        _made(tmp_path, a=text)
    mapping = (
        "kind: leads\ndates: month_first\ncolumns:\n  Wer: full_name\n  Wann: created_at\n"
        "  Summe: custom.Budget\n  Intern: skip\n"
    )
    (row,) = _payloads(_made(tmp_path, mapping, a=text), "leads").values()
    assert (row["full_name"], row["created_at"], row["custom"]) == (
        "Zoé Roux",
        "2025-01-02",
        {"Budget": "1,5"},
    )
    with pytest.raises(ConfigError, match=r"'Nobody', which a\.csv does not have"):
        _made(tmp_path, "columns: {Nobody: email}", a=text)


def test_a_custom_field_of_a_mapping_file_has_a_type(tmp_path: Path) -> None:
    text = "Email,Sum,Big,Likes,Code\n" + "".join(
        f'a{n}@b.fr,"{n},5",{"oui" if n % 2 else "non"},A; B,0{n}000\n' for n in range(1, 9)
    )
    mapping = (
        "kind: leads\ncolumns:\n  Sum: {to: custom.Budget, type: number}\n"
        "  Big: {to: custom.Big, type: bool}\n"
        "  Likes: {to: custom.Likes, type: multi_select_list, choices: [A, B]}\n"
    )
    files = _made(tmp_path, mapping, a=text)
    (first, *_) = _payloads(files, "leads").values()
    assert first["custom"] == {"Budget": 1.5, "Big": True, "Likes": ["A", "B"], "Code": "01000"}
    assert {one.name: (one.kind, one.choices) for one in files.custom_fields()["leads"]} == {
        "Budget": ("number", ()), "Big": ("bool", ()), "Likes": ("multi_select_list", ("A", "B")),
    }  # fmt: skip
    proposed = parse_columns(propose([tmp_path / "a.csv"]), "m.yaml").tables["a.csv"]
    assert {name: (one.type, one.choices) for name, one in proposed.types.items()} == {
        "Sum": ("number", ()), "Big": ("list", ("non", "oui")), "Likes": ("string", ()), "Code": ("string", ()),
    }  # fmt: skip
    assert proposed.columns["Code"] == "custom.Code"


def test_a_proposed_mapping_is_one_that_can_be_read_and_asks_what_is_not_clear(
    tmp_path: Path,
) -> None:
    files = _made(
        tmp_path,
        leads="Email,Prénom,Créé le,Budget\na@b.fr,Zoé,01/02/2025,5\nc@d.fr,,02/03/2025,\n",
    )
    (question,) = [one for plan in files.plans for one in plan.questions if "Créé" in one]
    assert "the day or the month may come first" in question
    text = propose([tmp_path / "leads.csv"])
    assert '# 50 % filled; for example "Zoé"' in text
    assert 'dates: "?"' in text
    held = parse_columns(text, "m.yaml").tables["leads.csv"]
    assert held.columns == {
        "Email": "email",
        "Prénom": "first_name",
        "Créé le": "created_at",
        "Budget": "custom.Budget",
    }
    for name in sorted(DATA.glob("*.csv")):
        if name.stem != "csvkit_empty":
            assert parse_columns(propose([name]), "m.yaml").tables, name
    answered = parse_columns(text.replace('dates: "?"', "dates: day_first"), "m.yaml")
    again = FilesConnector([tmp_path / "leads.csv"], SystemClock(), answered)
    assert [row["created_at"] for row in _payloads(again, "leads").values()] == [
        "2025-02-01",
        "2025-03-02",
    ]


WORD = st.text(st.characters(categories=("Lu", "Ll", "Nd")), min_size=1, max_size=8)
LEAD = st.fixed_dictionaries(
    {
        "first_name": WORD,
        "company": WORD,
        "city": WORD,
        "postal_code": st.text("0123456789", min_size=1, max_size=6),
    }
)


LEAD_FIELDS = ("first_name", "company", "city", "postal_code")


@settings(max_examples=40)
@given(rows=st.lists(LEAD, min_size=1, max_size=6), delimiter=st.sampled_from(",;\t"))
def test_rows_that_were_written_are_the_records_that_are_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], delimiter: str
) -> None:
    path = tmp_path_factory.mktemp("t") / "leads.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerow(["Lead ID", "First Name", "Company", "City", "Zip Code"])
        writer.writerows(
            [str(i), *(row[name] for name in LEAD_FIELDS)] for i, row in enumerate(rows)
        )
    found = _payloads(FilesConnector([path], SystemClock()), "leads")
    kept = [{name: found[str(i)][name] for name in row} for i, row in enumerate(rows)]
    assert kept == rows
