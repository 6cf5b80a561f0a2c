"""A submission of the web form: what a browser sends, and what is landed of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

from hub.errors import RecordError
from hub.landing.inbox import Delivered
from hub.model.forms import SOURCE, STREAM

FIELDS = ("first_name", "last_name", "company", "email", "phone", "message")
TRAP = "fax_number"
"""A field that people do not see: what fills it in is a program."""
_MOST = 50
_LONGEST = {"message": 10_000}
_LONG = 200


@dataclass(frozen=True, slots=True)
class Submission:
    """What was filled in.

    Args:
        values: by field; "" for an empty one.
        consent: whether the box was ticked.
        is_trapped: whether the field that people do not see was filled in.
    """

    values: Mapping[str, str]
    consent: bool
    is_trapped: bool


def read(body: bytes) -> Submission:
    """Return the submission in a body.

    Raises:
        RecordError: the body is not what a form sends.
    """
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST, errors="strict"
        )
    except ValueError as exc:
        raise RecordError("the body is not what a form sends") from exc
    said = dict(pairs)
    values = {
        name: said.get(name, "").replace("\0", "").strip()[: _LONGEST.get(name, _LONG)]
        for name in FIELDS
    }
    return Submission(values, bool(said.get("consent", "")), bool(said.get(TRAP, "")))


def complaint(submission: Submission) -> str:
    """Return the word for what is missing or wrong; "" where nothing is."""
    email, phone = submission.values["email"], submission.values["phone"]
    if not email and not phone:
        return "needs_address"
    local, _, domain = email.rpartition("@")
    is_address = bool(local) and "." in domain and not any(c.isspace() for c in email)
    return "wrong_email" if email and not is_address else ""


@dataclass(frozen=True, slots=True)
class Sent:
    """How a submission came.

    Args:
        form: name of the form.
        language: of its page.
        wording: the sentence beside the box.
        client: a word that stands for the client.
        at: when it was received.
        request_id: of the request; it is the submission's reference too.
    """

    form: str
    language: str
    wording: str
    client: str
    at: datetime
    request_id: str


def delivered(submission: Submission, sent: Sent) -> Delivered:
    """Return the event of a submission; each is a record of its own.

    The sentence beside the box and the client are kept with a ticked box alone: they are its evidence.
    """
    said = {name: value for name, value in submission.values.items() if value}
    evidence = {"wording": sent.wording, "client": sent.client} if submission.consent else {}
    now, request_id = sent.at, sent.request_id
    body = {
        "id": request_id, "form": sent.form, "language": sent.language,
        "received_at": now.isoformat(), "consent": submission.consent, **evidence, **said,
    }  # fmt: skip
    return Delivered(
        source=SOURCE,
        door="form",
        kind="submission",
        stream=STREAM,
        source_id=request_id,
        key=request_id,
        at=now,
        body=msgspec.json.encode(body),
        version=now.isoformat(),
        is_record=True,
        correlation_id=request_id,
    )


def confirmation(reference: str, *, client: str, now: datetime, request_id: str) -> Delivered:
    """Return the event of a confirmation: a hint at the submission. The same one again is no new event."""
    return Delivered(
        source=SOURCE,
        door="form",
        kind="confirmation",
        stream=STREAM,
        source_id=reference,
        key=f"confirm:{reference}",
        at=now,
        body=msgspec.json.encode({"confirmed_at": now.isoformat(), "confirmed_by": client}),
        version="",
        is_record=False,
        correlation_id=request_id,
    )
