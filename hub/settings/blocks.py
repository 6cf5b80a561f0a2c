"""The settings of hub.yaml as frozen models; an unknown key is refused.

Not here: the sources' own blocks (`sources`), and reading files and variables (`loading`).
"""

import difflib
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from hub.settings.gateway import (
    FormSettings,
    GatewaySettings,
    HookSettings,
    SubscriptionSettings,
)
from hub.settings.sources import Block, SourceSettings

ADMINS = "admins"
"""A receiver of alerts: the active users of the role `admin`."""


def _mode(said: Any) -> Any:
    """Return true and false as modes; YAML reads `off` and `on` as these."""
    return {True: "instant", False: "off"}.get(said, said) if isinstance(said, bool) else said


_Mode = Annotated[Literal["instant", "digest", "off"], BeforeValidator(_mode)]


class NotifyChoice(Block):
    """How a person is notified of an event: `instant` (or true), `digest`, `off` (or false) for each channel."""

    web: _Mode = "instant"
    """An alert in the hub."""
    email: _Mode = "instant"
    """An e-mail."""
    apprise: _Mode = "off"
    """A message through Apprise, to the person's target."""


_MINUTES_A_DAY = 24 * 60


def _time_of_day(said: Any) -> Any:
    """Return a time as HH:MM; YAML reads 22:00 without quotes as a number of minutes."""
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < _MINUTES_A_DAY:
        return f"{said // 60:02d}:{said % 60:02d}"
    return said


_TimeOfDay = Annotated[
    str, BeforeValidator(_time_of_day), Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
]


class QuietSettings(Block):
    """The hours in which a person gets no e-mail and no message, on the clock of the person's time zone."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: _TimeOfDay | None = Field(None, validation_alias=AliasChoices("from", "since"))
    """First minute, `20:00`. Written `from`."""
    until: _TimeOfDay | None = None
    """First minute after them, `07:30`; it may be of the next day."""
    weekends: bool = False
    """Whether Saturdays and Sundays are quiet too."""

    @model_validator(mode="after")
    def _has_hours(self) -> Self:
        if (self.since is None) != (self.until is None):
            raise ValueError("give the first minute and the first minute after, or neither")
        if self.since is not None and self.since == self.until:
            raise ValueError("the quiet hours end when they begin")
        return self


class AwaySettings(Block):
    """The first and the last day of a leave; both are part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: date | None = Field(None, validation_alias=AliasChoices("from", "since"))
    """First day, `2026-12-21`, in the person's time zone; without one the leave begins now. Written `from`."""
    until: date | None = None
    """Last day; without one the leave has no end."""

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        if self.since is None and self.until is None:
            raise ValueError("give the first day, the last day, or both")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError("the last day comes before the first")
        return self


class PersonSettings(Block):
    """A user: a member of the team, who can own leads."""

    email: str = Field(pattern=r"^[^\s@]+@[^\s@]+$")
    """E-mail address. Owners in a source are found by it, without regard to case."""
    name: str = Field(min_length=1)
    """Name, as messages and tables show it."""
    active: bool = True
    """False: takes no leads and gets no mail."""
    timezone: str = "UTC"
    """IANA name, e.g. `Europe/Paris`."""
    role: Literal["admin", "manager", "rep", "viewer"] = "rep"
    """What the user may do. `admin`: everything, also set-up. `manager`: work on all records. `rep`: work on
    own records and on records without an owner. `viewer`: read."""
    away: AwaySettings | None = None
    """Leave: between these days the user takes no turns of a group. `hub user away` sets it too;
    the later of the two counts."""
    paused: bool = False
    """True: the user takes no turns of any group. `hub user pause` and `hub user back` set it too."""
    language: Literal["en", "fr"] | None = None
    """Language of the person's notifications; English without it. `hub notify profile` sets it too, unless
    it is here; so it does the next three."""
    quiet: QuietSettings | None = None
    """Quiet hours: what comes in them is sent when they end, as one message."""
    digest_at: list[_TimeOfDay] | None = Field(None, min_length=1)
    """Times of the day at which digests are sent, `["08:00", "14:00"]`; 08:00 without it."""
    apprise: str | None = None
    """Name of the person's target under `apprise:`."""
    notify: dict[str, NotifyChoice] = Field(default_factory=dict)
    """Event (`lead_assigned`, `inquiry_received`, `lead_reassigned_away`,
    `lead_converted_in_source`, `leads_digest`,
    `contact_assigned`, `contact_reassigned_away`, `deal_assigned`, `deal_reassigned_away`,
    `bulk_assigned`, `bulk_reassigned_away`, `source_failed`, `source_recovered`) → channels."""


