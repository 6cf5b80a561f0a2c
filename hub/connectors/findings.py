"""Lines of `hub check` that are the same for all vendors."""

from collections.abc import Iterator, Mapping, Sequence

from hub.connectors.base import Finding
from hub.connectors.own_webhooks import Registered, Wanted
from hub.connectors.parts import skip_hint
from hub.connectors.registrations import State, compare
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


def registrations(
    source: str, places: Mapping[str, Sequence[Registered]], wanted: Wanted
) -> Iterator[Finding]:
    """Return what differs between the webhooks that a vendor has and the one that the hub wants.

    Args:
        source: name of the source.
        places: the vendor's webhooks, by the part of the account to which they belong.
        wanted: the webhook of the hub's gateway for this source.
    """
    found = compare(places, wanted)
    missing = [one.part for one in found if one.state is State.MISSING]
    mends = f"hub webhooks register {source} mends it"
    for one in found:
        if one.state is State.OFF:
            yield Finding(
                one.part, ok=False, message="its webhook is switched off: the vendor has met 404 or 410, or a user did it",
                hint=f"see that {wanted.base} answers; then {mends}",
            )  # fmt: skip
        elif one.state is State.DIFFERS:
            yield Finding(
                one.part, ok=False, message=f"its webhook differs: {one.differs[0]}", hint=mends
            )
        elif one.state is State.SECRET:
            yield Finding(
                one.part, ok=False, message="its webhook signs with another secret than that of the settings",
                hint=f"hub webhooks check {source} says where the secret is shown",
            )  # fmt: skip
        elif one.state is State.FAILING:
            yield Finding(
                one.part, ok=False, message=one.differs[0], hint=f"see that {wanted.base} answers: is the gateway running?"
            )  # fmt: skip
    if found and len(missing) == len(found):
        yield Finding(
            "webhooks", ok=False, message="the vendor has no webhook with the address of the gateway",
            hint=f"hub webhooks register {source} makes it, for {wanted.base}; until then the hub polls",
        )  # fmt: skip
    elif missing:
        named = ", ".join(missing[:_SHOWN]) + (" and more" if len(missing) > _SHOWN else "")
        yield Finding(
            "webhooks", ok=True, message=f"without a webhook: {named}; the hub polls these"
        )
    if on := sum(one.state is State.RIGHT for one in found):
        yield Finding("webhooks", ok=True, message=f"{on} of {len(found)} call {wanted.base}")
