"""What hub.yaml may say: frozen models, an unknown key is refused.

Not here: the sources' own blocks (`sources`), and reading files and variables (`loading`).
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from hub.settings.sources import Block, SourceSettings


class NotifyChoice(Block):
    """Which channels a person wants for an event."""

    web: bool = True
    """An alert in the hub."""
    email: bool = True
    """An e-mail."""


class AwaySettings(Block):
    """From when to when a person is away; both days are part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: date | None = Field(None, validation_alias=AliasChoices("from", "since"))
    """First day, `2026-12-21`, in the person's time zone; left out: from now on. Written `from`."""
    until: date | None = None
    """Last day; left out: until told otherwise."""

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        if self.since is None and self.until is None:
            raise ValueError("give the first day, the last day, or both")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError("the last day comes before the first")
        return self


class PersonSettings(Block):
    """Somebody who can own leads."""

    email: str = Field(pattern=r"^[^\s@]+@[^\s@]+$")
    """Address; owners in a source are matched by it, letter case aside."""
    name: str = Field(min_length=1)
    """Name, as others read it."""
    active: bool = True
    """False: takes no leads and gets no mail."""
    timezone: str = "UTC"
    """IANA name, e.g. `Europe/Paris`."""
    role: Literal["admin", "manager", "rep", "viewer"] = "rep"
    """What they may do: `admin` sets up, `manager` works on everybody's records, `rep` on their own
    and on nobody's, `viewer` reads."""
    away: AwaySettings | None = None
    """Leave: between these days the person takes no turns of a group. `hub user away` sets it as well;
    the later of the two stands."""
    paused: bool = False
    """True: takes no turns of a group until told otherwise; `hub user pause` and `resume` set it as well."""
    notify: dict[str, NotifyChoice] = Field(default_factory=dict)
    """Event (`lead_assigned`, `inquiry_received`, `lead_reassigned_away`,
    `lead_converted_in_source`, `leads_digest`,
    `contact_assigned`, `contact_reassigned_away`, `deal_assigned`, `deal_reassigned_away`,
    `bulk_assigned`, `bulk_reassigned_away`) → channels."""


class MemberSettings(Block):
    """A member of a distribution group, as more than an address."""

    email: str
    """Address; the person stands under `people:`."""
    weight: int = Field(1, ge=0, le=1000)
    """Share of the turns: 2 takes twice as many as 1, 0 takes none."""
    capacity: int | None = Field(None, ge=0)
    """How many open records of the group's kind the person may own; a full member is passed over.
    `hub group member edit` sets it as well; the later of the two stands."""
    paused: bool = False
    """True: takes no turns of this group until told otherwise."""


def _as_members(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [{"email": one} if isinstance(one, str) else one for one in value]


class GroupSettings(Block):
    """A distribution group: members in the order of turns."""

    name: str = Field(min_length=1)
    """What routing calls it: `group:NAME`."""
    members: Annotated[list[MemberSettings], BeforeValidator(_as_members)] = Field(min_length=1)
    """Members in the order of turns: an address, or `{email, weight, capacity, paused}`."""
    kind: Literal["lead", "contact", "deal"] = "lead"
    """What the group hands out; routing knows those of leads."""


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(_as_text)]


class RuleSettings(Block):
    """A routing rule: all conditions hold → assign."""

    name: str
    """The reason that people read."""
    when: dict[str, _Text | list[_Text]] = Field(default_factory=dict)
    """Field → a text, or a list of texts of which one must be met."""
    assign: str = Field(pattern=r"^(user:.+|group:.+|account:owner)$")
    """`user:EMAIL`, `group:NAME`, or `account:owner`: whoever owns the account of the lead's company."""


class RoutingSettings(Block):
    """Rules in order, then the fallback."""

    rules: list[RuleSettings] = Field(default_factory=list)
    """Read in order; the first that holds decides."""
    fallback: str = Field("group:sales", pattern=r"^(user|group):.+$")
    """Who takes what no rule takes."""


class SmtpSettings(Block):
    """The mail server; `sender` is one address, with or without a name."""

    host: str = "localhost"
    """Mail server."""
    port: int = Field(25, ge=1, le=65535)
    """Its port."""
    sender: str = Field(
        "Lead Hub <hub@localhost.localdomain>", validation_alias=AliasChoices("sender", "from")
    )
    """One address, with or without a name; `from` is read as well."""
    tls: Literal["none", "starttls", "tls"] = "none"
    """`none`, `starttls`, or `tls` from the first byte."""
    username: str = ""
    """Empty: no login."""
    password: SecretStr | None = None
    """Password of the login."""


class CompanySettings(Block):
    """The house's own defaults."""

    default_region: str = Field("FR", pattern=r"^[A-Z]{2}$")
    """ISO country of phone numbers that name none."""


class CrmSettings(Block):
    """How the team sells."""

    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    """ISO code of deals that name none."""
    max_pipelines: int = Field(20, ge=1)
    """How many pipelines may be in use at once."""
    reopen_unqualified_to: str | None = "New"
    """Status that an unqualified lead gets when the person asks again; null leaves it as it is."""


class MatchingSettings(Block):
    """Who is who, and which value survives."""

    survivorship: str | None = None
    """File of survivorship rules; what it names stands over the shipped ones."""


class BackupSettings(Block):
    """Backups that the hub writes by itself."""

    before_upgrade: bool = True
    """Whether a backup is written to HUB_HOME/backups before the schema is upgraded."""


class Settings(Block):
    """Everything the hub can be told."""

    home: Path = Path(".hub")
    """The one folder for all data; HUB_HOME."""
    database_url: SecretStr | None = None
    """Another PostgreSQL (15 or newer) than the embedded one."""
    backup: BackupSettings = BackupSettings()
    """Backups that the hub writes by itself."""
    sources: SourceSettings = SourceSettings()
    """The vendors to read."""
    people: list[PersonSettings] = Field(default_factory=list)
    """Who can own leads."""
    groups: list[GroupSettings] = Field(default_factory=list)
    """Distribution groups, which hand leads out in turn."""
    routing: RoutingSettings = RoutingSettings()
    """Who gets a new lead."""
    smtp: SmtpSettings = SmtpSettings()
    """How mail leaves."""
    company: CompanySettings = CompanySettings()
    """The house's own defaults."""
    crm: CrmSettings = CrmSettings()
    """How the team sells."""
    matching: MatchingSettings = MatchingSettings()
    """Who is who, and which value survives."""
    mappings_dir: str | None = None
    """Folder of mapping documents that stand over the shipped ones."""
    public_url: str = "http://127.0.0.1:8000"
    """Address that links in messages begin with."""

    def redacted(self) -> dict[str, Any]:
        """Return the effective values with every secret masked."""
        dumped: dict[str, Any] = self.model_dump(mode="json")
        return {name: _without_login(value) for name, value in dumped.items()}


_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def _without_login(value: Any) -> Any:
    """Mask a name and password that stand in an address."""
    if isinstance(value, dict):
        return {key: _without_login(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_login(inner) for inner in value]
    return _LOGIN.sub("**********@", value) if isinstance(value, str) else value