class MemberSettings(Block):
    """A member of a distribution group, with options."""

    email: str
    """E-mail address of a user in `people:`."""
    weight: int = Field(1, ge=0, le=1000)
    """Share of the turns: a weight of 2 takes twice as many as 1, and 0 takes none."""
    capacity: int | None = Field(None, ge=0)
    """How many open records of the group's kind the member may own; a full member is skipped.
    `hub group member edit` sets it too; the later of the two counts."""
    paused: bool = False
    """True: the member takes no turns of this group."""


def _as_members(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [{"email": one} if isinstance(one, str) else one for one in value]


class GroupSettings(Block):
    """A distribution group: members in the order of turns."""

    name: str = Field(min_length=1)
    """Name; routing refers to it as `group:NAME`."""
    members: Annotated[list[MemberSettings], BeforeValidator(_as_members)] = Field(min_length=1)
    """Members in the order of turns: an address, or `{email, weight, capacity, paused}`."""
    kind: Literal["lead", "contact", "deal"] = "lead"
    """The kind of record that the group assigns. Routing uses groups of leads only."""


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(_as_text)]


class RuleSettings(Block):
    """A routing rule: if all conditions hold, the lead is assigned."""

    name: str
    """Name; shown as the reason of an assignment."""
    when: dict[str, _Text | list[_Text]] = Field(default_factory=dict)
    """Field → a text, or a list of texts of which one must match; `">= 50"`, `"50..200"` and `"!= FR"` compare."""
    assign: str = Field(pattern=r"^(user:.+|group:.+|account:owner)$")
    """`user:EMAIL`, `group:NAME`, or `account:owner`: the owner of the lead's account."""


class RoutingSettings(Block):
    """Rules in order, then the fallback."""

    rules: list[RuleSettings] = Field(default_factory=list)
    """Read in order; the first that holds decides."""
    fallback: str = Field("group:sales", pattern=r"^(user|group):.+$")
    """`user:EMAIL` or `group:NAME`: where a lead goes for which no rule holds."""


class SmtpSettings(Block):
    """The mail server."""

    host: str = "localhost"
    """Mail server."""
    port: int = Field(25, ge=1, le=65535)
    """Its port."""
    sender: str = Field(
        "Lead Hub <hub@localhost.localdomain>", validation_alias=AliasChoices("sender", "from")
    )
    """Address of the sender, with or without a name; `from` is read as well."""
    tls: Literal["none", "starttls", "tls"] = "none"
    """`none`, `starttls`, or `tls` from the first byte."""
    username: str = ""
    """Empty: no login."""
    password: SecretStr | None = None
    """Password of the login."""


def _receiver(written: str) -> str:
    if written != ADMINS and not re.fullmatch(r"[^\s@]+@[^\s@]+", written):
        raise ValueError(f"write `{ADMINS}` or an e-mail address")
    return written


def _known_source(name: str) -> str:
    known = sorted(SourceSettings.model_fields)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise ValueError(f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}")
    return name


class AlertSettings(Block):
    """Who is told when a source fails, and when it works again."""

    to: list[Annotated[str, AfterValidator(_receiver)]] = Field([ADMINS], min_length=1)
    """Receivers: `admins` (the active users of this role), or e-mail addresses. A user gets an alert in the hub
    and an e-mail, as `hub notify` says; another address gets the e-mail."""
    sources: list[Annotated[str, AfterValidator(_known_source)]] = Field(default_factory=list)
    """Only these sources; empty: all sources, and the nightly jobs."""
    states: list[Literal["failed", "recovered"]] = Field(["failed", "recovered"], min_length=1)
    """`failed`, `recovered`, or both."""


class CompanySettings(Block):
    """Defaults of your company."""

    default_region: str = Field("FR", pattern=r"^[A-Z]{2}$")
    """Country of phone numbers without a country, by its two letters, e.g. `FR`."""


_CURRENCIES = frozenset({"EUR", "USD", "GBP", "CHF"})


def _currency(code: str) -> str:
    """Return the code of a currency; the list of all of them is loaded only for one that is rare."""
    if code not in _CURRENCIES:
        from babel.numbers import list_currencies  # noqa: PLC0415 slow to load, and seldom needed

        if code not in list_currencies() or code in {"XXX", "XTS"}:
            raise ValueError(f"{code} is no currency: write an ISO 4217 code, as EUR")
    return code


