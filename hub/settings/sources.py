"""The settings block of each source, one class a vendor; secrets are `SecretStr`.

A field has the name of the same field in the vendor's config dataclass; absent blocks are not
synced. Not here: where values come from (`loading`).
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Block(BaseModel):
    """A block of settings: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SalesforceSettings(Block):
    """Salesforce: `base_url` is for the sandbox only."""

    domain: str
    auth: Literal["client_credentials", "soap"] = "client_credentials"
    client_id: str = ""
    client_secret: SecretStr | None = None
    username: str = ""
    password: SecretStr | None = None
    security_token: SecretStr | None = None
    base_url: str | None = None
    api_version: str = "59.0"
    overlap_s: int = Field(300, ge=0)
    lag_s: int = Field(60, ge=0)
    page_size: int = Field(2000, ge=1, le=2000)
    time_scale: float = Field(1.0, gt=0)
    daily_reserve: float = Field(0.2, ge=0, lt=1)


class TypeformSettings(Block):
    """Typeform: `forms` empty means all forms of the account."""

    base_url: str = "https://api.typeform.com"
    token: SecretStr | None = None
    forms: list[str] = []
    overlap_s: int = Field(1800, ge=0)
    lag_s: int = Field(5, ge=0)
    page_size: int = Field(100, ge=1, le=1000)
    time_scale: float = Field(1.0, gt=0)
    webhook_secret: SecretStr | None = None


class ZendeskSettings(Block):
    """Zendesk Support: `base_url` is https://<subdomain>.zendesk.com unless it is set."""

    subdomain: str = Field("", pattern=r"^[A-Za-z0-9-]*$")
    base_url: str | None = None
    email: str = ""
    api_token: SecretStr | None = None
    start_at: datetime | None = None
    lag_s: int = Field(60, ge=60)
    page_size: int = Field(1000, ge=1, le=1000)
    time_scale: float = Field(1.0, gt=0)
    webhook_secret: SecretStr | None = None


class SourceSettings(Block):
    """The sources; one that is absent is not synced."""

    salesforce: SalesforceSettings | None = None
    typeform: TypeformSettings | None = None
    zendesk: ZendeskSettings | None = None


def block_of(source: str) -> type[Block]:
    """Return the settings class of a source.

    Raises:
        KeyError: there is no such source.
    """
    annotation = SourceSettings.model_fields[source].annotation
    kinds = getattr(annotation, "__args__", ())
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Block))
