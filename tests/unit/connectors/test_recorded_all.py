"""Every recorded answer is sent over the wire once more and read by the vendor's client.

What is a page comes out as it went in; whatever else a server can say is one of our errors, never
an empty success and never a crash. Then all that can be found in the recordings is mapped.
"""

import csv
import json
import re
import threading
import unicodedata
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hub.clock import FixedClock
from hub.connectors.http import RetryPolicy
from hub.connectors.hubspot.client import HubspotClient, HubspotConfig
from hub.connectors.mailchimp.client import MailchimpClient, MailchimpConfig
from hub.connectors.salesforce.client import SalesforceClient, SalesforceConfig
from hub.connectors.typeform.client import TypeformClient, TypeformConfig
from hub.connectors.zendesk.client import ZendeskClient, ZendeskConfig
from hub.errors import (
    ConfigError,
    CredentialError,
    HubError,
    ProtocolError,
    RecordError,
    TransientError,
)
from hub.mappings.engine import NormalizeSettings, normalize
from hub.mappings.loader import load_text
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

DATA = Path(__file__).parents[2] / "data"
VENDORS = ("hubspot", "mailchimp", "salesforce", "typeform", "zendesk")
FILES = [path for vendor in VENDORS for path in sorted((DATA / vendor).iterdir())]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
ONCE = RetryPolicy(attempts=1)
TOKEN = {"access_token": "t0ken", "instance_url": "https://acme.my.salesforce.com", "id": "x"}
STATUS = {"NOT_FOUND": 404, "INVALID_SESSION_ID": 401}


def exchanges(path):
    """Return (status, headers, body) of every answer in a file; bodies alone get a likely status."""
    held = json.loads(path.read_bytes())
    if isinstance(held, dict) and "interactions" in held:
        answers = [one["response"] for one in held["interactions"]]
        return [(one["status"], one["headers"], one["body"]) for one in answers]
    if isinstance(held, dict) and "_provenance" in held and "body" in held:
        held = held["body"]
    return [(likely_status(path, held), {}, held)]


def likely_status(path, body):
    named = re.match(r"error_(\d{3})", path.name)
    if named:
        return int(named[1])
    if isinstance(body, list) and body and "errorCode" in body[0]:
        return STATUS.get(body[0]["errorCode"], 400)
    return 400 if isinstance(body, dict) and "error" in body else 200


ANSWERS = [
    pytest.param(path, *one, id=f"{path.parent.name}-{path.stem}-{n}")
    for path in FILES
    if path.suffix == ".json"
    for n, one in enumerate(exchanges(path))
]


class Replay(BaseHTTPRequestHandler):
    """Answers everything with what stands on the server, a Salesforce login with a token."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_login = self.path.endswith("/oauth2/token")
        status, headers, body = (200, {}, TOKEN) if is_login else self.server.answer
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response_only(status)
        own = {"content-length", "transfer-encoding", "content-encoding", "connection", "date"}
        for name, value in headers.items():
            if name.lower() not in own:
                self.send_header(name, str(value))
        self.send_header("Date", "Tue, 24 Nov 2026 00:00:00 GMT")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815  # http.server's own names

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Replay) as one:
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        yield one
        one.shutdown()
        thread.join(5)


def ask(vendor, url):
    """Let the vendor's client ask for a page, and return the objects or the body that it read."""
    clock = FixedClock(NOW)
    if vendor == "salesforce":
        config = SalesforceConfig("acme.my", client_id="a", client_secret="b", base_url=url)
        batch = SalesforceClient(config, clock, retry_policy=ONCE).query(
            "SELECT Id FROM X", deleted=False
        )
        assert [json.loads(raw) for raw in batch.raws] == list(batch.rows)
        return list(batch.rows)
    if vendor == "hubspot":
        client = HubspotClient(HubspotConfig(token="t", base_url=url), clock, retry_policy=ONCE)
        return json.loads(client.list("contacts", {}).body)
    if vendor == "mailchimp":
        config = MailchimpConfig(api_key="k-us1", base_url=url)
        found = MailchimpClient(config, clock, retry_policy=ONCE).members("a", {})
        return None if found is None else json.loads(found.body)
    if vendor == "typeform":
        found = TypeformClient(
            TypeformConfig(token="t", base_url=url), clock, retry_policy=ONCE
        ).find("/x")
        return None if found is None else json.loads(found.body)
    config = ZendeskConfig(email="a@x.example", api_token="t", base_url=url)
    return json.loads(ZendeskClient(config, clock, retry_policy=ONCE).get("/x.json").body)


