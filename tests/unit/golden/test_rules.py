"""Survivorship rules as a file: it replaces what it names; a mistake has its line."""

from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.etl.survivorship import read_rules
from hub.golden.rules import DEFAULT_RULES, SHIPPED, By, SurvivorshipRules, overlaid


def rules_of(tmp_path: Path, text: str) -> SurvivorshipRules:
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return SurvivorshipRules.bind(read_rules(str(file)))


def test_a_file_replaces_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    found = rules_of(
        tmp_path,
        "groups:\n  firmographics: {by: longest}\n  phones: {by: recent}\n"
        "  identity: {order: [hubspot, '*']}\nfields:\n  phone: phones\n",
    )
    usual = DEFAULT_RULES.groups
    assert found.groups["firmographics"].by is By.LONGEST
    assert found.groups["firmographics"].ranks == usual["firmographics"].ranks
    assert found.groups["identity"].by is By.PRECEDENCE
    assert found.groups["identity"].ranks == {"hubspot": 0, "*": 1}
    assert found.groups["phones"].by is By.RECENT
    assert found.groups["phones"].ranks == usual["identity"].ranks
    assert found.fields == {**DEFAULT_RULES.fields, "phone": "phones"}
    rest = ("default", "union", "trusted_union", "per_key", "earliest", "units")
    assert all(getattr(found, name) == getattr(DEFAULT_RULES, name) for name in rest)


def test_no_file_is_the_shipped_rules() -> None:
    assert read_rules(None) == SHIPPED == overlaid({})
    assert SurvivorshipRules.bind(SHIPPED) == DEFAULT_RULES


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("groups:\n  identity:\n    by: newest\n", (":3:", "precedence, recent, longest")),
        ("groups:\n  identity:\n    by: recnt\n", (":3:", "'recent'")),
        ("groups:\n  identity:\n    oder: []\n", (":3:", "'oder'", "'order'")),
        ("groups:\n  identity:\n    order:\n      - salesfroce\n", (":4:", "'salesforce'")),
        ("groups:\n  identity:\n    order: [csv, csv]\n", (":3:", "twice")),
        ("groups:\n  identity:\n    order: csv\n", (":3:", "list")),
        ("groups:\n  identity: precedence\n", (":2:", "by, order")),
        ("\nfields:\n  phon: identity\n", (":3:", "'phone'")),
        ("\nfields:\n  phone: identiy\n", (":3:", "'identity'")),
        ("fields: [phone]\n", (":1:", "mapping")),
        ("default: nobody\n", (":1:", "no group 'nobody'")),
        ("feilds: {}\n", (":1:", "'fields'")),
        ("version: 2\n", (":1:", "version")),
        ("- a\n", (":1:", "mapping")),
        ("groups: {a: [\n", ("not valid YAML",)),
    ],
)
def test_a_mistake_names_its_line_and_what_is_near(
    tmp_path: Path, text: str, says: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        rules_of(tmp_path, text)
    assert all(word in caught.value.message for word in says), caught.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rules(str(tmp_path / "none.yaml"))
