"""Subscriptions by the gateway: a token of their own scope, what it may call, and an end that may come twice."""

from pathlib import Path
from typing import Any

import pytest
import requests

from hub.actions.setup import subscriptions, tokens
from hub.db.engine import Database
from hub.model.standard_webhooks import key_of
from hub.records import hook_deliveries
from tests.acting import OPERATOR, by
from tests.gateways import Running, running, settings_of

TARGET = "https://hooks.zapier.example/hooks/standard/1/secret/"


@pytest.fixture
def gateway(db: Database, tmp_path: Path):
    with running(settings_of(tmp_path), db) as one:
        yield one


def made(db: Database, name: str, scope: str = "hooks") -> dict[str, str]:
    with db.engine.begin() as conn:
        token = tokens.create(by(conn, OPERATOR), name, scope).token
    return {"Authorization": f"Bearer {token}"}


def subscribe(at: Running, head: dict[str, str], **body: Any) -> requests.Response:
    said = {"event": "lead.created", "target_url": TARGET, **body}
    return requests.post(at.public + "/subscriptions", json=said, headers=head, timeout=10)


def test_a_token_subscribes_lists_and_unsubscribes_its_own(gateway: Running, db: Database) -> None:
    zap, other = made(db, "zapier"), made(db, "other")
    answer = subscribe(gateway, zap)
    assert answer.status_code == 201
    said = answer.json()
    assert key_of(said.pop("secret")) is not None
    assert said == {"id": 1, "event": "lead.created", "target_url": TARGET}
    url = gateway.public + "/subscriptions"
    assert requests.get(url, headers=zap, timeout=10).json() == [said]
    assert requests.get(url, headers=other, timeout=10).json() == []

    def end(head: dict[str, str], number: int = 1) -> int:
        return requests.delete(f"{url}/{number}", headers=head, timeout=10).status_code

    assert end(other) == 204, "the same answer, and nothing is ended"
    assert requests.get(url, headers=zap, timeout=10).json() == [said]
    assert [end(zap), end(zap), end(zap, 99)] == [204, 204, 204]
    assert requests.get(url, headers=zap, timeout=10).json() == []


def test_the_secret_is_in_no_table_and_another_one_after_a_renewal(
    gateway: Running, db: Database, tmp_path: Path
) -> None:
    secret = subscribe(gateway, made(db, "zapier")).json()["secret"]
    with db.engine.begin() as conn:
        assert subscriptions.secret(by(conn), 1, home=tmp_path).secret == secret
        new = subscriptions.secret(by(conn), 1, home=tmp_path, renew=True).secret
        assert new != secret
        assert subscriptions.secret(by(conn), 1, home=tmp_path).secret == new
        rows = str(conn.exec_driver_sql("SELECT * FROM ops.subscription").all())
        assert secret not in rows
        assert new not in rows


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"target_url": "https://127.0.0.1/x"}, "private network"),
        ({"target_url": "https://[::ffff:10.0.0.1]/x"}, "private network"),
        ({"target_url": "https://169.254.169.254/latest"}, "private network"),
        ({"target_url": "http://example.com/x"}, "https://"),
        ({"target_url": "https://a:b@example.com/x"}, "whole address"),
        ({"target_url": 5}, "target_url"),
        ({"event": "lead.deleted"}, "event"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_what_may_not_be_subscribed(
    gateway: Running, db: Database, body: dict[str, Any], says: str
) -> None:
    answer = subscribe(gateway, made(db, "zapier"), **body)
    assert answer.status_code == 422
    assert says in answer.json()["message"]
    with db.engine.begin() as conn:
        assert subscriptions.listed(by(conn)) == []


def test_each_scope_opens_its_own_door(gateway: Running, db: Database) -> None:
    hooks, ingest = made(db, "zapier"), made(db, "website", "ingest")
    assert subscribe(gateway, ingest).status_code == 403
    assert subscribe(gateway, {}).status_code == 401
    lead = {"email": "a@corp.example"}
    post = requests.post(gateway.public + "/leads", json=lead, headers=hooks, timeout=10)
    assert (post.status_code, post.json()["error"]) == (403, "scope")
    assert (
        requests.get(
            gateway.public + "/samples/lead.created", headers=ingest, timeout=10
        ).status_code
        == 403
    )
    assert gateway.rows() == []


def test_a_revoked_token_ends_its_subscriptions_and_makes_no_other(
    gateway: Running, db: Database
) -> None:
    zap = made(db, "zapier")
    assert subscribe(gateway, zap).status_code == 201
    with db.engine.begin() as conn:
        tokens.revoke(by(conn), "zapier")
        assert subscriptions.listed(by(conn)) == []
    assert subscribe(gateway, zap).status_code == 401, "though it was looked up a moment ago"
    with db.engine.begin() as conn:
        assert subscriptions.listed(by(conn)) == []
        assert hook_deliveries.counts(conn) == {}


def test_samples_have_the_form_of_events(gateway: Running, db: Database) -> None:
    zap = made(db, "zapier")
    for event in ("lead.created", "lead.assigned", "lead.converted", "deal.stage_changed"):
        answer = requests.get(f"{gateway.public}/samples/{event}", headers=zap, timeout=10)
        assert (answer.status_code, answer.json()) == (200, [])
