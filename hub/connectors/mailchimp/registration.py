"""The webhooks of each audience, as Mailchimp's API has them: read them all, write the hub's own.

Mailchimp's webhooks have no name. The hub's webhook is the one whose address is the hub's, with whatever
secret, or has the hub's secret in it. When a webhook is saved, Mailchimp asks for its address by GET.
https://mailchimp.com/developer/marketing/api/list-webhooks/
"""

from collections.abc import Sequence

import msgspec

from hub.connectors.answers import decode
from hub.connectors.mailchimp.client import MailchimpClient, MailchimpConfig
from hub.connectors.own_webhooks import Registered, Wanted
from hub.errors import ConfigError, ProtocolError

_EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail")
# by default Mailchimp tells nothing of what other programs change
_SOURCES = ("user", "admin", "api")


class _Webhook(msgspec.Struct):
    """An entry in the list of an audience's webhooks."""

    id: str = ""
    url: str = ""
    events: dict[str, bool] = {}  # msgspec copies an empty default
    sources: dict[str, bool] = {}


class Registration:
    """The webhooks of one account.

    Args:
        client: asks.
        config: has the secrets.
    """

    def __init__(self, client: MailchimpClient, config: MailchimpConfig) -> None:
        self._client, self._config = client, config

    def of_list(self, list_id: str, wanted: Wanted) -> Sequence[Registered]:
        """Return a list's webhooks; none of a list that is gone."""
        answer = self._client.webhooks(list_id)
        return [_registered(raw, wanted) for raw in answer.items("webhooks")] if answer else []

    def write(self, list_id: str, wanted: Wanted, mine: Registered | None) -> None:
        """Make the hub's webhook of a list, or mend it."""
        if mine is None and self._config.signing_secret:
            # it is in the answer to the request that makes a webhook, and nowhere else; a command prints none
            raise ConfigError(
                "a new webhook gets a signing secret of its own, and the settings have another one",
                hint="take HUB_SOURCES__MAILCHIMP__SIGNING_SECRET away, or enter the webhook at Mailchimp by hand",
            )
        body = {
            "url": wanted.url,
            "events": dict.fromkeys(_EVENTS, True),
            "sources": dict.fromkeys(_SOURCES, True),
        }
        try:
            if mine is None:
                self._client.add_webhook(list_id, body)
            else:
                self._client.change_webhook(list_id, mine.id, body)
        except ProtocolError as exc:
            raise ConfigError(
                f"Mailchimp does not accept the webhook: {exc.message}",
                hint=f"Mailchimp asks for {wanted.base} by GET: the gateway must run, and be reached from outside",
            ) from exc


def _registered(raw: bytes, wanted: Wanted) -> Registered:
    one = decode(raw, _Webhook)
    off = [f"the event {name} is off" for name in _EVENTS if not one.events.get(name)]
    off += [f"changes by {name} are left out" for name in _SOURCES if not one.sources.get(name)]
    has_base = one.url == wanted.base or one.url.startswith(f"{wanted.base}/")
    has_secret = bool(wanted.secret) and one.url.endswith(f"/{wanted.secret}")
    return Registered(
        one.url, is_enabled=True, id=one.id, is_marked=has_base or has_secret, lacks=tuple(off)
    )
