"""The questions that an inventory leaves open."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hub.connectors.base import FieldUse, Inventory
from hub.mappings.tailoring import Answers, PipelineAnswer, answers_of
from hub.migration.inventory import OpenOwner, SourceInventory, StreamInventory, UnknownValue
from hub.migration.questions import questions

LEADS = StreamInventory(
    "leads",
    Inventory("leads", 100),
    unread=[FieldUse("Jigsaw", filled_n=4)],
    unknown=[
        UnknownValue("Status", "Workin", 31, ["New", "Working"]),
        UnknownValue("Status", "yes", 2, ["New", "Working"]),
        UnknownValue("Status", "a: b # c", 1, ["New", "Working"]),
    ],
)
OWNER = OpenOwner("005A", "Marc\nPetit", "marc@old.example.com", 312, "inactive at the source")
FOUND = SourceInventory("salesforce", [LEADS], [OWNER])


def read(tmp_path: Path, text: str) -> Answers:
    path = tmp_path / "answers.yaml"
    path.write_text(text)
    return answers_of(path)


def test_the_questions_can_be_read_as_answers(tmp_path: Path) -> None:
    text = questions(FOUND)
    answers = read(tmp_path, text)
    assert answers.values == {
        "leads": {"Status": {"Workin": "Working", "yes": None, "a: b # c": None}}
    }
    assert answers.owners == {"005A": None}
    assert answers.leave == {}
    assert "31 records" in text
    assert "Marc Petit marc@old.example.com, 312 records: inactive at the source" in text
    assert "Jigsaw (4)" in text


def test_the_questions_of_files_name_pipelines_and_propose_users(tmp_path: Path) -> None:
    deals = StreamInventory(
        "deals", Inventory("deals", 3), record_types={"Ventes": 1}, keeps_pipelines=True
    )
    ines = OpenOwner(
        "inès vidal", "Inès Vidal", "", 1, "no user has this name", "ines@acme.example"
    )
    found = SourceInventory("csv", [deals], [ines], pipelines={"Sales": ["Incoming", "Quote"]})
    text = questions(found)
    answers = read(tmp_path, text)
    assert answers.owners == {"inès vidal": "ines@acme.example"}
    assert answers.pipelines == {"Ventes": None}
    assert "# hub migrate FILE … --dry-run tries the answers" in text
    assert "that the hub does not have. With `~` these deals are refused" in text
    assert "  Ventes: ~  # 1 record\n" in text


def test_a_source_without_questions_has_an_empty_file(tmp_path: Path) -> None:
    nothing = replace(FOUND, streams=[replace(LEADS, unread=[], unknown=[])], owners=[])
    assert read(tmp_path, questions(nothing)) == Answers()


@pytest.mark.parametrize(
    "value", ["~", "null", "1", "no", "- x", "'", '"', "é 🌻", "x" * 300, "{a}"]
)
def test_any_value_is_one_line_of_yaml(tmp_path: Path, value: str) -> None:
    one = UnknownValue("Status", value, 1, ["New"])
    text = questions(replace(FOUND, streams=[replace(LEADS, unknown=[one])]))
    assert set(yaml.safe_load(text)["values"]["leads"]["Status"]) == {value}
    assert set(read(tmp_path, text).values["leads"]["Status"]) == {value}


DEALS = StreamInventory(
    "opportunities",
    Inventory("opportunities", 12),
    customs=[
        FieldUse("Region__c", "Region", "picklist", 8, custom=True, choices=["North", "South"], values={"East": 1, "": 4}),
        FieldUse("Budget__c", "Budget in EUR: net", "currency", 7, custom=True),
        FieldUse("Seats__c", "Seats", "double", 7, custom=True),
        FieldUse("Likes__c", "Likes", "multipicklist", 2, custom=True, choices=["A", "B"]),
        FieldUse("Word__c", "Word", "textarea", None, custom=True),
        FieldUse("Many__c", "Many", "picklist", 3, custom=True, values={f"v{n}": 1 for n in range(600)}),
        FieldUse("Ref__c", "Ref", "reference", 3, custom=True),
    ],
    record_types={"Renewal": 9, "New Business": 3},
)  # fmt: skip


def test_custom_fields_and_pipelines_are_proposed(tmp_path: Path) -> None:
    stages = {"Sales Pipeline": ["Incoming", "Won"], "Renewals": ["Talk"]}
    text = questions(replace(FOUND, streams=[LEADS, DEALS], pipelines=stages))
    answers = read(tmp_path, text)
    found = {
        name: one and one.model_dump() for name, one in answers.fields["opportunities"].items()
    }
    assert found == {
        "Region__c": {"type": "list", "name": "", "choices": ["North", "South", "East"]},
        "Budget__c": {"type": "number", "name": "Budget in EUR: net", "choices": []},
        "Seats__c": {"type": "number", "name": "", "choices": []},
        "Likes__c": {"type": "multi_select_list", "name": "", "choices": ["A", "B"]},
        "Word__c": {"type": "text", "name": "", "choices": []},
        "Many__c": {"type": "string", "name": "", "choices": []},
        "Ref__c": {"type": "string", "name": "", "choices": []},
    }
    assert answers.pipelines["New Business"] is None
    assert answers.pipelines["Renewal"] == PipelineAnswer(pipeline="Renewals")
    assert "# 9 records" in text
    assert "the first pipeline, Sales Pipeline." in text
