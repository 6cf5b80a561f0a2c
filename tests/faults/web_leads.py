"""Leads that come by signed webhooks of Typeform, sent again until they are acknowledged, as a vendor does."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from hub.clock import SystemClock
from tests.lives import answered
from tests.unit.connectors import hook_requests

SECRET = "tf-secret"
VARIABLE = "HUB_SOURCES__TYPEFORM__WEBHOOK_SECRET"
_TRIES, _PAUSE_S, _TIMEOUT_S = 600, 0.1, 10


@dataclass(frozen=True)
class Lead:
    """One person who answers a form once."""

    name: str
    number: int = 1

    @property
    def email(self) -> str:
        """The address, which no other lead has."""
        return f"{self.name}@{self.name}.example.com"

    def body(self) -> bytes:
        """Return the delivery; it is the same each time."""
        who = {"email": self.email, "first_name": self.name.title(), "last_name": f"Q{self.name}"}
        response = answered(f"t-{self.name}", at=self.number, **who).body
        kind = b'"event_type": "form_response"'
        return b'{"event_id": "e-%s", %s, "form_response": %s}' % (
            self.name.encode(), kind, response,
        )  # fmt: skip


def post(address: str, lead: Lead) -> int:
    """Send a delivery once; returns the HTTP status, 0 without an answer."""
    body = lead.body()
    sent = hook_requests.sent("typeform", body, SystemClock().now(), secret=SECRET, url="")
    url, headers = f"{address}/hooks/typeform", dict(sent.headers)
    try:
        return requests.post(url, data=body, headers=headers, timeout=_TIMEOUT_S).status_code
    except requests.RequestException:  # killed before, or in the middle of, its answer
        return 0


def post_until_acknowledged(address: str, lead: Lead) -> int:
    """Send a delivery until it is acknowledged; returns how many times it was sent.

    Raises:
        AssertionError: it was refused, or never acknowledged.
    """
    for n in range(1, _TRIES + 1):
        status = post(address, lead)
        if status == requests.codes.ok:
            return n
        is_down = status == 0 or status >= requests.codes.internal_server_error
        assert is_down or status == requests.codes.too_many_requests, f"{lead.name}: {status}"
        time.sleep(_PAUSE_S)
    raise AssertionError(f"{lead.name} was never acknowledged")


def is_told_of(mail: Mapping[str, str], lead: Lead) -> bool:
    """Whether a mail is the notice of a lead."""
    return lead.email in mail["text"]
