"""The lead endpoint: tokens, what a body may hold, one answer for everyone, and no more than the description says."""

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from sqlalchemy import text

from hub.actions.setup import tokens
from hub.db.engine import Database
from hub.records.tokens import HOOKS, INGEST, SCOPES
from tests.acting import OPERATOR, by
from tests.gateways import SECRETS, Running, running, settings_of


@pytest.fixture
def gateway(db: Database, tmp_path: Path):
    with running(settings_of(tmp_path), db) as one:
        yield one


def made(db: Database, name: str) -> str:
    with db.engine.begin() as conn:
        return tokens.create(by(conn, OPERATOR), name).token


def post(at: Running, token: str, body: Any) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return requests.post(at.public + "/leads", data=data, headers=headers, timeout=10)


def test_a_token_adds_leads_and_a_reference_is_a_lead_once(gateway: Running, db: Database) -> None:
    shop, web = made(db, "shop"), made(db, "web")
    lead = {"reference": "order-7", "email": "zoe@corp.example", "custom_fields": {"plan": "gold"}}
    first = post(gateway, shop, lead)
    assert (first.status_code, first.json()) == (202, {"status": "accepted"})
    assert post(gateway, shop, lead).status_code == 202
    assert len(gateway.rows()) == 1, "the same again changes nothing"
    assert post(gateway, shop, {**lead, "phone": "0639980001"}).status_code == 202
    assert post(gateway, web, lead).status_code == 202
    for _ in range(2):
        assert post(gateway, web, {"last_name": "Ada"}).status_code == 202
    rows = gateway.rows()
    assert [row.source_id for row in rows[:3]] == ["1:order-7", "1:order-7", "2:order-7"]
    assert len({row.source_id for row in rows}) == 4, "without a reference each is a lead"
    assert {(r.source, r.stream, r.door, r.is_record) for r in rows} == {
        ("inbound", "leads", "lead", True)
    }
    kept = json.loads(bytes(rows[1].body))
    assert kept.pop("received_at")
    assert kept == {
        "id": "1:order-7", "token": "shop", "reference": "order-7", "email": "zoe@corp.example",
        "phone": "0639980001", "custom_fields": {"plan": "gold"},
    }  # fmt: skip
    with db.engine.begin() as conn:
        used = conn.execute(text("SELECT used_at IS NOT NULL FROM ops.token ORDER BY id"))
        assert list(used.scalars()) == [True, True]
        assert "zoe" not in str(conn.execute(text("SELECT hash, name FROM ops.token")).all())


def test_without_a_valid_token_nothing_is_said_of_the_body(
    gateway: Running, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.gateway.bearer._KNOWN_S", 0.0)
    good = made(db, "shop")
    for header in (
        None,
        "",
        "Bearer",
        f"Basic {good}",
        f"Bearer {good[:-1]}",
        f"Bearer {'0' * 64}",
    ):
        headers = {"Authorization": header} if header is not None else {}
        answer = requests.post(
            gateway.public + "/leads", json={"nonsense": 1}, headers=headers, timeout=10
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "token"), header
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert post(gateway, good, {"email": "a@corp.example"}).status_code == 202
    with db.engine.begin() as conn:
        assert tokens.revoke(by(conn, OPERATOR), "shop").revoked_at
    assert post(gateway, good, {"email": "a@corp.example"}).status_code == 401, "revoked"
    assert len(gateway.rows()) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "is needed"),
        ({"email": " "}, "is needed"),
        ({"email": "a@b.example", "emial": "x"}, "emial: Extra inputs"),
        ({"email": 5}, "email: Input should be a valid string"),
        ({"email": "a" * 201}, "200 characters"),
        ({"email": "a@b.example", "custom_fields": {"Not a key": 1}}, "pattern"),
        ({"email": "a@b.example", "custom_fields": {"k": [1]}}, "custom_fields"),
        (b"{", "JSON"),
        (b'{"email": "\\ud800"}', "email"),
        ([], "valid dictionary"),
    ],
)
def test_a_wrong_body_is_told_by_its_fields_alone(
    gateway: Running, db: Database, body: Any, says: str
) -> None:
    answer = post(gateway, made(db, "shop"), body)
    assert answer.status_code == 422
    assert says in answer.json()["message"]
    assert "b.example" not in answer.text
    assert gateway.rows() == []


EXAMPLES = 60  # of each operation
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def test_the_gateway_answers_as_its_description_says(gateway: Running, db: Database) -> None:
    """Schemathesis sends what the description allows, and other things: no 5xx, and no status it leaves out."""
    described = requests.get(gateway.private + "/openapi.json", timeout=10).json()
    seen = set()
    with db.engine.begin() as conn:
        new = {scope: tokens.create(by(conn, OPERATOR), scope, scope).token for scope in SCOPES}
    names = cycle([None, "shop", *SECRETS])
    for operation in schemathesis.openapi.from_dict(described).get_all_operations():

        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.ok().as_strategy())
        def send(case: schemathesis.Case) -> None:
            is_lead = case.path.startswith("/leads")
            case.headers["Authorization"] = f"Bearer {new[INGEST if is_lead else HOOKS]}"
            if "source" in case.path_parameters:  # names that have a door, and others
                given = case.path_parameters["source"]
                case.path_parameters["source"] = next(names) or given
            answer = case.call(base_url=gateway.public, timeout=10)
            seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        send()
    assert {200, 202, 204, 401, 404, 405} <= seen
