"""The webhooks that vendors have for the hub: compare them with hub.yaml, make them, mend them.

Only the hub's own webhook is written, and only by `register`. No transaction is open while a vendor is
asked. No secret is in what these functions return. Not here: how a vendor is asked
(`hub.connectors.<source>.registration`), and what a delivery must prove (`hub.connectors.<source>.webhooks`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from hub.actions.context import Acting, Context
from hub.actions.rights import Right, require
from hub.connectors.own_webhooks import KeepsWebhooks, Wanted
from hub.connectors.registrations import MENDED, Compared, State, compare
from hub.connectors.webhooks import BY_HAND, SECRET_IN_ADDRESS, SECRET_SHOWN, SENDERS
from hub.errors import ConfigError, HubError
from hub.etl.context import Hub
from hub.logs import get_logger
from hub.settings import Settings, secret_variable

_ROLES = {
    "migrate": "the source is only migrated, so its webhooks are not taken",
    "retired": "the source is retired, so its webhooks are not taken",
}
_UNWANTED = "no secret is set, so webhooks are refused; polls find what changes"
_SET_URL = "set gateway.public_url in hub.yaml to the address that vendors call, such as https://hub.example.com"
log = get_logger()


@dataclass(frozen=True, slots=True)
class Webhook:
    """How the webhook of a source stands, or of a part of its account.

    Args:
        source: name of the source.
        part: `forms/<id>`, `lists/<id>` or `account`; "" where the vendor was not asked.
        address: that the vendor is to call, without a secret; "" without `gateway.public_url`.
        state: right; missing, off or differs, which `register` mends; secret (another one signs), failing
            (the last delivery was not taken); by_hand (the vendor cannot be asked), unwanted, unset (the
            hub has no public address), refused (the vendor refused the request).
        ok: whether there is nothing to do.
        message: the state in words.
        hint: the next step; "" if there is none.
        does: what `register` would do, or has done: make, mend, or "" for nothing.
    """

    source: str
    part: str
    address: str
    state: State
    ok: bool
    message: str
    hint: str = ""
    does: Literal["", "make", "mend"] = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A webhook, and what the vendor has of it; None where the vendor was not asked."""

    webhook: Webhook
    compared: Compared | None = None


def check(hub: Hub, acting: Acting, source: str | None = None) -> list[Webhook]:
    """Return how the webhooks of a source stand, or of all sources that send them; nothing is written.

    Raises:
        ActionError: who acts may not.
        ConfigError: there is no such source, or it sends no webhooks.
    """
    _allowed(hub, acting)
    return [one.webhook for one in _found(hub, source)]


def plan(
    hub: Hub, acting: Acting, source: str | None = None, *, renew: bool = False
) -> list[Planned]:
    """Return what `register` would do; nothing is written.

    Args:
        hub: the parts of the hub.
        acting: the actor.
        source: name of a source; None for all that send webhooks.
        renew: write webhooks that are right, too: after the secret was changed.

    Raises what `check` does.
    """
    _allowed(hub, acting)
    return [_with_deed(one, renew=renew) for one in _found(hub, source)]


def register(hub: Hub, acting: Acting, planned: Sequence[Planned]) -> list[Webhook]:
    """Make and mend the hub's webhooks at the vendors, as planned; a refusal is in the result.

    Raises:
        ActionError: who acts may not.
    """
    ctx = _allowed(hub, acting)
    done = [_written(hub, ctx, one) for one in planned]
    return [_after(hub, one) for one in done]


def wanted(settings: Settings, source: str) -> Wanted:
    """Return the webhook that hub.yaml wants of a source."""
    secret = getattr(getattr(settings.sources, source), "webhook_secret", None)
    told = secret.get_secret_value() if secret and source in SECRET_IN_ADDRESS else ""
    return Wanted(f"{settings.gateway.public_url}/hooks/{source}", quote(told, safe=""))


def _allowed(hub: Hub, acting: Acting) -> Context:
    """Check the right in a transaction of its own, before a vendor is asked."""
    with hub.engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
    return ctx


def _found(hub: Hub, source: str | None) -> list[Planned]:
    known = [one for one in hub.settings.sources.configured() if one in SENDERS]
    if source is None:
        return [one for name in known for one in _of_source(hub, name, is_named=False)]
    if source not in hub.settings.sources.configured():
        raise ConfigError(
            f"source {source!r} is not configured", hint=f"configured: {', '.join(known) or 'none'}"
        )
    if source not in known:
        raise ConfigError(
            f"{source} sends no webhooks to the hub", hint="polls find what changes there"
        )
    return _of_source(hub, source, is_named=True)


def _of_source(hub: Hub, source: str, *, is_named: bool) -> list[Planned]:
    unasked = _unasked(hub.settings, source, is_named=is_named)
    if unasked is not None:
        return [Planned(unasked)]
    found = []
    for one in _asked(hub, source):
        if isinstance(one, HubError):
            refused = _alone(
                hub.settings, source, State.REFUSED, one.message, one.hint or "", ok=False
            )
            found.append(Planned(refused))
        elif one.state is State.MISSING and not _is_wanted(hub.settings, source, is_named=is_named):
            found.append(Planned(_alone(hub.settings, source, State.UNWANTED, _UNWANTED)))
        else:
            found.append(Planned(_told(hub.settings, source, one), one))
    return found


