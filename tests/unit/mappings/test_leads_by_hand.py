"""Five hundred leads of eighteen countries through each source's mapping: the same person each time."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.mappings.engine import NormalizeSettings, normalize
from hub.mappings.preview import source_id_of
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings
from tests.unit.mappings.leads_by_hand import SOURCES, Lead, leads

PEOPLE = list(leads(2026, 500))
SETTINGS = NormalizeSettings("FR", datetime(2026, 11, 29, tzinfo=UTC))


def expected(name: str, one: Lead) -> dict[str, Any]:
    known = {"first_name": one.first, "last_name": one.last, "email": one.email, "phone": one.phone}
    if name == "zendesk/users":
        return known
    return known | {"country": one.country.code, "organization_name": one.company}


def differences(name: str) -> list[str]:
    document = mappings()[name]
    records = [SOURCES[name](one) for one in PEOPLE]
    raws = [
        RawRecord(source_id_of(document, r) or "?", Op.UPSERT, None, "", json.dumps(r).encode())
        for r in records
    ]
    result = normalize(document, raws, {}, SETTINGS)
    assert not result.rejected
    main = [record for record in result.records if record.primary]
    assert len(main) == len(PEOPLE)
    return [
        f"{one.country.code} {key}: {said!r}, not {right!r}; typed {records[n]}"
        for n, (one, record) in enumerate(zip(PEOPLE, main, strict=True))
        for key, right in expected(name, one).items()
        if (said := _plain(record.values.get(key), key)) != right
    ]


def _plain(value: Any, key: str) -> Any:
    return value.lower() if key == "email" and isinstance(value, str) else value


@pytest.mark.parametrize("name", SOURCES)
def test_lead_is_the_same_person_from_each_source(name):
    assert differences(name) == []
