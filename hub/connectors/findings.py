"""Lines of `hub check` that every vendor's have alike."""

from hub.connectors.base import Finding
from hub.errors import HubError


def failed(subject: str, error: HubError, *, hint: str | None = None) -> Finding:
    """Return what could not be done and, if there is no better hint, the error's own."""
    return Finding(subject, ok=False, message=error.message, hint=hint or error.hint or "")


def webhooks(*, has_secret: bool, setting: str = "webhook_secret") -> Finding:
    """Tell whether webhooks can be told from forgeries; without them the hub polls."""
    hint = "" if has_secret else f"webhooks are refused until {setting} is set; polling works"
    message = "a webhook secret is set" if has_secret else "no webhook secret"
    return Finding("webhooks", ok=True, message=message, hint=hint)
