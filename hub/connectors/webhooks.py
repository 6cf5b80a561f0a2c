"""Webhooks: what a vendor's request must prove, and the events that it has. Pure; the gateway calls it.

Each vendor that sends webhooks has a `HOOK` in `hub.connectors.<source>.webhooks`. docs/webhooks.md has the
table: what each vendor signs, which time, and by what a repeated delivery is known. Not here: HTTP, and
where events are stored (`hub.landing.inbox`).
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

HOOKED: Mapping[str, Sequence[str]] = {
    "hubspot": ("companies", "contacts"),
    "mailchimp": ("members",),
    "typeform": ("responses",),
    "zendesk": ("organizations", "tickets", "users"),
}
"""The sources whose vendors send webhooks, and the streams of which these tell."""
SENDERS = tuple(HOOKED)
BY_HAND: Mapping[str, str] = {
    "hubspot": "HubSpot lets no program read or write the webhooks of a private app. In HubSpot open Development, "
    "Legacy apps, your app, Edit, Webhooks. Enter {address} as the target URL. Subscribe to contacts and to "
    "companies: created, deleted, merged, restored, and property changed (each property that you need). Commit the "
    "changes. The app's client secret, under Auth, is {variable}.",
}
"""Sources whose webhooks are entered by hand, with the steps.

https://developers.hubspot.com/docs/api/create-and-edit-webhook-subscriptions-in-private-apps
"""
SECRET_SHOWN: Mapping[str, str] = {
    "zendesk": "in Zendesk open the Admin Center, Apps and integrations, Webhooks, Lead Hub, and reveal the signing secret",
}
"""Sources whose vendor makes the secret that signs, with the place where it is shown."""
SECRET_IN_ADDRESS = frozenset({"mailchimp"})
"""Sources whose secret is the last part of the address."""
NAMED_OTHERWISE = frozenset({"mailchimp"})
"""Sources whose hints name an object otherwise than its records do."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as it was received.

    Args:
        url: the public address as the vendor called it, with its query, without a secret in the path.
            Empty if the gateway does not know its public address.
        headers: names in lower case.
        body: the bytes as received.
        path_secret: what stands behind the source's name in the path; "" for nothing.
        method: of HTTP.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    path_secret: str = field(default="", repr=False)
    method: str = "POST"

    def header(self, name: str) -> str:
        """Return the value of a header, "" without one."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Secrets:
    """A source's secrets; "" for one that is not set.

    Args:
        webhook: signs deliveries; of Mailchimp it is part of the address.
        signing: signs Mailchimp's deliveries, where the audience has one.
    """

    webhook: str = field(default="", repr=False)
    signing: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a delivery is refused, for the log of the gateway. The answer says only the status."""

    reason: str
    status: int = 401


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an accepted delivery.

    Args:
        kind: the vendor's word for it.
        stream: stream of the record.
        source_id: id of the record. Mailchimp names a member by the address alone; there it is the list's
            id, a colon, and the digest of the address, by which the API finds the member.
        key: what makes the event unique within its source.
        at: when it happened; None if the vendor does not say.
        body: the record to land, or the event itself.
        is_record: whether the body is the record. If not, the event is a hint: the hub reads the record
            from the vendor, and trusts no value of the event.
        version: of the record, as `RawRecord.version`.
    """

    kind: str
    stream: str
    source_id: str
    key: str
    at: datetime | None
    body: bytes
    is_record: bool = False
    version: str = ""


class Hook(Protocol):
    """What the gateway asks a vendor's package. Both methods are pure."""

    @property
    def validates_by_get(self) -> bool:
        """Whether the vendor sends a GET without a secret, when the webhook is saved, and wants 200."""
        ...

    def refusal(self, delivery: Delivery, secrets: Secrets, now: datetime) -> Refused | None:
        """Return why the delivery is refused; None if the vendor has sent it, and recently."""
        ...

    def events(self, delivery: Delivery) -> Sequence[Event]:
        """Return the events that concern the hub; an accepted delivery may have none.

        Raises `RecordError` if the body is not a delivery of this vendor.
        """
        ...


def hook_of(source: str) -> Hook:
    """Return the webhook of one of `SENDERS`."""
    hook: Hook = importlib.import_module(f"hub.connectors.{source}.webhooks").HOOK
    return hook
