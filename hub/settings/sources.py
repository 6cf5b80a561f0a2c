"""The settings block of each source, one class a vendor; secrets are `SecretStr`.

A field has the name of the same field in the vendor's config dataclass; absent blocks are not
synced. Not here: where values come from (`loading`).
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


class Block(BaseModel):
    """A block of settings: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _parts(*streams: str, each: str = "") -> AfterValidator:
    """Return the check of a part's name: a stream, or one form or list that a stream reads."""

    def check(name: str) -> str:
        kind, _, which = name.partition("/")
        if name in streams or (each and kind == each and which):
            return name
        known = [*streams, *([f"{each}/<id>"] if each else [])]
        raise ValueError(f"there is no part {name!r}; known: {', '.join(known)}")

    return AfterValidator(check)


_HUBSPOT = ("companies", "contacts", "deals", "calls", "emails", "meetings", "notes", "tasks")
_SALESFORCE = (
    "leads",
    "accounts",
    "contacts",
    "opportunities",
    "tasks",
    "events",
    "notes",
    "files",
    "campaign_members",
)


class SourceBlock(Block):
    """What all sources have in common."""

    role: Literal["follow", "migrate", "retired"] = "follow"
    """What reads it: `follow` syncs and migrations, `migrate` migrations alone, `retired` nothing.
    A sync that names a source of the role `migrate` reads it too. What came from a retired source stays."""


class SalesforceSettings(SourceBlock):
    """Salesforce: `base_url` is for the sandbox only."""

    domain: str
    """My Domain without `.salesforce.com`, e.g. `acme.my`."""
    auth: Literal["client_credentials", "soap"] = "client_credentials"
    """`client_credentials` (a connected app), or `soap` (user name and password, legacy)."""
    client_id: str = ""
    """Consumer key of the connected app."""
    client_secret: SecretStr | None = None
    """Consumer secret of the connected app."""
    username: str = ""
    """User name for `soap`."""
    password: SecretStr | None = None
    """Password for `soap`."""
    security_token: SecretStr | None = None
    """Security token for `soap`, needed outside trusted networks."""
    base_url: str | None = None
    """Another address, e.g. of an emulator."""
    api_version: str = "59.0"
    """REST API version."""
    overlap_s: int = Field(300, ge=0)
    """Seconds before the watermark that are read again, for late commits."""
    lag_s: int = Field(60, ge=0)
    """Seconds by which a read stays behind the vendor's clock."""
    page_size: int = Field(2000, ge=1, le=2000)
    """Records in one query."""
    refresh_after_s: int = Field(86_400, ge=0)
    """Seconds after which values that change without the record's time (formulas) are read again."""
    poll_s: int = Field(60, ge=10)
    """Seconds between two questions whether anything has changed. They are more if the questions would
    use over 5 % of the requests that the account may send."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    daily_reserve: float = Field(0.2, ge=0, lt=1)
    """Share of the daily API requests that the hub leaves to other applications."""
    objects: list[Annotated[str, _parts(*_SALESFORCE)]] = Field(default_factory=lambda: ["leads"])
    """Streams that a sync follows, beside `users` and `lead_statuses`: any of `leads`, `accounts`,
    `contacts`, `opportunities`, `tasks`, `events`, `notes`, `files`, `campaign_members`. A migration
    reads all of them."""
    bulk_above: int = Field(5_000, ge=0)
    """A migration reads a range with more records than this by the Bulk API."""
    range_size: int = Field(100_000, ge=1)
    """Records in one range of a migration, about."""
    bulk_jobs: int = Field(3, ge=1, le=10)
    """Ranges that a migration reads side by side, each large one by a Bulk job."""
    skip: list[
        Annotated[
            str,
            _parts(
                "users", "queues", "lead_statuses", *_SALESFORCE, "content_notes", "attachments"
            ),
        ]
    ] = Field(default_factory=list)
    """Streams to leave out; they make no sync fail: `users`, `lead_statuses`, or one of `objects`.
    Parts of a stream can be left out too: `queues`, `content_notes`, `attachments`."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "client_secret" if self.auth == "client_credentials" else "password"


