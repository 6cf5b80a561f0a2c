"""The webhooks of each form, as Typeform's API has them: read them all, write the hub's own.

The hub's webhook is the one with its tag. Typeform shows no secret of a webhook, so whether a webhook signs
with the secret of the settings is not known.
https://www.typeform.com/developers/webhooks/reference/create-or-update-webhook/
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from hub.connectors.answers import decode
from hub.connectors.own_webhooks import Registered, Wanted, permitted_by
from hub.connectors.typeform.client import TypeformClient, TypeformConfig
from hub.errors import ConfigError, ProtocolError

TAG = "lead-hub"
_EVENT = "form_response"
_READS = "make a token with the scope webhooks:read, beside forms:read and responses:read"
_WRITES = "make a token with the scopes webhooks:read and webhooks:write, beside forms:read and responses:read"


class _Webhook(msgspec.Struct):
    """An entry in the list of a form's webhooks."""

    tag: str = ""
    url: str = ""
    enabled: bool = False
    verify_ssl: bool = True
    event_types: dict[str, bool] = {}  # msgspec copies an empty default


class Registration:
    """The webhooks of one account.

    Args:
        client: asks.
        config: has the secret that signs.
    """

    def __init__(self, client: TypeformClient, config: TypeformConfig) -> None:
        self._client, self._config = client, config

    def of_form(self, form: str) -> Sequence[Registered]:
        """Return a form's webhooks; none of a form that is gone."""
        with permitted_by(_READS):
            answer = self._client.find(_path(form))
        return [_registered(raw) for raw in answer.items("items")] if answer else []

    def write(self, form: str, wanted: Wanted, mine: Registered | None) -> None:
        """Make the hub's webhook of a form, or mend it."""
        tag = mine.id if mine is not None else TAG
        body = {
            "url": wanted.url, "enabled": True, "secret": self._config.webhook_secret,
            "verify_ssl": True, "event_types": {_EVENT: True},
        }  # fmt: skip
        with permitted_by(_WRITES):
            try:
                self._client.put(f"{_path(form)}/{quote(tag, safe='')}", body)
            except ProtocolError as exc:
                raise ConfigError(
                    f"Typeform does not accept the webhook: {exc.message}",
                    hint=f"Typeform takes addresses that it can reach from outside; the address is {wanted.base}",
                ) from exc


def _registered(raw: bytes) -> Registered:
    one = decode(raw, _Webhook)
    lacks = []
    if not one.event_types.get(_EVENT, True):
        lacks.append(f"it does not send {_EVENT}")
    if not one.verify_ssl:
        lacks.append("it does not check the certificate of the address")
    return Registered(
        one.url, one.enabled, id=one.tag, is_marked=one.tag == TAG, lacks=tuple(lacks)
    )


def _path(form: str) -> str:
    return f"/forms/{quote(form, safe='')}/webhooks"
