"""Lines of `hub check` that are the same for all vendors."""

from collections.abc import Sequence

from hub.connectors.base import Finding
from hub.connectors.parts import skip_hint
from hub.errors import ForbiddenError, HubError


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
