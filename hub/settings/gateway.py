"""The settings of the gateway: where it listens, how it is called from outside, and its bounds."""

from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from hub.settings.sources import Block


def _address_of_hooks(written: str) -> str:
    """Return the public address without a slash at its end."""
    parts = urlsplit(written)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError(
            "write the address as the vendors call it, such as https://hub.example.com"
        )
    if parts.query or parts.fragment:
        raise ValueError("an address without `?` and `#`, please")
    return written.rstrip("/")


def _page(written: str) -> str:
    """Return the address of a page that a browser may be sent to."""
    if written and (urlsplit(written).scheme not in {"http", "https"} or not written.isprintable()):
        raise ValueError("write the whole address of the page, such as https://example.com/thanks")
    return written


def _network(written: str) -> str:
    return str(ip_network(written, strict=False))


class FormSettings(Block):
    """A web form at `/forms/<name>` of the gateway."""

    title: str = Field("", max_length=200)
    """Heading; empty: the usual words in the language of the visitor."""
    consent: str = Field("", max_length=1000)
    """Sentence beside the box for marketing e-mails; empty: the usual words in the language of the visitor."""
    thanks_url: Annotated[str, AfterValidator(_page)] = ""
    """Page of yours that follows a submission; empty: a page of the hub."""
    mails_per_hour: int = Field(20, ge=1, le=10_000)
    """Mails with a confirmation link that one client may cause in an hour. A mailbox gets one an hour at most."""
    per_minute: int = Field(10, ge=1, le=10_000)
    """Submissions that one client may send in a minute; further ones are refused for a while (429)."""


class HookSettings(Block):
    """A webhook of any sender that signs as Standard Webhooks says, at `/hooks/<name>` of the gateway."""

    secret: SecretStr | None = None
    """The sender's secret, `whsec_…`. Without it each delivery is refused."""
    stream: str = Field("records", pattern=r"^[a-z][a-z0-9_]{0,49}$")
    """Stream of the records; the mapping document `<name>/<stream>` maps them."""
    id: str = Field(min_length=1, max_length=200)
    """Place of a record's id in the body, its steps joined by dots, such as `data.id`."""
    at: str = Field("", max_length=200)
    """Place of the record's time, such as `data.updated_at`; empty: the time that the sender signs."""


class SubscriptionSettings(Block):
    """Subscriptions: addresses that are sent an event, such as a new lead."""

    allowed_networks: list[Annotated[str, AfterValidator(_network)]] = Field(default_factory=list)
    """Private networks whose addresses may be called, such as `10.1.0.0/16`. Without this list only public addresses
    are called. In these networks, `http://` is allowed too."""
    timeout_s: float = Field(10.0, gt=0, le=60)
    """Seconds within which a receiver must have answered."""
    give_up_hours: float = Field(72.0, gt=0, le=720)
    """Hours after which an event that no attempt could deliver is given up. `hub subscription replay` sends it again."""


class GatewaySettings(Block):
    """The gateway: takes webhooks, leads and forms, and answers health checks."""

    bind: str = "127.0.0.1"
    """Address on which the gateway listens for webhooks, leads and forms. A reverse proxy with TLS belongs in
    front of it."""
    port: int = Field(8100, ge=0, le=65535)
    """Its port; 0 takes a free one."""
    private_port: int = Field(8101, ge=0, le=65535)
    """Port for health checks, metrics and the description of the API; always on the loopback address."""
    public_url: Annotated[str, AfterValidator(_address_of_hooks)] | None = None
    """Address as the vendors call it, such as `https://hub.example.com`; `/hooks/<source>` follows it.
    HubSpot signs the address, so its webhooks are refused without this setting."""
    trusted_proxies: list[Annotated[str, AfterValidator(_network)]] = Field(default_factory=list)
    """Addresses or networks of reverse proxies on other machines. Their `X-Forwarded-For` says which client has
    called. A proxy on this machine is trusted always."""
    max_body: int = Field(1_000_000, ge=1_000, le=50_000_000)
    """Bytes of a request's body; a larger one is refused (413)."""
    max_waiting: int = Field(10_000, ge=1)
    """Events in the inbox from which on new ones are refused for a while (429)."""
    max_connections: int = Field(500, ge=1)
    """Requests that are served at the same time; further ones are refused (503)."""
    most_recovered: int = Field(5, ge=0)
    """New objects that a sync may find instead of the source's webhook; above this number the check `recovered` in
    Dagster warns."""
    request_s: float = Field(10.0, gt=0)
    """Seconds within which a request must have arrived as a whole; a slower one is cut off (408)."""
