"""`hub webhooks`: the hub's own webhook at each vendor is made and mended, and no other one is touched."""

import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import typer

from hub.actions.setup.webhooks import Webhook
from hub.cli.webhooks import _agreed
from hub.errors import ConfigError
from hub.sandbox.server import Sandbox, SandboxOptions
from tests.processes import Done, House, fits, house

SECRETS = {
    "HUB_SOURCES__TYPEFORM__WEBHOOK_SECRET": "geheim-typeform",
    "HUB_SOURCES__MAILCHIMP__WEBHOOK_SECRET": "geheim-mailchimp",
    "HUB_SOURCES__HUBSPOT__WEBHOOK_SECRET": "geheim-hubspot",
}
OTHERS = "geheim-of-another"


@contextmanager
def gateway() -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the address of a server in place of the gateway, and the statuses that it answers."""
    answers = {"GET": 200, "POST": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(answers[self.command])
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Place:
    """A home of the hub, the emulated vendors, and what stands in place of the gateway."""

    home: House
    sandbox: Sandbox
    url: str
    answers: dict[str, int]
    said: list[str] = field(default_factory=list)

    def run(self, *words: str, code: int = 0) -> Done:
        done = self.home.run("webhooks", *words)
        self.said.append(done.stdout + done.stderr)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def states(self, *words: str, code: int = 0) -> dict[str, set[str]]:
        """Run a command, and return the states of each source."""
        found = self.document(*words, code=code)
        return {one["source"]: {o["state"] for o in found if o["source"] == one["source"]} for one in found}  # fmt: skip

    def document(self, *words: str, code: int = 0) -> Any:
        found = json.loads(self.run(*words, "--json", code=code).stdout)
        for one in found:
            fits(one, Webhook)
        return found

    def ask(self, vendor: str, method: str, path: str, body: object = None) -> Any:
        """Send a request to a vendor as another program would."""
        said = self.sandbox.announcement["vendors"][vendor]["credentials"]
        auth: Any = {
            "mailchimp": lambda: ("any", said["api_key"]),
            "zendesk": lambda: (f"{said['email']}/token", said["api_token"]),
            "typeform": lambda: None,
        }[vendor]()
        headers = {"Authorization": f"Bearer {said['token']}"} if vendor == "typeform" else {}
        answer = requests.request(
            method, self.sandbox.url(vendor) + path, json=body, auth=auth, headers=headers, timeout=10
        )  # fmt: skip
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def forms(self) -> list[str]:
        return [one["id"] for one in self.ask("typeform", "GET", "/forms")["items"]]

    @property
    def list_path(self) -> str:
        lists = self.ask("mailchimp", "GET", "/3.0/lists")["lists"]
        return f"/3.0/lists/{lists[0]['id']}/webhooks"

    def hooks(self) -> dict[str, list[Any]]:
        """Return every webhook that the vendors have."""
        return {
            "typeform": [
                hook
                for form in self.forms
                for hook in self.ask("typeform", "GET", f"/forms/{form}/webhooks")["items"]
            ],
            "mailchimp": self.ask("mailchimp", "GET", self.list_path)["webhooks"],
            "zendesk": self.ask("zendesk", "GET", "/api/v2/webhooks")["webhooks"],
        }

    def own(self, vendor: str) -> Any:
        """Return the hub's webhook of a vendor, of the first form or list."""
        marks = {"typeform": ("tag", "lead-hub"), "zendesk": ("name", "Lead Hub")}
        found = self.hooks()[vendor]
        if vendor == "mailchimp":
            return next(one for one in found if "/hooks/mailchimp" in one["url"])
        name, value = marks[vendor]
        return next(one for one in found if one[name] == value)

    def begin(self, **env: str) -> dict[str, Any]:
        """Leave one webhook of another program at each vendor; return those."""
        self.answers.update(GET=200, POST=200)
        for name in [name for name in self.home.env if name.endswith(("__WEBHOOK_SECRET", "__PUBLIC_URL"))]:  # fmt: skip
            del self.home.env[name]
        self.home.env.update(env)
        for hook in (found := self.hooks())["typeform"]:
            self.ask("typeform", "DELETE", f"/forms/{hook['form_id']}/webhooks/{hook['tag']}")
        for hook in found["mailchimp"]:
            self.ask("mailchimp", "DELETE", f"{self.list_path}/{hook['id']}")
        for hook in found["zendesk"]:
            self.ask("zendesk", "DELETE", f"/api/v2/webhooks/{hook['id']}")
        return self.add_others()

    def wanted(self) -> dict[str, str]:
        """Return the variables of a hub that wants all webhooks."""
        secret = {"HUB_SOURCES__ZENDESK__WEBHOOK_SECRET": zendesk_secret(self.sandbox)}
        return {**SECRETS, **secret, "HUB_GATEWAY__PUBLIC_URL": self.url}

    def add_others(self) -> dict[str, Any]:
        """Add a webhook of another program at each vendor; return them as they are then."""
        address = f"{self.url}/other/{OTHERS}"
        self.ask("typeform", "PUT", f"/forms/{self.forms[0]}/webhooks/other", {"url": address})
        self.ask(
            "mailchimp", "POST", self.list_path, {"url": address, "events": {"campaign": True}}
        )
        self.ask("zendesk", "POST", "/api/v2/webhooks", {"webhook": {
            "name": "Other", "status": "active", "endpoint": address, "http_method": "POST",
            "request_format": "json", "subscriptions": ["conditional_ticket_events"],
        }})  # fmt: skip
        return self.others()

    def others(self) -> dict[str, Any]:
        return {
            vendor: [one for one in found if OTHERS in str(one)]
            for vendor, found in self.hooks().items()
        }

    def break_typeform(self, **changes: object) -> None:
        own = self.own("typeform")
        body = {"url": own["url"], "enabled": True, **changes}
        self.ask("typeform", "PUT", f"/forms/{own['form_id']}/webhooks/lead-hub", body)

    def break_mailchimp(self, **changes: object) -> None:
        self.ask("mailchimp", "PATCH", f"{self.list_path}/{self.own('mailchimp')['id']}", changes)

    def break_zendesk(self, **changes: object) -> None:
        path = f"/api/v2/webhooks/{self.own('zendesk')['id']}"
        self.ask("zendesk", "PATCH", path, {"webhook": changes})


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    options = SandboxOptions(people=20, time_scale=5000)
    with Sandbox(options) as sandbox, gateway() as (url, answers), house(migrated=True) as made:
        document = made.root / "sandbox.json"
        document.write_text(json.dumps(sandbox.announcement))
        made.env.update(sandbox.announcement["env"])
        done = made.run("init", "--sandbox", str(document), "--force")
        assert done.returncode == 0, done.stderr
        with made.served():
            found = Place(made, sandbox, url, answers)
            yield found
        for secret in (*SECRETS.values(), OTHERS, "old-secret", zendesk_secret(sandbox)):
            assert not [said for said in found.said if secret in said]


