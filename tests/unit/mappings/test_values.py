"""Values that a person knows by heart: raw records, and what must stand in the CRM."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from hub.mappings.preview import source_id_of
from hub.model.records import CanonicalRecord, RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

FILES = sorted((Path(__file__).parents[2] / "data" / "values").glob("*.jsonl"))
NOW = datetime(2026, 11, 29, tzinfo=UTC)
SHARE = 0.97
"""The share of expected values that must be met; none of kind `consent-false` may fail."""


def cases() -> Iterator[dict[str, Any]]:
    for file in FILES:
        for line in file.read_text("utf-8").splitlines():
            yield json.loads(line)


def outcome(case: Mapping[str, Any]) -> Normalized:
    document = mappings()[case["mapping"]]
    source_id = source_id_of(document, case["record"]) or "x"
    raw = RawRecord(source_id, Op.UPSERT, None, "", json.dumps(case["record"]).encode())
    settings = NormalizeSettings(case.get("region") or "FR", NOW)
    return normalize(document, [raw], case.get("context") or {}, settings)


def misses(case: Mapping[str, Any]) -> list[str]:
    """Return one line for each expected value that does not stand."""
    result = outcome(case)
    return [
        f"{case['mapping']} {case['label']!r} {key}: {said!r}, not {right!r}"
        for key, right in case["expect"].items()
        if not meets(said := found(result, key), right)
    ]


def found(result: Normalized, key: str) -> Any:  # noqa: PLR0911 one line a kind of key
    """Return what a key of `expect` names; see tests/data/values/README.md."""
    if key == "#entities":
        return sorted(record.entity for record in result.records)
    if key in ("#excluded", "#rejected"):
        return bool(getattr(result, key[1:]))
    if key == "#no_opt_in":
        return not any(
            record.entity == "consent" and record.values.get("state") == "opt_in"
            for record in result.records
        )
    if key.startswith("#q:"):
        return any(problem.field == key[3:] for problem in result.problems)
    if key.startswith("ref:"):
        return next((r.refs[key[4:]] for r in result.records if key[4:] in r.refs), None)
    entity, colon, path = key.rpartition(":")
    if not colon:
        main = [record for record in result.records if record.primary]
        return dig(main[0], path) if main else None
    entity, _, nth = entity.partition("#")
    of_kind = [r for r in result.records if entity in ("*", r.entity)]
    if entity == "*":
        return next((v for r in of_kind if (v := dig(r, path)) is not None), None)
    place = int(nth or 0)
    return dig(of_kind[place], path) if place < len(of_kind) else None


def dig(record: CanonicalRecord, path: str) -> Any:
    value: Any = record.values
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def meets(said: Any, right: Any) -> bool:
    if isinstance(right, dict) and "any" in right:
        return any(meets(said, one) for one in right["any"])
    if isinstance(right, dict) and "at_least" in right:
        return isinstance(said, str) and len(said) >= right["at_least"]
    if isinstance(right, dict) and "lacks" in right:
        return isinstance(said, str) and right["lacks"] not in said
    return bool(said == right)


@cache
def judged() -> Sequence[tuple[dict[str, Any], Sequence[str]]]:
    """Return each case with what it misses."""
    return [(case, misses(case)) for case in cases()]


def test_no_answer_that_agrees_to_nothing_is_an_opt_in():
    assert [
        one for case, wrong in judged() if "consent-false" in case["kinds"] for one in wrong
    ] == []


def test_what_a_person_knows_is_what_stands():
    wrong = [miss for _, missed in judged() for miss in missed]
    expected = sum(len(case["expect"]) for case, _ in judged())
    assert len(wrong) <= (1 - SHARE) * expected, "\n".join(wrong)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_has_cases(file):
    assert file.read_text("utf-8").strip()
