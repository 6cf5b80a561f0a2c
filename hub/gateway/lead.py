"""A lead as the endpoint takes it: the body's model, and what is landed of it. Pure."""

import hashlib
from datetime import datetime
from typing import Annotated, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.landing.inbox import Delivered
from hub.model.leads import SOURCE, STREAM

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
_Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
_Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_NAMES = ("email", "phone", "first_name", "last_name", "full_name", "company")


class Lead(BaseModel):
    """A lead. At least an e-mail address, a phone number, a name or a company is needed."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"anyOf": [{"required": [n]} for n in _NAMES]},
    )

    reference: _Text = Field(
        "", description="Your own id of the lead. The same reference again changes the lead."
    )
    first_name: _Text = ""
    last_name: _Text = ""
    full_name: _Text = Field("", description="The whole name, where its parts are not known.")
    email: _Text = ""
    phone: _Text = ""
    company: _Text = ""
    title: _Text = Field("", description="The job title.")
    website: _Text = ""
    street: _Text = ""
    postal_code: _Text = ""
    city: _Text = ""
    state: _Text = ""
    country: _Text = Field(
        "", description="Name or ISO code; phone numbers without a country are read by it."
    )
    source: _Text = Field(
        "", description="What the lead's source is called; else the name of the token."
    )
    subject: _Text = ""
    message: _Long = Field("", description="What the person asks.")
    language: _Text = Field("", description="Language of the person, such as `fr`.")
    custom_fields: Annotated[dict[_Key, _Text | int | float | bool], Field(max_length=50)] = Field(
        default_factory=dict, description="Values of custom fields by their keys."
    )

    @model_validator(mode="after")
    def _names_anyone(self) -> Self:
        if not any(getattr(self, name) for name in _NAMES):
            raise ValueError(f"one of {', '.join(_NAMES)} is needed")
        return self


def delivered(lead: Lead, *, token: tuple[int, str], now: datetime, request_id: str) -> Delivered:
    """Return the event of a lead.

    Args:
        lead: as it was sent.
        token: id and name of the token that proves the sender. References of two tokens never meet.
        now: when it was received.
        request_id: of the request; without a reference it names the record.
    """
    number, name = token
    own = f"{number}:{lead.reference}" if lead.reference else f"{number}.{request_id}"
    said = {key: value for key, value in lead.model_dump().items() if value not in ("", {})}
    digest = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
    body = {"id": own, "token": name, "received_at": now.isoformat(), **said}
    return Delivered(
        source=SOURCE,
        door="lead",
        kind="lead",
        stream=STREAM,
        source_id=own,
        key=f"{own}:{digest}",
        at=now,
        body=msgspec.json.encode(body),
        version=now.isoformat(),
        is_record=True,
        correlation_id=request_id,
    )
