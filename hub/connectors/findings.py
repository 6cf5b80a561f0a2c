"""Lines of `hub check` that every vendor's have alike."""

from collections.abc import Sequence

from hub.connectors.base import Finding
from hub.connectors.parts import skip_hint
from hub.errors import ForbiddenError, HubError


def failed(subject: str, error: HubError, *, hint: str | None = None, source: str = "") -> Finding:
    """Return what could not be done and, if there is no better hint, the error's own.

    With a source the subject is a part of it, which can be left out on purpose if it is forbidden.
    """
    told = hint or error.hint or ""
    if source and isinstance(error, ForbiddenError):
        told = "; ".join(filter(None, (told, skip_hint(source, subject))))
    return Finding(subject, ok=False, message=error.message, hint=told)


def skipped(parts: Sequence[str]) -> list[Finding]:
    """Return a line for each part that is left out on purpose."""
    return [Finding(part, ok=True, message="left out by the setting skip") for part in parts]


def webhooks(*, has_secret: bool, setting: str = "webhook_secret") -> Finding:
    """Tell whether webhooks can be told from forgeries; without them the hub polls."""
    hint = "" if has_secret else f"webhooks are refused until {setting} is set; polling works"
    message = "a webhook secret is set" if has_secret else "no webhook secret"
    return Finding("webhooks", ok=True, message=message, hint=hint)