class CrmSettings(Block):
    """Settings of the sales process."""

    currency: Annotated[str, AfterValidator(_currency)] = Field("EUR", pattern=r"^[A-Z]{3}$")
    """ISO code of the currency of deals without a currency."""
    plain_lists: bool = False
    """Whether lists are read with the database's own plans: slower, for a database that plans them wrong."""
    max_pipelines: int = Field(20, ge=1)
    """How many pipelines may be in use at once."""
    reopen_unqualified_to: str | None = "New"
    """Status that an unqualified lead gets when its person writes again; null keeps the status."""


class MatchingSettings(Block):
    """Matching of records, and survivorship of values."""

    survivorship: str | None = None
    """File of survivorship rules; it overrides the shipped rules that it names."""


class BackupSettings(Block):
    """Backups that the hub writes by itself."""

    before_upgrade: bool = True
    """Whether a backup is written to HUB_HOME/backups before the schema is upgraded."""


class DagsterSettings(Block):
    """How Dagster runs the hub."""

    reconcile_every_s: int = Field(3600, ge=60)
    """Seconds between two complete comparisons with a source. The freshness of its data is a warning after
    two of them, and a failure after six."""
    keep_days: int = Field(30, ge=1)
    """Days for which ended runs are kept, with their events, check evaluations and logs."""
    keep_red_days: int = Field(90, ge=1)
    """Days for which failed runs are kept."""


_HOOK_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TAKEN = frozenset({*SourceSettings.model_fields, "form", "inbound", "hub", "csv"})


def _hook_name(name: str) -> str:
    """Return the name of a hook, which becomes a source."""
    if not _HOOK_NAME.fullmatch(name) or len(name) > 30:  # noqa: PLR2004  # a label in logs and metrics
        raise ValueError(
            "name a hook by up to 30 small letters, digits and single underscores, such as shop"
        )
    if name in _TAKEN:
        raise ValueError(f"{name} is a source already; name the hook otherwise")
    return name


class Settings(Block):
    """All settings."""

    home: Path = Path(".hub")
    """The one folder for all data; HUB_HOME."""
    database_url: SecretStr | None = None
    """Another PostgreSQL (15 or newer) than the embedded one."""
    backup: BackupSettings = BackupSettings()
    """Backups that the hub writes by itself."""
    sources: SourceSettings = SourceSettings()
    """The vendors to read."""
    people: list[PersonSettings] = Field(default_factory=list)
    """The users, who can own leads."""
    groups: list[GroupSettings] = Field(default_factory=list)
    """Distribution groups: their members take leads in turn."""
    routing: RoutingSettings = RoutingSettings()
    """Rules that give a new lead to an owner."""
    smtp: SmtpSettings = SmtpSettings()
    """The mail server for outgoing mail."""
    apprise: dict[str, SecretStr] = Field(default_factory=dict)
    """Targets of messages through Apprise: name → address. An address is a secret: HUB_APPRISE__NAME."""
    alerts: list[AlertSettings] = Field(default_factory=lambda: [AlertSettings()])
    """Who is told when a source fails, and when it works again; empty: nobody is told."""
    company: CompanySettings = CompanySettings()
    """Defaults of your company."""
    crm: CrmSettings = CrmSettings()
    """Settings of the sales process."""
    dagster: DagsterSettings = DagsterSettings()
    """How Dagster runs the hub."""
    gateway: GatewaySettings = GatewaySettings()
    """The gateway: takes webhooks, leads and forms, and answers health checks."""
    forms: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,49}$")], FormSettings] = Field(
        default_factory=dict
    )
    """Web forms by name; the name is part of the form's address."""
    hooks: dict[Annotated[str, AfterValidator(_hook_name)], HookSettings] = Field(
        default_factory=dict
    )
    """Webhooks of other senders by name; the name is the source of their records, and part of the address."""
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    """Subscriptions: addresses that are sent an event, such as a new lead."""
    matching: MatchingSettings = MatchingSettings()
    """Matching of records, and survivorship of values."""
    mappings_dir: str | None = None
    """Folder of mapping documents; a document there replaces the shipped one of the same name."""
    public_url: str = "http://127.0.0.1:8000"
    """Base address of links in messages."""

    def redacted(self) -> dict[str, Any]:
        """Return the effective values with every secret masked."""
        dumped: dict[str, Any] = self.model_dump(mode="json")
        return {name: _without_login(value) for name, value in dumped.items()}


_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def _without_login(value: Any) -> Any:
    """Mask a name and password in an address."""
    if isinstance(value, dict):
        return {key: _without_login(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_login(inner) for inner in value]
    return _LOGIN.sub("**********@", value) if isinstance(value, str) else value
