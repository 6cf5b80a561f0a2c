"""Run the tests beside a mapping (input and expected output): `hub mappings test`.

In: `<stream>.test.yaml`, a list of cases. Out: one result a case, with the differences. Expected
records are compared completely. Of a quarantine row, only the keys in the test are compared.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from hub.errors import ConfigError
from hub.mappings.document import MappingDocument
from hub.mappings.engine import NormalizeSettings
from hub.mappings.files import read
from hub.mappings.loader import cases_path_of, load
from hub.mappings.preview import as_json, map_file
from hub.mappings.rule_document import Strict
from hub.model.records import CanonicalRecord


class Expected(Strict):
    """One canonical record that the mapping must emit.

    Args:
        entity: the record's entity.
        source_id: the record's id; None accepts any id.
        values: all values of the record; a further value is a difference.
        refs: all references of the record; None accepts any.
    """

    entity: str
    source_id: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    refs: dict[str, str] | None = None


class Case(Strict):
    """One test: an input and its expected output.

    Args:
        name: what the test shows.
        input: a record, a list of records, a page of the vendor, or the body of a webhook.
        context: other objects of the source: `<stream>/<id>`, and forms by their id.
        region: ISO-2 country for the phones of records without a country.
        now: aware time; a time more than a day later is refused. With None no time is refused.
        records: expected records, in order.
        excluded: ids of the records that give no canonical record.
        quarantine: expected rows, in order; only the keys in the test are compared.
    """

    name: str
    input: Any
    context: dict[str, Any] = Field(default_factory=dict)
    region: str = "FR"
    now: datetime | None = None
    records: list[Expected] = Field(default_factory=list)
    excluded: list[str] = Field(default_factory=list)
    quarantine: list[dict[str, Any]] = Field(default_factory=list)


class Cases(Strict):
    """A test file."""

    tests: list[Case]


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of one case; `differences` is empty if the case passes."""

    __test__ = False
    mapping: str
    name: str
    differences: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Return whether the case passes."""
        return not self.differences


def run_tests(name: str, folder: Path | None = None) -> list[TestResult]:
    """Run the tests beside a mapping; without a test file the list is empty.

    Raises:
        ConfigError: the mapping or its test file has an error.
    """
    document = load(name, folder)
    path = cases_path_of(name, folder)
    if not path.is_file():
        return []
    value, lines = read(path)
    try:
        cases = Cases.model_validate(value)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ConfigError(f"{path}:{lines.of(first['loc'])}: {first['msg']}") from exc
    return run_cases(document, cases)


def run_cases(document: MappingDocument, cases: Cases) -> list[TestResult]:
    """Run tests against a loaded document."""
    return [
        TestResult(document.name, case.name, tuple(_differences(document, case)))
        for case in cases.tests
    ]


def _differences(document: MappingDocument, case: Case) -> list[str]:
    now = case.now.astimezone(UTC) if case.now else None
    result, nameless = map_file(
        document,
        json.dumps(case.input, default=str).encode(),
        context=case.context,
        settings=NormalizeSettings(case.region, now),
    )
    told = [*_records(case.records, result.records)]
    if result.excluded != case.excluded:
        told.append(f"excluded: expected {case.excluded}, got {result.excluded}")
    rows = as_json(result, nameless)["quarantine"]
    if len(rows) != len(case.quarantine):
        told.append(f"quarantine: expected {len(case.quarantine)} rows, got {_plain(rows)}")
    for wanted, row in zip(case.quarantine, rows, strict=False):
        told += [
            f"quarantine: {k}: expected {v!r}, got {row.get(k)!r}"
            for k, v in wanted.items()
            if row.get(k) != v
        ]
    return told


def _records(wanted: list[Expected], got: list[CanonicalRecord]) -> list[str]:
    if len(wanted) != len(got):
        return [f"records: expected {len(wanted)}, got {_plain([r.entity for r in got])}"]
    told: list[str] = []
    for expected, record in zip(wanted, got, strict=True):
        where = f"{record.entity} {record.source_id}"
        if expected.entity != record.entity:
            told.append(f"{where}: entity: expected {expected.entity!r}")
        if expected.source_id not in (None, record.source_id):
            told.append(f"{where}: source_id: expected {expected.source_id!r}")
        told += _values(where, expected.values, record.values)
        if expected.refs is not None:
            told += _values(f"{where}: refs", expected.refs, record.refs)
    return told


def _values(where: str, wanted: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    return [
        f"{where}: {name}: expected {_side(wanted, name)}, got {_side(got, name)}"
        for name in sorted(wanted.keys() | got.keys())
        if _side(wanted, name) != _side(got, name)
    ]


def _side(values: Mapping[str, Any], name: str) -> str:
    return _plain(values[name]) if name in values else "nothing"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