class TypeformSettings(SourceBlock):
    """Typeform: `forms` empty means all forms of the account."""

    base_url: str = "https://api.typeform.com"
    """`https://api.eu.typeform.com` for accounts in the EU data centre."""
    token: SecretStr | None = None
    """Personal access token with the scopes forms:read and responses:read."""
    forms: list[str] = Field(default_factory=list)
    """Ids of the forms to read; empty: all forms of the account."""
    overlap_s: int = Field(1800, ge=0)
    """Seconds before the watermark that are read again, for late commits."""
    lag_s: int = Field(5, ge=0)
    """Seconds by which a read stays behind the vendor's clock."""
    page_size: int = Field(100, ge=1, le=1000)
    """Responses on one page."""
    poll_s: int = Field(60, ge=10)
    """Seconds between two questions whether anything has changed. They are more if the questions would
    use over 5 % of the requests that the account may send."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    webhook_secret: SecretStr | None = None
    """Secret that signs webhooks."""
    skip: list[Annotated[str, _parts("forms", "responses", each="forms")]] = Field(
        default_factory=list
    )
    """Streams (`forms`, `responses`) or forms (`forms/<id>`) to leave out; they make no sync fail."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "token"


class HubspotSettings(SourceBlock):
    """HubSpot: `api_version` is `v3` or the date of a dated version such as `2026-03`."""

    base_url: str = "https://api.hubapi.com"
    """Another address, e.g. of an emulator."""
    token: SecretStr | None = None
    """Private app token with the scopes to read contacts, companies and owners; deals for a migration."""
    api_version: str = Field("v3", pattern=r"^(v3|\d{4}-\d{2}(-beta)?)$")
    """`v3`, or the date of a dated version such as `2026-03`."""
    overlap_s: int = Field(600, ge=0)
    """Seconds before the watermark that are read again, for late commits."""
    lag_s: int = Field(60, ge=0)
    """Seconds by which a read stays behind the vendor's clock."""
    page_size: int = Field(200, ge=1, le=200)
    """Records in one request."""
    poll_s: int = Field(60, ge=10)
    """Seconds between two questions whether anything has changed. They are more if the questions would
    use over 5 % of the requests that the account may send."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    daily_reserve: float = Field(0.2, ge=0, lt=1)
    """Share of the daily API requests that the hub leaves to other applications."""
    webhook_secret: SecretStr | None = None
    """Secret that signs webhooks, or is part of their address."""
    objects: list[Annotated[str, _parts(*_HUBSPOT)]] = Field(
        default_factory=lambda: ["companies", "contacts"]
    )
    """Streams that a sync follows beside the owners: `companies`, `contacts`, `deals`, `calls`, `emails`,
    `meetings`, `notes`, `tasks`. A migration reads all of them."""
    range_size: int = Field(10_000, ge=1)
    """Records of one range of a migration, at most."""
    skip: list[Annotated[str, _parts("owners", *_HUBSPOT)]] = Field(default_factory=list)
    """Streams to leave out; they make no sync or migration fail: `owners`, and those of `objects`."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "token"


class MailchimpSettings(SourceBlock):
    """Mailchimp: `lists` empty means all audiences; `base_url` is for the sandbox only."""

    api_key: SecretStr | None = None
    """API key; the data centre is its suffix."""
    base_url: str = ""
    """Another address, e.g. of an emulator."""
    lists: list[str] = Field(default_factory=list)
    """Ids of the audiences to read; empty: all of the account."""
    overlap_s: int = Field(300, ge=0)
    """Seconds before the watermark that are read again, for late commits."""
    lag_s: int = Field(60, ge=0)
    """Seconds by which a read stays behind the vendor's clock."""
    page_size: int = Field(500, ge=1, le=1000)
    """Records in one request."""
    refresh_after_s: int = Field(86_400, ge=0)
    """Seconds after which values that change without the record's time (tags, ratings) are read again."""
    poll_s: int = Field(60, ge=10)
    """Seconds between two questions whether anything has changed. They are more if the questions would
    use over 5 % of the requests that the account may send."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    webhook_secret: SecretStr | None = None
    """Secret that signs webhooks, or is part of their address."""
    signing_secret: SecretStr | None = None
    """Secret that signs webhooks, where the audience has one."""
    skip: list[Annotated[str, _parts("lists", "members", each="lists")]] = Field(
        default_factory=list
    )
    """Streams (`lists`, `members`) or audiences (`lists/<id>`) to leave out; they make no sync fail."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "api_key"


