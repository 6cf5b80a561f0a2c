"""What hub.yaml may say: frozen models, an unknown key is refused.

Not here: the sources' own blocks (`sources`), and reading files and variables (`loading`).
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr

from hub.settings.sources import Block, SourceSettings


class NotifyChoice(Block):
    """Which channels a person wants for an event."""

    web: bool = True
    email: bool = True


class PersonSettings(Block):
    """Somebody who can own leads."""

    email: str = Field(pattern=r"^[^\s@]+@[^\s@]+$")
    name: str = Field(min_length=1)
    active: bool = True
    timezone: str = "UTC"
    notify: dict[str, NotifyChoice] = Field(default_factory=dict)


class GroupSettings(Block):
    """A distribution group: members by e-mail, in the order of turns."""

    name: str = Field(min_length=1)
    members: list[str] = Field(min_length=1)
    kind: Literal["lead"] = "lead"


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(_as_text)]


class RuleSettings(Block):
    """A routing rule: all conditions hold → assign."""

    name: str
    when: dict[str, _Text | list[_Text]] = Field(default_factory=dict)
    assign: str = Field(pattern=r"^(user|group):.+$")


class RoutingSettings(Block):
    """Rules in order, then the fallback."""

    rules: list[RuleSettings] = Field(default_factory=list)
    fallback: str = Field("group:sales", pattern=r"^(user|group):.+$")


class SmtpSettings(Block):
    """The mail server; `sender` is one address, with or without a name."""

    host: str = "localhost"
    port: int = Field(25, ge=1, le=65535)
    sender: str = Field(
        "Lead Hub <hub@localhost.localdomain>", validation_alias=AliasChoices("sender", "from")
    )
    tls: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: SecretStr | None = None


class CompanySettings(Block):
    """The house's own defaults."""

    default_region: str = Field("FR", pattern=r"^[A-Z]{2}$")


class Settings(Block):
    """Everything the hub can be told."""

    home: Path = Path(".hub")
    database_url: SecretStr | None = None
    sources: SourceSettings = SourceSettings()
    people: list[PersonSettings] = Field(default_factory=list)
    groups: list[GroupSettings] = Field(default_factory=list)
    routing: RoutingSettings = RoutingSettings()
    smtp: SmtpSettings = SmtpSettings()
    company: CompanySettings = CompanySettings()
    mappings_dir: str | None = None
    public_url: str = "http://127.0.0.1:8000"

    def redacted(self) -> dict[str, Any]:
        """Return the effective values with every secret masked."""
        dumped: dict[str, Any] = self.model_dump(mode="json")
        return dumped
