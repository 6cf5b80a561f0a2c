"""Typeform as a client meets it, over HTTP."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hub.sandbox.typeform.webhooks import signature
from tests.unit.sandbox.running import running, wait_for

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def client():
    with running() as started:
        yield started


def tokens(page):
    return [item["token"] for item in page["items"]]


def test_forms_are_listed_and_defined(client):
    listed = client.call("/forms").json()
    assert [form["id"] for form in listed["items"]] == ["contact", "demo"]
    assert listed["items"][0]["self"]["href"].startswith(client.base)
    form = client.call("/forms/contact").json()
    assert [field["ref"] for field in form["fields"]] == [
        "first_name", "last_name", "email", "phone", "company", "message", "consent",
    ]  # fmt: skip
    assert client.call("/forms?page_size=1&page=2").json()["items"][0]["id"] == "demo"


def test_answers_have_the_recorded_shape(client):
    item = client.page(page_size=1000)["items"][-1]
    assert {"landing_id", "token", "response_id", "submitted_at", "metadata", "hidden"} <= {*item}
    for answer in item["answers"]:
        assert {*answer} == {"type", answer["type"], "field"}
        assert {*answer["field"]} == {"id", "type", "ref"}


def test_before_walks_through_all_without_repeating(client):
    whole = client.page(page_size=1000)
    seen, counts, params = [], [], {"page_size": 7}
    while True:
        page = client.page(**params)
        seen += tokens(page)
        counts.append(page["page_count"])
        assert page["total_items"] == whole["total_items"]
        if page["page_count"] <= 1:
            break
        params["before"] = seen[-1]
    assert seen == tokens(whole)
    assert counts == list(range(len(counts), 0, -1))
    times = [item["submitted_at"] for item in whole["items"]]
    assert times == sorted(times, reverse=True)


def test_after_walks_forward(client):
    newest_first = tokens(client.page(page_size=1000))
    page = client.page(page_size=2, after=newest_first[4])
    assert tokens(page) == [newest_first[3], newest_first[2]]
    assert page["page_count"] == 2


def test_unknown_cursor_gives_the_first_page(client):
    assert client.page(after="nobody", page_size=3) == client.page(page_size=3)


def test_since_and_until_are_inclusive(client):
    item = client.page(page_size=1000)["items"][2]
    for at in (item["submitted_at"],):
        assert tokens(client.page(since=at, until=at)) == [item["token"]]
    since = client.page(since=item["submitted_at"], before=item["token"])
    assert since["items"] == []


def test_sort_and_selection(client):
    whole = tokens(client.page(page_size=1000))
    assert tokens(client.page(page_size=1000, sort="submitted_at,asc")) == whole[::-1]
    assert tokens(client.page(included_response_ids=",".join(whole[:2]))) == whole[:2]
    assert tokens(client.page(page_size=1, excluded_response_ids=whole[0])) == [whole[1]]
    assert client.page(response_type="partial,started")["items"] == []
    only = client.page(fields="email", page_size=1000)["items"]
    assert {answer["field"]["ref"] for item in only for answer in item["answers"]} == {"email"}


@pytest.mark.parametrize(
    "params",
    [{"page_size": 1001}, {"page_size": 0}, {"since": "soon"}, {"sort": "name"},
     {"sort": "submitted_at,asc", "before": "x"}],
)  # fmt: skip
def test_wrong_parameters_are_refused(client, params):
    answer = client.call("/forms/contact/responses", params=params)
    assert answer.status_code == 400
    assert {*answer.json()} == {"code", "description"}


def test_errors_have_code_and_description(client):
    token = client.session.headers["Authorization"]
    for path, header, status, code in [
        ("/forms/nope", token, 404, "FORM_NOT_FOUND"),
        ("/nope", token, 404, "NOT_FOUND"),
        ("/forms", "Bearer wrong", 401, "AUTHENTICATION_FAILED"),
        ("/forms", f"{token}.noscope", 403, "FORBIDDEN"),
    ]:
        answer = client.call(path, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "GMT" in answer.headers["Date"]


def test_unanswered_questions_are_absent_and_new_ones_appear(client):
    made = client.event(
        op="create", source="typeform", stream="responses",
        values={"form": "survey", "email": "", "last_name": "Ünal", "seats": 5, "needs": ["a", "b"]},
    ).json()  # fmt: skip
    (item,) = client.page("survey")["items"]
    assert item["token"] == made["id"]
    assert {one["field"]["ref"]: one["type"] for one in item["answers"]} == {
        "last_name": "text", "seats": "number", "needs": "choices",
    }  # fmt: skip
    assert client.call("/forms/survey").json()["fields"][-1]["properties"]["choices"]


def test_responses_can_be_deleted(client):
    made = client.event(op="create", source="typeform", stream="responses", values={}).json()
    path = f"/forms/contact/responses?included_response_ids={made['id']},unknown"
    assert client.call(path, "DELETE").status_code == 200
    assert made["id"] not in tokens(client.page(page_size=1000))
    assert client.call("/forms/contact/responses", "DELETE").status_code == 400


def test_third_request_in_a_second_is_refused():
    with running(time_scale=1.0, people=3) as slow:
        statuses = [slow.call("/forms").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert slow.call("/forms").json()["code"] == "TOO_MANY_REQUESTS"


def test_strict_refuses_window_with_cursor():
    with running(people=3, strict=True) as strict:
        answer = strict.call(
            "/forms/contact/responses", params={"since": "2020-01-01", "before": "x"}
        )
        assert answer.status_code == 400


def test_signature_is_the_known_one():
    assert signature("secret", b'{"a":1}') == "sha256=qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJQ="


class Receiver:
    """Keeps what is posted to it and answers with the statuses it is given."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.got: list[tuple[str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.headers["Typeform-Signature"], body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_new_response_is_posted_signed_and_again_when_busy(client):
    hook = "/forms/contact/webhooks/hub"
    with Receiver(503) as receiver:
        asked = {"url": receiver.url, "enabled": True, "secret": "s3"}
        assert client.call(hook, "PUT", json=asked).json()["tag"] == "hub"
        made = client.event(
            op="create", source="typeform", stream="responses", values={"first_name": "Zoé"}
        ).json()
        wait_for(lambda: len(receiver.got) == 2)
        sent, body = receiver.got[0]
        digest = hmac.new(b"s3", body, hashlib.sha256).digest()
        assert sent == f"sha256={base64.b64encode(digest).decode()}"
        assert receiver.got[1] == receiver.got[0]
        event = json.loads(body)
        assert event["event_type"] == "form_response"
        assert event["form_response"]["token"] == made["id"]
        assert event["form_response"]["answers"][0]["text"] == "Zoé"
    assert len(client.call("/forms/contact/webhooks").json()["items"]) == 1
    assert "secret" not in client.call(hook).json()
    assert client.call(hook, "DELETE").status_code == 204
    assert client.call(hook).status_code == 404


def test_a_receiver_that_is_gone_is_switched_off(client):
    hook = "/forms/contact/webhooks/gone"
    with Receiver(410) as receiver:
        client.call(hook, "PUT", json={"url": receiver.url, "enabled": True})
        client.event(op="create", source="typeform", stream="responses", values={})
        wait_for(lambda: not client.call(hook).json()["enabled"])
    client.call(hook, "DELETE")
    far = client.call(hook, "PUT", json={"url": "https://example.com", "enabled": True})
    assert far.status_code == 400
