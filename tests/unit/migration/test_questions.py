"""The questions that an inventory leaves open."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hub.connectors.base import FieldUse, Inventory
from hub.mappings.tailoring import Answers, answers_of
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