def zendesk_secret(sandbox: Sandbox) -> str:
    return str(sandbox.announcement["vendors"]["zendesk"]["webhook_secret"])


def wait_for(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not claim():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def test_what_is_missing_is_made_once_and_no_other_webhook_is_touched(place: Place) -> None:
    others = place.begin()
    assert all(len(one) == 1 for one in others.values())
    # nothing is wanted without a secret, and nothing can be told without an address
    assert all(one == {"unwanted"} for one in place.states("check").values())
    place.home.env.update(SECRETS)
    assert place.states("check", code=1)["typeform"] == {"unset"}
    place.home.env["HUB_GATEWAY__PUBLIC_URL"] = place.url
    assert place.states("check", code=1) == {
        "hubspot": {"by_hand"}, "mailchimp": {"missing"}, "typeform": {"missing"}, "zendesk": {"unwanted"},
    }  # fmt: skip
    before = place.hooks()
    assert "--yes writes them" in place.run("register", code=2).stderr
    shown = place.run("register", "--dry-run").stdout
    assert f"to make: typeform forms/{place.forms[0]}" in shown
    assert place.hooks() == before

    made = place.document("register", "--yes")
    assert {(one["source"], one["does"]) for one in made} == {
        ("hubspot", ""), ("mailchimp", "make"), ("typeform", "make"), ("zendesk", ""),
    }  # fmt: skip
    assert place.own("mailchimp")["url"] == f"{place.url}/hooks/mailchimp/geheim-mailchimp"
    assert place.own("typeform")["url"] == f"{place.url}/hooks/typeform"
    lines = " ".join(place.run("check").stdout.split())
    n = len(place.forms)
    assert f"ok typeform: {n} of {n}: calls {place.url}/hooks/typeform" in lines
    assert f"{place.url}/hooks/hubspot as the target URL" in lines

    # Zendesk makes the secret itself
    (told,) = place.document("register", "zendesk", "--yes", code=1)
    assert (told["does"], told["state"]) == ("make", "secret")
    assert "Admin Center" in told["hint"]
    assert "HUB_SOURCES__ZENDESK__WEBHOOK_SECRET" in told["hint"]
    place.home.env.update(place.wanted())
    right = place.hooks()
    assert place.states("register", "--yes") == {
        "hubspot": {"by_hand"}, "mailchimp": {"right"}, "typeform": {"right"}, "zendesk": {"right"},
    }  # fmt: skip
    assert place.hooks() == right  # the second time nothing is written
    renewed = place.document("register", "typeform", "--yes", "--renew")
    assert {one["does"] for one in renewed} == {"mend"}
    assert place.others() == others


# for each vendor what is changed at it, and how that is told
BROKEN = [
    ({"enabled": False}, {"events": {"profile": False}}, {"status": "inactive"}, "off differs off"),
    ({"url": "http://127.0.0.1:9/old-secret"}, {"url": "/hooks/mailchimp/old-secret"},
     {"endpoint": "http://127.0.0.1:9/old-secret"}, "differs differs differs"),
    ({"verify_ssl": False}, {"sources": {"api": False}},
     {"subscriptions": ["zen:event-type:user.created"]}, "differs differs differs"),
]  # fmt: skip


def test_what_differs_is_told_and_mended(place: Place) -> None:
    others = place.begin(**place.wanted())
    place.run("register", "--yes")
    there = {name: len(has) for name, has in place.hooks().items()}
    for typeform, mailchimp, zendesk, states in BROKEN:
        if "url" in mailchimp:
            mailchimp = {"url": f"{place.url}{mailchimp['url']}"}  # noqa: PLW2901
        place.break_typeform(**typeform)
        place.break_mailchimp(**mailchimp)
        place.break_zendesk(**zendesk)
        wrong = {one["source"]: one for one in place.document("check", code=1) if not one["ok"]}
        named = [wrong[name]["state"] for name in ("typeform", "mailchimp", "zendesk")]
        assert " ".join(named) == states
        assert all("hub webhooks register" in one["hint"] for one in wrong.values())
        mended = place.document("register", "--yes")
        assert {one["source"] for one in mended if one["does"] == "mend"} == set(wrong)
    assert place.states("check") == {
        "hubspot": {"by_hand"}, "mailchimp": {"right"}, "typeform": {"right"}, "zendesk": {"right"},
    }  # fmt: skip
    assert {name: len(has) for name, has in place.hooks().items()} == there
    assert place.others() == others


def test_a_delivery_that_failed_is_told_where_the_vendor_tells_it(place: Place) -> None:
    place.begin(**place.wanted())
    place.run("register", "zendesk", "--yes")
    place.answers["POST"] = 500
    place.sandbox.world.create("zendesk", "users", {"name": "Ann", "email": "ann@corp.example"})
    calls = f"/api/v2/webhooks/{place.own('zendesk')['id']}/invocations"
    wait_for(lambda: bool(place.ask("zendesk", "GET", calls)["invocations"]))
    (failing,) = place.document("check", "zendesk", code=1)
    assert failing["state"] == "failing"
    assert "answered 500" in failing["message"]


def test_what_a_vendor_refuses_is_told_with_the_next_step(place: Place) -> None:
    place.begin(**place.wanted())
    place.sandbox.world.faults.set(
        "forbidden:typeform/webhooks,forbidden:mailchimp/webhooks,forbidden:zendesk/webhooks"
    )
    try:
        for words in (("check",), ("register", "--yes")):
            found = {one["source"]: one for one in place.document(*words, code=1)}
            assert "webhooks:read" in found["typeform"]["hint"]
            assert "Manager" in found["mailchimp"]["hint"]
            assert "administrators" in found["zendesk"]["hint"]
            assert {found[name]["state"] for name in ("typeform", "mailchimp", "zendesk")} == {"refused"}  # fmt: skip
    finally:
        place.sandbox.world.faults.set("")
    # Mailchimp asks for the address when a webhook is saved
    for hook in place.hooks()["mailchimp"]:
        place.ask("mailchimp", "DELETE", f"{place.list_path}/{hook['id']}")
    place.answers["GET"] = 404
    try:
        (told,) = place.document("register", "mailchimp", "--yes", code=1)
    finally:
        place.answers["GET"] = 200
    assert "does not accept the webhook" in told["message"]
    assert "the gateway must run" in told["hint"]
    assert not place.hooks()["mailchimp"]
    assert "sends no webhooks" in place.run("check", "salesforce", code=2).stderr


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_asks_on_a_terminal_and_takes_no_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal("n\ny\n"))
    with pytest.raises(typer.Exit):
        _agreed(2, yes=False, json=False)
    _agreed(2, yes=False, json=False)
    _agreed(2, yes=True, json=True)
    with pytest.raises(ConfigError):
        _agreed(2, yes=False, json=True)
