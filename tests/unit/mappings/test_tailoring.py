"""The answers of an account fit the shipped mappings to it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.mappings.engine import NormalizeSettings, normalize
from hub.mappings.loader import load, path_of
from hub.model.records import RawRecord
from hub.model.verdicts import Op

OWNER = "005000000000001AAA"
SETTINGS = NormalizeSettings("FR", datetime(2026, 11, 29, tzinfo=UTC))


def answered(tmp_path: Path, text: str) -> Path:
    (tmp_path / "salesforce").mkdir()
    (tmp_path / "salesforce" / "answers.yaml").write_text(text)
    return tmp_path


def mapped(folder: Path | None, stream: str, **values: object) -> dict[str, object]:
    payload = json.dumps({"Id": "00Q000000000001AAA", **values}).encode()
    raw = RawRecord(str(values.get("Id", "00Q000000000001AAA")), Op.UPSERT, None, "", payload)
    document = load(f"salesforce/{stream}", folder)
    (record,) = [r for r in normalize(document, [raw], {}, SETTINGS).records if r.primary]
    return dict(record.values)


def test_a_value_that_the_mapping_does_not_know_becomes_what_was_answered(tmp_path: Path) -> None:
    folder = answered(tmp_path, "values: {leads: {Status: {Hot Prospect: Working, Cold: null}}}")
    assert mapped(folder, "leads", LastName="Moreau", Status="Hot Prospect")["status"] == "Working"
    assert mapped(folder, "leads", LastName="Moreau", Status="Cold")["status"] == "Cold"
    assert (
        mapped(None, "leads", LastName="Moreau", Status="Hot Prospect")["status"] == "Hot Prospect"
    )


def test_records_of_an_owner_who_left_go_to_the_user_that_was_answered(tmp_path: Path) -> None:
    folder = answered(tmp_path, f"owners: {{{OWNER}: ann@acme.example.com}}")
    left = {"Id": OWNER, "Name": "Marc Petit", "Email": "marc@old.example.com", "IsActive": False}
    assert mapped(folder, "users", **left)["email"] == "ann@acme.example.com"
    assert mapped(folder, "users", **left)["is_active"] is True
    other = left | {"Id": "005000000000002AAA"}
    assert mapped(folder, "users", **other)["email"] == "marc@old.example.com"
    assert mapped(folder, "users", **other)["is_active"] is False


def test_a_field_can_be_left_behind(tmp_path: Path) -> None:
    folder = answered(tmp_path, "leave: {leads: [Score__c, Fax]}")
    found = mapped(
        folder, "leads", LastName="Moreau", Score__c=7, Kept__c="x", Fax="+33 1 42 68 53 00"
    )
    assert found["custom_fields"] == {"Kept__c": "x"}
    assert not found.get("fax")


def test_an_answer_changes_the_version_of_the_mapping(tmp_path: Path) -> None:
    folder = answered(tmp_path, "values: {leads: {Status: {Hot: Working}}}")
    assert load("salesforce/leads", folder).version != load("salesforce/leads").version
    assert load("salesforce/users", folder).version == load("salesforce/users").version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("values: {leads: {Title: {A: B}}}", "no list of values for this field"),
        ("valus: {}", "did you mean 'values'"),
        ("values: [1]", "values"),
        ("owners: {a: 1}", "owners.a"),
    ],
)
def test_a_wrong_answer_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"answers.yaml") as refused:
        load("salesforce/leads", answered(tmp_path, text))
    assert said in str(refused.value)


def test_a_custom_field_is_read_as_its_type(tmp_path: Path) -> None:
    folder = answered(
        tmp_path,
        "fields: {leads: {Since__c: datetime, Likes__c: {type: multi_select_list, choices: [A, B]}, "
        "Odd__c: number, Seats__c: number, Kept__c: ~, Word__c: string}}",
    )
    found = mapped(
        folder, "leads", LastName="Moreau", Since__c="2024-03-01T10:00:00.000+0200",
        Likes__c="A;B;A", Odd__c="many", Seats__c=12, Kept__c="as it is", Word__c=" x ",
    )  # fmt: skip
    assert found["custom_fields"] == {
        "Since__c": "2024-03-01T08:00:00Z", "Likes__c": ["A", "B"], "Odd__c": "many", "Seats__c": 12,
        "Kept__c": "as it is", "Word__c": "x",
    }  # fmt: skip


def test_deals_of_a_record_type_go_into_its_pipeline_by_its_own_stages(tmp_path: Path) -> None:
    folder = answered(
        tmp_path,
        "pipelines: {Renewal: {pipeline: Renewals, stages: {Prospecting: Talk, Odd: ~}}, Other: ~}",
    )
    history = [{"StageName": "Prospecting", "CreatedDate": "2024-03-01T10:00:00Z"}]
    deal = {"Name": "A", "StageName": "Prospecting", "OpportunityHistories": history}
    renewal = mapped(folder, "opportunities", **deal, RecordType={"Name": "Renewal"})
    assert (renewal["pipeline"], renewal["stage"]) == ("Renewals", "Talk")
    assert renewal["stage_history"] == [{"stage": "Talk", "at": "2024-03-01T10:00:00Z"}]
    quote = deal | {"StageName": "Proposal/Price Quote"}
    assert (
        mapped(folder, "opportunities", **quote, RecordType={"Name": "Renewal"})["stage"] == "Quote"
    )
    for kind in ({"Name": "Other"}, None):
        other = mapped(folder, "opportunities", **deal, RecordType=kind)
        assert (other.get("pipeline"), other["stage"]) == (None, "Incoming")
        assert other["stage_history"] == [{"stage": "Incoming", "at": "2024-03-01T10:00:00Z"}]


def test_deals_of_files_go_into_the_pipeline_that_is_answered(tmp_path: Path) -> None:
    own = tmp_path / "csv/answers.yaml"
    own.parent.mkdir()
    own.write_text("pipelines: {Sales Pipeline: {pipeline: Renewals, stages: {Prospecting: Talk}}}")
    document = load("csv/deals", tmp_path)
    deals = {"Sales Pipeline": ("Renewals", "Talk"), "Sales": ("Sales", "Incoming")}
    for name, wanted in deals.items():
        row = {"id": "D1", "name": "One", "pipeline": name, "stage": "Prospecting"}
        raw = RawRecord("D1", Op.UPSERT, None, "", json.dumps(row).encode())
        (deal,) = normalize(document, [raw], {}, SETTINGS).records
        assert (deal.values["pipeline"], deal.values["stage"]) == wanted


def test_a_shipped_mapping_is_read_once_and_ones_own_each_time(tmp_path: Path) -> None:
    name = "salesforce/leads"
    shipped = load(name)
    assert load(name, tmp_path) is load(name) is shipped
    own = tmp_path / f"{name}.yaml"
    own.parent.mkdir()
    text = path_of(name).read_text()
    own.write_text(text)
    assert load(name, tmp_path) == shipped
    own.write_text(text.replace("stream: leads", "stream: deals"))
    with pytest.raises(ConfigError, match="the file is for 'salesforce/leads'"):
        load(name, tmp_path)
    assert load(name) is shipped
