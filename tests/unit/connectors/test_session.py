"""The session is paced, bent to loopback under the vendor's name, and follows no redirect."""

import http.server
import json
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from hub.clock import FixedClock
from hub.connectors.addresses import Reach
from hub.connectors.governor import Limits, LocalBudget
from hub.connectors.http import RetryPolicy
from hub.connectors.salesforce.client import SalesforceClient, SalesforceConfig
from hub.connectors.session import VendorSession, check_base_url
from hub.connectors.typeform.client import TypeformClient, TypeformConfig
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)

T0 = datetime(2026, 11, 24, tzinfo=UTC)
SECRET = "s3cr3t-client-secret"
TOKEN = "00Dxx0000001gPL!AR8AQP0jITN80ESEsj5EbaZTFG0RNBaT1cyWk7TrqoDjoNIWQ2ME"
LOGIN = {"access_token": TOKEN, "instance_url": "https://acme.my.salesforce.com"}
EXPIRED = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]


class Vendor(http.server.ThreadingHTTPServer):
    """Answers by a function (method, path, n) → (status, headers, body); keeps what was asked."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self):
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        server: Vendor = self.server  # type: ignore[assignment]
        server.asked.append((self.command, self.path, dict(self.headers)))
        status, headers, body = server.answer(self.command, self.path, len(server.asked))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
        if headers.get("Content-Length"):
            self.close_connection = True

    do_GET = do_POST = respond  # noqa: N815

    def log_message(self, *args):
        pass


@pytest.fixture
def start() -> Iterator[object]:
    servers = []

    def run(answer):
        server = Vendor(answer)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return server

    yield run
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join(5)


NO_BUDGET = LocalBudget(Limits(), FixedClock(T0))


def salesforce(server, clock=None, **config):
    config = {"domain": "acme.my", "client_id": "key", "client_secret": SECRET, **config}
    return SalesforceClient(
        SalesforceConfig(base_url=server.url, **config),
        clock or FixedClock(T0),
        retry_policy=RetryPolicy(attempts=3),
    )


def org(answer, login=(200, {}, LOGIN)):
    """Return an answer function that logs everyone in."""

    def respond(method, path, n):
        if path.endswith("/oauth2/token"):
            return login(n) if callable(login) else login
        return answer(path, n) if callable(answer) else answer

    return respond


PAGE = {"totalSize": 1, "done": True, "records": [{"Id": "a", "n": 1.50}]}


def test_salesforce_is_reached_under_its_own_name(start):
    server = start(org((200, {}, b'{"totalSize":1,"done":true,"records":[{"n": 1.50}]}')))
    batch = salesforce(server).query("SELECT Id FROM Lead", deleted=True)
    assert batch.raws == [b'{"n": 1.50}']
    (login, query) = server.asked
    assert login[0] == "POST"
    assert query[2]["Host"] == login[2]["Host"] == "acme.my.salesforce.com"
    assert query[1].startswith("/services/data/v64.0/queryAll/?q=SELECT+Id+FROM+Lead")
    assert query[2]["X-PrettyPrint"] == "0"


def test_an_ended_session_is_renewed(start):
    server = start(org(lambda path, n: (401, {}, EXPIRED) if n == 2 else (200, {}, PAGE)))
    assert salesforce(server).query("q", deleted=False).total == 1


def test_a_session_that_never_holds_ends_the_run(start):
    server = start(org((401, {}, EXPIRED)))
    with pytest.raises(CredentialError, match="repeatedly"):
        salesforce(server).describe("Lead")
    assert len(server.asked) < 30


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {}, {"error": "x"}), CredentialError),
        ((401, {}, b"<html>"), CredentialError),
        ((403, {}, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "m"}]), BudgetError),
        ((403, {}, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "m"}]), CredentialError),
        ((404, {}, [{"errorCode": "NOT_FOUND", "message": "m"}]), ForbiddenError),
        ((400, {}, [{"errorCode": "MALFORMED_QUERY", "message": "m"}]), ProtocolError),
        ((400, {}, [{"errorCode": "INVALID_FIELD", "message": "m"}]), ConfigError),
        ((410, {}, [{"errorCode": "GONE", "message": "m"}]), ConfigError),
        ((500, {}, [{"errorCode": "UNSUPPORTED_API_VERSION", "message": "m"}]), ConfigError),
        ((500, {}, b"<html>"), TransientError),
        ((503, {"Retry-After": "9"}, [{"errorCode": "SERVER_UNAVAILABLE"}]), TransientError),
        ((302, {"Location": "https://elsewhere.example/"}, b""), ConfigError),
        ((200, {}, b'{"totalSize": 1, "done": tr'), TransientError),
        ((200, {"Content-Length": "999"}, b'{"totalSize"'), TransientError),
        ((200, {}, b"<html>maintenance</html>"), TransientError),
        ((200, {}, b"[]"), ProtocolError),
        ((200, {}, b"{}"), ProtocolError),
        ((200, {}, {"totalSize": "1", "done": True, "records": []}), ProtocolError),
        ((200, {}, {"totalSize": 1, "done": True}), ProtocolError),
    ],
)
def test_what_salesforce_may_answer(start, answer, kind):
    clock = FixedClock(T0)
    with pytest.raises(HubError) as caught:
        salesforce(start(org(answer)), clock).query("SELECT Id FROM Lead", deleted=True)
    assert type(caught.value) is kind
    assert (clock.slept_s > 0) == (kind is TransientError)
    text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in text
    assert TOKEN not in text


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, {}, {"error": "invalid_client", "error_description": SECRET}), CredentialError),
        ((400, {}, {"error": "invalid_grant"}), CredentialError),
        ((401, {}, {"error": "invalid_client"}), CredentialError),
        ((400, {}, {"error": "unknown_error"}), TransientError),
        ((503, {}, b"<html>"), TransientError),
        ((503, {}, [{"errorCode": "SERVER_UNAVAILABLE"}]), TransientError),
        ((200, {}, json.dumps(LOGIN).encode()[:-9]), TransientError),
        ((200, {}, {"access_token": TOKEN}), ProtocolError),
        ((403, {}, [{"errorCode": "x"}]), ProtocolError),
    ],
)
def test_what_a_login_may_answer(start, answer, kind):
    with pytest.raises(HubError) as caught:
        salesforce(start(org(None, login=answer))).login()
    assert type(caught.value) is kind
    text = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint)
    assert SECRET not in text
    assert TOKEN not in text


def test_a_login_is_tried_again(start):
    def flaky(n):
        return (503, {}, b"") if n == 1 else (200, {}, LOGIN)

    server = start(org((200, {}, PAGE), login=flaky))
    assert salesforce(server).query("q", deleted=False).total == 1


def test_my_domain_is_asked_for_before_any_request(start):
    server = start(org(None))
    with pytest.raises(CredentialError, match="My Domain"):
        salesforce(server, domain="login").login()
    assert not server.asked


def test_soap_is_pinned_to_the_last_version_that_has_it(start):
    body = b"<r><sessionId>S</sessionId><serverUrl>https://acme.my.salesforce.com/x</serverUrl></r>"
    server = start(lambda method, path, n: (200, {}, body if method == "POST" else PAGE))
    client = salesforce(server, auth="soap", api_version="67.0", username="u", password="p")
    client.query("q", deleted=False)
    assert server.asked[0][1] == "/services/Soap/u/64.0"
    assert server.asked[1][1].startswith("/services/data/v64.0/")


def test_soap_refusal(start):
    fault = b"<r xmlns:sf='x'><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode></r>"
    server = start(lambda method, path, n: (500, {}, fault))
    with pytest.raises(CredentialError, match="INVALID_LOGIN"):
        salesforce(server, auth="soap", username="u", password="p").login()


@pytest.mark.parametrize(("status", "body"), [(502, b"<html"), (200, b"<html")])
def test_soap_answer_cut_short(start, status, body):
    server = start(lambda method, path, n: (status, {}, body))
    with pytest.raises(TransientError):
        salesforce(server, auth="soap", username="u", password="p").login()


def test_the_reserve_of_the_day_is_kept(start):
    server = start(org((200, {"Sforce-Limit-Info": "api-usage=80/100"}, PAGE)))
    client = salesforce(server, daily_reserve=0.2)
    client.query("q", deleted=False)
    with pytest.raises(BudgetError, match="80 of 100"):
        client.query("q", deleted=False)


def test_limits_and_the_vendors_present(start):
    body = {"DailyApiRequests": {"Max": 100, "Remaining": 60}}
    usage, now = salesforce(start(org((200, {}, body)))).limits()
    assert (usage.used, usage.limit) == (40, 100)
    assert now.tzinfo is UTC


def typeform(server, clock=None, token=SECRET):
    return TypeformClient(
        TypeformConfig(base_url=server.url, token=token),
        clock or FixedClock(T0),
        retry_policy=RetryPolicy(attempts=3),
    )


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {}, {"code": "AUTHENTICATION_FAILED"}), CredentialError),
        ((403, {}, {"code": "FORBIDDEN"}), ForbiddenError),
        ((404, {}, {"code": "FORM_NOT_FOUND"}), ConfigError),
        ((400, {}, {"code": "VALIDATION_ERROR", "description": SECRET}), ProtocolError),
        ((429, {}, {"code": "TOO_MANY_REQUESTS"}), TransientError),
        ((500, {}, b""), TransientError),
        ((200, {}, b"[]"), TransientError),
        ((200, {}, b'{"items": ['), TransientError),
        ((200, {"Content-Length": "999"}, b'{"items"'), TransientError),
        ((301, {"Location": "http://elsewhere.example/"}, b""), ConfigError),
        ((204, {}, b""), ProtocolError),
    ],
)
def test_what_typeform_may_answer(start, answer, kind):
    clock = FixedClock(T0)
    with pytest.raises(HubError) as caught:
        typeform(start(lambda *a: answer), clock).get("/forms", {"q": "secret-param"})
    assert type(caught.value) is kind
    text = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint)
    assert SECRET not in text


def test_typeform_waits_as_long_as_it_is_told(start):
    server = start(
        lambda m, p, n: (429, {"Retry-After": "30"}, {}) if n == 1 else (200, {}, {"a": 1})
    )
    clock = FixedClock(T0)
    assert typeform(server, clock).get("/forms").number("a") == 1
    assert 30 <= clock.slept_s <= 32


def test_typeform_is_asked_twice_a_second(start):
    server = start(lambda *a: (200, {}, {}))
    clock = FixedClock(T0)
    client = typeform(server, clock)
    for _ in range(12):
        client.get("/forms")
    assert clock.slept_s == pytest.approx(5, rel=0.03)


def test_a_missing_thing_is_none(start):
    assert typeform(start(lambda *a: (404, {}, {}))).find("/forms/x") is None


def test_no_token_no_request(start):
    server = start(lambda *a: (200, {}, {}))
    with pytest.raises(CredentialError, match="token"):
        typeform(server, token="").get("/forms")
    assert not server.asked


def test_an_unreachable_vendor_is_transient(start):
    server = start(lambda *a: (200, {}, {}))
    server.url = "http://127.0.0.1:9"
    with pytest.raises(TransientError):
        typeform(server).get("/forms")
    with pytest.raises(TransientError):
        salesforce(server).login()


def test_netrc_does_not_replace_the_token(start, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = start(lambda *a: (200, {}, {}))
    typeform(server).get("/forms")
    assert server.asked[0][2]["Authorization"] == f"Bearer {SECRET}"


def test_the_last_answer_is_forgotten_when_the_next_one_fails(start):
    server = start(lambda *a: (200, {}, {}))
    session = VendorSession(NO_BUDGET, reach=Reach("anywhere", lambda _: True))
    session.get(server.url)
    assert session.last is not None
    with pytest.raises(requests.ConnectionError):
        session.get("http://127.0.0.1:9")
    assert session.last is None


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "127.0.0.1:80", ""])
def test_base_urls_that_are_refused(url):
    with pytest.raises(ConfigError, match="base_url"):
        check_base_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/", "http://[::1]:80", "https://example.com/"])
def test_base_urls_that_are_taken(url):
    assert check_base_url(url) == url.rstrip("/")