@pytest.mark.parametrize(("path", "status", "headers", "body"), ANSWERS)
def test_a_recorded_answer_is_read_whole_or_is_one_of_our_errors(
    server, path, status, headers, body
):
    server.answer = (status, headers, body)
    vendor, url = path.parent.name, f"http://127.0.0.1:{server.server_port}"
    if is_page(vendor, status, body):
        assert ask(vendor, url) == (body["records"] if vendor == "salesforce" else body)
        return
    if status == 404 and vendor == "mailchimp":
        assert ask(vendor, url) is None
        return
    with pytest.raises(HubError) as caught:
        ask(vendor, url)
    assert isinstance(caught.value, expected(status))
    assert caught.value.__class__ is not RecordError
    said = body.get("message") or body.get("detail") if isinstance(body, dict) else None
    assert not said or str(said) not in f"{caught.value} {caught.value.hint}"


def is_page(vendor, status, body):
    if status != 200 or not isinstance(body, dict):
        return False
    return vendor != "salesforce" or ("records" in body and "totalSize" in body)


def expected(status):
    return {
        200: (ProtocolError, TransientError),
        201: ProtocolError,
        204: (ProtocolError, TransientError),
        207: ProtocolError,
        301: ConfigError,
        400: (ProtocolError, ConfigError, CredentialError),
        401: CredentialError,
        404: (ConfigError, CredentialError),
        409: TransientError,
        422: ProtocolError,
        429: TransientError,
    }[status]


def test_the_limits_and_the_fields_of_an_object_are_read(server):
    url = f"http://127.0.0.1:{server.server_port}"
    config = SalesforceConfig("acme.my", client_id="a", client_secret="b", base_url=url)
    client = SalesforceClient(config, FixedClock(NOW), retry_policy=ONCE)
    held = json.loads((DATA / "salesforce/swiftly_MockLimits.json").read_bytes())
    server.answer = (200, {}, held)
    usage, at = client.limits()
    daily = held["DailyApiRequests"]
    assert (usage.used, usage.limit, at) == (daily["Max"] - daily["Remaining"], daily["Max"], NOW)
    for path in sorted((DATA / "salesforce").glob("*describe_*.json")):
        server.answer = exchanges(path)[0]
        body = server.answer[2]
        if isinstance(body, dict) and "fields" in body:
            assert client.describe("X") == body["fields"]
        else:
            with pytest.raises(HubError):
                client.describe("X")


# what in a recording is a record, and of which mapping
KEYS = {
    "salesforce": {"records": "salesforce/leads"},
    "hubspot": {"results": "hubspot/contacts", "contacts": "hubspot/contacts"},
    "mailchimp": {"members": "mailchimp/members"},
    "typeform": {"form_response": "typeform/responses", "items": "typeform/responses"},
    "zendesk": {
        "tickets": "zendesk/tickets", "ticket": "zendesk/tickets", "results": "zendesk/tickets",
        "users": "zendesk/users", "user": "zendesk/users",
    },
}  # fmt: skip


def records_in(vendor, body):
    """Yield (mapping, object) of what is, or looks like, a record."""
    if isinstance(body, list):
        for one in body:
            yield from records_in(vendor, one)
    if not isinstance(body, dict):
        return
    lone = {"salesforce": "attributes", "hubspot": "vid", "mailchimp": "email_address"}.get(vendor)
    if lone in body:
        yield next(iter(KEYS[vendor].values())), body
    for key, mapping in KEYS[vendor].items():
        found = body.get(key, [])
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield mapping, one


FOUND = [
    pytest.param(mapping, one, id=f"{path.parent.name}-{path.stem}-{n}")
    for path in FILES
    if path.suffix == ".json"
    for n, (mapping, one) in enumerate(
        pair for _, _, body in exchanges(path) for pair in records_in(path.parent.name, body)
    )
]


def mapped(mapping, payloads):
    raws = [
        RawRecord(f"f:{n}", Op.UPSERT, None, "", json.dumps(one).encode())
        for n, one in enumerate(payloads)
    ]
    result = normalize(mappings()[mapping], raws, {}, NormalizeSettings("FR", NOW))
    primaries = [one.source_id for one in result.records if one.primary]
    ids = [raw.source_id for raw in raws]
    assert sorted([*primaries, *result.excluded, *result.rejected]) == sorted(ids)
    return result


@pytest.mark.parametrize(("mapping", "payload"), FOUND)
def test_a_recorded_record_comes_out_once(mapping, payload):
    result = mapped(mapping, [payload])
    told = {problem.source_id for problem in result.problems if problem.severity == "record"}
    assert told == set(result.rejected)


def test_there_are_recorded_records_of_every_vendor():
    counts = dict.fromkeys(KEYS, 0)
    for param in FOUND:
        counts[param.values[0].partition("/")[0]] += 1
    assert all(counts[vendor] >= least for vendor, least in LEAST.items()), counts


LEAST = {"salesforce": 20, "hubspot": 60, "mailchimp": 40, "typeform": 2, "zendesk": 10}