class ZendeskSettings(SourceBlock):
    """Zendesk Support: `base_url` is https://<subdomain>.zendesk.com unless it is set."""

    subdomain: str = Field("", pattern=r"^[A-Za-z0-9-]*$")
    """The part before `.zendesk.com`."""
    base_url: str | None = None
    """Another address, e.g. of an emulator."""
    email: str = ""
    """E-mail address of the admin who made the API token."""
    api_token: SecretStr | None = None
    """API token of that admin."""
    start_at: datetime | None = None
    """Time; records last changed before it are not read. Empty: all records."""
    lag_s: int = Field(60, ge=60)
    """Seconds by which a read stays behind the vendor's clock."""
    page_size: int = Field(1000, ge=1, le=1000)
    """Records in one request."""
    poll_s: int = Field(60, ge=10)
    """Seconds between two questions whether anything has changed. They are more if the questions would
    use over 5 % of the requests that the account may send."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    webhook_secret: SecretStr | None = None
    """Secret that signs webhooks, or is part of their address."""
    skip: list[Annotated[str, _parts("organizations", "users", "tickets")]] = Field(
        default_factory=list
    )
    """Streams to leave out; they make no sync fail: `organizations`, `users`, `tickets`."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "api_token"


_SELL = (
    "leads",
    "contacts",
    "deals",
    "tasks",
    "notes",
    "calls",
    "visits",
    "text_messages",
    "orders",
    "documents",
    "collaborations",
)
_SELL_LISTS = (
    "users", "pipelines", "stages", "lead_statuses", "lead_sources", "deal_sources", "loss_reasons", "lead_unqualified_reasons",
    "deal_unqualified_reasons", "call_outcomes", "visit_outcomes", "tags", "products", "sequences", "lead_conversions",
)  # fmt: skip


class SellSettings(SourceBlock):
    """Zendesk Sell: Zendesk deletes its data on 31 August 2027. See the page "Leave Zendesk Sell"."""

    base_url: str = "https://api.getbase.com"
    """Another address, e.g. of an emulator."""
    token: SecretStr | None = None
    """Personal access token of an administrator, with the scope read."""
    overlap_s: int = Field(300, ge=0)
    """Seconds before the watermark that are read again, for late commits."""
    lag_s: int = Field(60, ge=0)
    """Seconds by which a read stays behind the vendor's clock."""
    page_size: int = Field(100, ge=1, le=100)
    """Records in one request."""
    poll_s: int = Field(60, ge=10)
    """Seconds between two questions whether anything has changed. They are more if the questions would
    use over 5 % of the requests that the account may send."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    objects: list[Annotated[str, _parts(*_SELL)]] = Field(
        default_factory=lambda: ["leads", "contacts", "deals"]
    )
    """Streams that a sync follows, beside the lists that these name: any of `leads`, `contacts`, `deals`,
    `tasks`, `notes`, `calls`, `visits`, `text_messages`, `orders`, `documents`, `collaborations`. A
    migration reads all of them."""
    range_size: int = Field(10_000, ge=1)
    """Records in one range of a migration, about."""
    readers: int = Field(3, ge=1, le=10)
    """Ranges that a migration reads side by side."""
    skip: list[Annotated[str, _parts(*_SELL, *_SELL_LISTS)]] = Field(default_factory=list)
    """Streams to leave out; they make no sync fail: one of `objects`, or a list such as `visit_outcomes`."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "token"


class SourceSettings(Block):
    """The sources; one that is absent is not synced."""

    salesforce: SalesforceSettings | None = None
    """Salesforce: users and leads."""
    hubspot: HubspotSettings | None = None
    """HubSpot: owners, companies and contacts."""
    mailchimp: MailchimpSettings | None = None
    """Mailchimp: audiences and their members."""
    typeform: TypeformSettings | None = None
    """Typeform: forms and responses."""
    sell: SellSettings | None = None
    """Zendesk Sell: users, leads, contacts and deals."""
    zendesk: ZendeskSettings | None = None
    """Zendesk Support: organizations, requesters and tickets."""

    def configured(self) -> list[str]:
        """Return the sources that have a block, in a fixed order."""
        names = sorted(type(self).model_fields)
        return [name for name in names if getattr(self, name) is not None]

    def followed(self) -> list[str]:
        """Return the sources that syncs keep up to date, in a fixed order."""
        return [name for name in self.configured() if getattr(self, name).role == "follow"]

    def retired(self) -> list[str]:
        """Return the sources that nothing reads any more, in a fixed order."""
        return [name for name in self.configured() if getattr(self, name).role == "retired"]

    def readable(self) -> list[str]:
        """Return the sources that are not retired, in a fixed order."""
        return [name for name in self.configured() if getattr(self, name).role != "retired"]


def block_of(source: str) -> type[Block]:
    """Return the settings class of a source.

    Raises:
        KeyError: there is no such source.
    """
    annotation = SourceSettings.model_fields[source].annotation
    kinds = getattr(annotation, "__args__", ())
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Block))
