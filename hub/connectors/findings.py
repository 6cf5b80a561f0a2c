"""Lines of `hub check` that are the same for all vendors."""

from collections.abc import Iterator, Mapping, Sequence

from hub.connectors.base import Finding, Registered
from hub.connectors.parts import skip_hint
from hub.errors import ForbiddenError, HubError

_SHOWN = 5
"""Parts of an account that a line names at most."""


def failed(subject: str, error: HubError, *, hint: str | None = None, source: str = "") -> Finding:
    """Return a failed check with the error's message.

    Args:
        subject: what was checked.
        error: why it failed.
        hint: what to do about it; without one, the error's own hint.
        source: the source that the subject is a part of. Then the hint for a refusal also says how to
            leave the part out.
    """
    told = hint or error.hint or ""
    if source and isinstance(error, ForbiddenError):
        told = "; ".join(filter(None, (told, skip_hint(source, subject))))
    return Finding(subject, ok=False, message=error.message, hint=told)


def skipped(parts: Sequence[str]) -> list[Finding]:
    """Return a line for each part in the setting `skip`."""
    return [Finding(part, ok=True, message="left out by the setting skip") for part in parts]


def webhooks(*, has_secret: bool, setting: str = "webhook_secret") -> Finding:
    """Return whether a webhook secret is set; without one, webhooks are refused and the hub polls."""
    hint = "" if has_secret else f"webhooks are refused until {setting} is set; polling works"
    message = "a webhook secret is set" if has_secret else "no webhook secret"
    return Finding("webhooks", ok=True, message=message, hint=hint)


def registrations(places: Mapping[str, Sequence[Registered]], wanted: str) -> Iterator[Finding]:
    """Return what differs between the webhooks that a vendor has and the one that the hub wants.

    Args:
        places: the vendor's webhooks, by the part of the account to which they belong.
        wanted: the address of the hub's gateway for this source.
    """
    ours = {part: [one for one in has if one.url == wanted] for part, has in places.items()}
    off = [part for part, has in ours.items() if has and not any(one.is_enabled for one in has)]
    missing = [part for part, has in ours.items() if not has]
    for part in off:
        yield Finding(
            part, ok=False, message="its webhook is switched off: the vendor has met 404 or 410, or a user did it",
            hint=f"see that {wanted} answers, and switch the webhook on at the vendor",
        )  # fmt: skip
    if places and len(missing) == len(places):
        yield Finding(
            "webhooks", ok=False, message="the vendor has no webhook with the address of the gateway",
            hint=f"enter {wanted} with the secret at the vendor; until then the hub polls",
        )  # fmt: skip
    elif missing:
        named = ", ".join(missing[:_SHOWN]) + (" and more" if len(missing) > _SHOWN else "")
        yield Finding(
            "webhooks", ok=True, message=f"without a webhook: {named}; the hub polls these"
        )
    if on := len(places) - len(off) - len(missing):
        yield Finding("webhooks", ok=True, message=f"{on} of {len(places)} call {wanted}")
