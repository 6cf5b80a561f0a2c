"""Recorded answers of Salesforce through the shipped mappings: nothing is refused, no key is unknown."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

DATA = Path(__file__).parents[2] / "data" / "salesforce"
SHIPPED = mappings()
SETTINGS = NormalizeSettings("US", datetime(2027, 1, 1, tzinfo=UTC))
BY_TYPE = {
    "boolean": False, "int": 1, "double": 1.5, "currency": 10.0, "percent": 10.0, "date": "2024-05-06",
    "datetime": "2024-05-06T07:08:09.000+0000", "email": "a@corp.fr", "phone": "+33123456789",
    "url": "https://corp.fr", "reference": "0015g00000ABCDEAA5", "id": "0015g00000ABCDFAA5", "address": None,
}  # fmt: skip
OWN = {"BillingCountry": "FR", "MailingCountry": "FR", "StageName": "Prospecting"}


def held(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def mapped(stream: str, rows: list[dict[str, Any]]) -> Normalized:
    raw = [RawRecord(row["Id"], Op.UPSERT, None, "", json.dumps(row).encode()) for row in rows]
    return normalize(SHIPPED[f"salesforce/{stream}"], raw, {}, SETTINGS)


def value_of(field: dict[str, Any]) -> Any:
    if field["picklistValues"]:
        return OWN.get(field["name"], field["picklistValues"][0]["value"])
    text = OWN.get(field["name"], f"text {field['name']}")
    return BY_TYPE.get(field["type"], text)


@pytest.mark.parametrize(
    ("name", "stream", "entity"),
    [
        ("Account", "accounts", "organisation"),
        ("Contact", "contacts", "contact"),
        ("Opportunity", "opportunities", "deal"),
        ("Lead", "leads", "lead"),
    ],
)
def test_every_field_of_a_recorded_describe_is_known(name: str, stream: str, entity: str) -> None:
    bodies = [one["response"]["body"] for one in held(f"describe_{name}.json")["interactions"]]
    fields = next(one["fields"] for one in bodies if isinstance(one, dict) and "fields" in one)
    found = mapped(stream, [{one["name"]: value_of(one) for one in fields}])
    assert [one.entity for one in found.records][0] == entity  # noqa: RUF015  # the first decides
    assert {one.field for one in found.unknowns if one.kind == "field"} == set()
    assert not found.rejected


def test_recorded_accounts_are_companies() -> None:
    rows = [held("swiftly_MockAccount.json")]
    for one in held("datasets_e2e.json")["interactions"]:
        body = one["response"]["body"]
        those = body.get("records", ()) if isinstance(body, dict) else ()
        rows += [row for row in those if row["attributes"]["type"] == "Account"]
    found = mapped("accounts", rows)
    assert len(found.records) == len(rows) == 7
    assert (list(found.problems), dict(found.unknowns)) == ([], {})
    first = found.records[0].values
    assert first["organization_name"] == "Alaska Center for Performing Arts"
    assert (first["customer_type"], first["state"]) == ("current", "AK")
    assert first["created_at"] == "2021-04-08T18:39:16Z"