def test_an_old_contact_is_told_of_and_not_taken_for_an_empty_one():
    """Version 1 of the API puts an object where version 3 has the value."""
    (_, _, body), *_ = exchanges(DATA / "hubspot/contact_v1_create.json")
    result = mapped("hubspot/contacts", [body])
    assert {"first_name", "email"} & {problem.field for problem in result.problems}


# the same objects as a warehouse keeps them: column → where the vendor's answer has it
ROWS = {
    "hubspot/fivetran_contact_data.csv": ("hubspot/contacts", {"property_": "properties."}),
    "hubspot/fivetran_company_data.csv": ("hubspot/companies", {"property_": "properties."}),
    "hubspot/fivetran_engagement_email_data.csv": (
        "hubspot/emails",
        {"engagement_id": "id", "property_": "properties."},
    ),
    "hubspot/fivetran_owner_data.csv": (
        "hubspot/owners",
        {"owner_id": "id", "first_name": "firstName", "last_name": "lastName"},
    ),
    "mailchimp/fivetran_member.csv": (
        "mailchimp/members",
        {"merge_": "merge_fields.", "country_code": "location.country_code"},
    ),
    "zendesk/fivetran_ticket_data.csv": ("zendesk/tickets", {"via_channel": "via.channel"}),
    "zendesk/fivetran_user_data.csv": ("zendesk/users", {}),
}


def as_answered(row, columns):
    """Put a warehouse's row back into the shape of the vendor's answer."""
    payload = {}
    for column, value in row.items():
        place = next(
            (column.replace(a, b, 1) for a, b in columns.items() if column.startswith(a)), column
        )
        head, dot, key = place.partition(".")
        typed = {"TRUE": True, "FALSE": False, "": None}.get(value.upper(), value)
        if dot:
            payload.setdefault(head, {})[key.upper() if head == "merge_fields" else key] = typed
        else:
            payload[head] = typed
    return payload


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_a_warehouse_are_mapped(name):
    mapping, columns = ROWS[name]
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        rows = [as_answered(row, columns) for row in csv.DictReader(file)]
    assert rows
    result = mapped(mapping, rows)
    assert not result.rejected
    assert len(result.excluded) < len(rows)


UNREAD = {
    "hubspot": {"contact_form_submission", "contact_property_history", "deal_pipeline_stage"},
    "mailchimp": {"campaign_recipient_activity", "list"},
    "zendesk": {"ticket_comment", "ticket_tag"},
}  # fmt: skip


def test_every_table_of_a_warehouse_is_mapped_or_of_a_stream_without_a_mapping():
    """Companies, lists, comments … are context, or are not read; their rows are rectangular."""
    for path in (one for one in FILES if one.suffix == ".csv"):
        name = path.stem.removeprefix("fivetran_").removesuffix("_data")
        vendor = path.parent.name
        assert (f"{vendor}/{path.name}" in ROWS) is not (name in UNREAD.get(vendor, ()))
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows if row}) == 1


FORMS = [one for one in FILES if one.name.startswith("form_")]


@pytest.mark.parametrize("path", FORMS, ids=lambda p: p.stem)
def test_every_question_of_a_recorded_form_names_its_answer(path):
    """An answer that no selector takes stands in the note under its question's title."""
    form = json.loads(path.read_bytes())
    asked = list(questions(form["fields"]))
    answers = [
        {"type": "text", "text": f"said {n}", "field": {"id": one["id"], "type": "dropdown"}}
        for n, one in enumerate(asked)
    ]
    document = load_text(
        "{source: typeform, stream: responses, id: token, emit: [{entity: note, primary: true,"
        " fields: {content: {unmapped_answers: true, transform: multiline}}}]}"
    )
    body = json.dumps({"token": "t", "form_id": "f", "answers": answers}).encode()
    result = normalize(
        document, [RawRecord("f:t", Op.UPSERT, None, "", body)], {"f": form}, NormalizeSettings()
    )
    content = result.records[0].values["content"]
    assert len(asked) >= 1
    for n, one in enumerate(asked):
        title = " ".join(unicodedata.normalize("NFC", one["title"]).split())
        assert re.search(rf"^{re.escape(title)}: said {n}$", content, re.MULTILINE), title


def questions(fields):
    for one in fields:
        yield one
        yield from questions(one.get("properties", {}).get("fields", []))


def test_every_file_names_its_source_and_licence():
    lines = [
        line.split("\t")
        for path in sorted(DATA.glob("SOURCES*.tsv"))
        for line in path.read_text().splitlines()[1:]
    ]
    assert all(len(line) == 3 and line[2] for line in lines)
    named = [line[0] for line in lines if not line[0].startswith("..")]
    held = [
        *FILES,
        *(DATA / "sell").iterdir(),
    ]  # of the Sell files: tests/unit/sandbox/test_sell_recorded.py
    assert sorted(named) == sorted(str(path.relative_to(DATA)) for path in held)