def _unasked(settings: Settings, source: str, *, is_named: bool) -> Webhook | None:
    """Return how a source stands whose vendor need not be asked, or cannot be."""
    role = str(getattr(settings.sources, source).role)
    if role in _ROLES:
        return _alone(settings, source, State.UNWANTED, _ROLES[role])
    is_wanted = _is_wanted(settings, source, is_named=is_named)
    if not is_wanted and (source not in SECRET_SHOWN or not settings.gateway.public_url):
        return _alone(settings, source, State.UNWANTED, _UNWANTED)
    if not settings.gateway.public_url:
        said = "gateway.public_url is not set, so no vendor can be told an address"
        return _alone(settings, source, State.UNSET, said, _SET_URL, ok=False)
    if source in BY_HAND:
        steps = BY_HAND[source].format(
            address=wanted(settings, source).base, variable=_variable(source)
        )
        said = "cannot be asked; its webhook is entered by hand"
        return _alone(settings, source, State.BY_HAND, said, steps)
    return None


def _is_wanted(settings: Settings, source: str, *, is_named: bool) -> bool:
    """Return whether hub.yaml wants webhooks: there is a secret, or the vendor is to make one."""
    block = getattr(settings.sources, source)
    has_secret = any(getattr(block, one, None) for one in ("webhook_secret", "signing_secret"))
    return has_secret or (is_named and (source in SECRET_SHOWN or source in BY_HAND))


def _alone(
    settings: Settings, source: str, state: State, said: str, hint: str = "", *, ok: bool = True
) -> Webhook:
    """Return the one line of a source whose parts are not known."""
    base = wanted(settings, source).base if settings.gateway.public_url else ""
    return Webhook(source, "", base, state, ok, said, hint)


def _variable(source: str) -> str:
    return secret_variable("sources", source, "webhook_secret")


def _keeping(hub: Hub, source: str) -> KeepsWebhooks:
    connector = hub.connector(source)
    if not isinstance(connector, KeepsWebhooks):
        raise ConfigError(f"the vendor of {source} does not tell its webhooks")
    return connector


def _asked(hub: Hub, source: str) -> Sequence[Compared | HubError]:
    """Return the vendor's webhooks, compared; or why the vendor refused."""
    want = wanted(hub.settings, source)
    try:
        return compare(_keeping(hub, source).registered(want), want)
    except HubError as exc:
        return [exc]


def _told(settings: Settings, source: str, one: Compared) -> Webhook:
    base, variable = wanted(settings, source).base, _variable(source)
    mends = f"hub webhooks register {source} mends it"
    words: dict[State, tuple[str, str]] = {
        State.RIGHT: (f"calls {base}", ""),
        State.MISSING: (f"no webhook calls {base}", f"hub webhooks register {source} makes it"),
        State.OFF: (
            "the webhook is switched off: the vendor has met 404 or 410, or a user did it",
            f"see that {base} answers; then {mends}",
        ),
        State.DIFFERS: ("; ".join(one.differs), mends),
        State.SECRET: (
            f"the secret that signs is not the one in {variable}",
            f"{SECRET_SHOWN.get(source, 'look it up at the vendor')}; set {variable} to it and start the gateway again",
        ),
        State.FAILING: (
            "; ".join(one.differs),
            f"see that {base} answers: does the gateway run, and does the proxy pass /hooks on?",
        ),
    }
    message, hint = words[one.state]
    is_right = one.state is State.RIGHT
    return Webhook(source, one.part, base, one.state, is_right, message, hint)


def _with_deed(one: Planned, *, renew: bool) -> Planned:
    if one.compared is None:
        return one
    if one.compared.state is State.MISSING:
        return replace(one, webhook=replace(one.webhook, does="make"))
    if one.compared.state in MENDED or renew:
        return replace(one, webhook=replace(one.webhook, does="mend"))
    return one


def _written(hub: Hub, ctx: Context, one: Planned) -> Webhook:
    webhook = one.webhook
    if not webhook.does or one.compared is None:
        return webhook
    want = wanted(hub.settings, webhook.source)
    try:
        _keeping(hub, webhook.source).register(webhook.part, want, one.compared.mine)
    except HubError as exc:
        said, hint = exc.message, exc.hint or ""
        return replace(webhook, state=State.REFUSED, ok=False, message=said, hint=hint, does="")
    log.info(
        "webhook_registered", source=webhook.source, part=webhook.part, did=webhook.does, by=ctx.who
    )
    return replace(webhook, state=State.RIGHT, ok=True, message=f"calls {webhook.address}", hint="")


def _after(hub: Hub, done: Webhook) -> Webhook:
    """Ask again where the vendor makes the secret: it may not be the one of the settings."""
    if not done.does or done.source not in SECRET_SHOWN:
        return done
    for one in _asked(hub, done.source):
        if isinstance(one, Compared) and one.part == done.part:
            return replace(_told(hub.settings, done.source, one), does=done.does)
    return done
