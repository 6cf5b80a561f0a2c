"""The webhooks of the account, as Zendesk's API has them: read them all, write the hub's own.

The hub's webhook is the one with its name. Zendesk makes the secret that signs, and shows it to an
administrator; it is compared with the one of the settings, and never printed.
https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/
"""

from collections.abc import Iterator, Sequence
from hmac import compare_digest
from urllib.parse import quote

import msgspec

from hub.connectors.answers import decode
from hub.connectors.own_webhooks import Registered, Wanted, permitted_by
from hub.connectors.zendesk.client import ZendeskClient, ZendeskConfig
from hub.errors import ConfigError, HubError, ProtocolError

ACCOUNT = "account"
NAME = "Lead Hub"
_PATH = "/webhooks"
_MOST_LISTED, _LAST = 100, 5
_MOST_PAGES = 100
_TYPE = "zen:event-type:"
# of what the hub reads of tickets, users and organizations; each list is at
# https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/
_EVENTS = (
    "ticket.created", "ticket.status_changed", "ticket.subject_changed", "ticket.priority_changed",
    "ticket.requester_changed", "ticket.organization_changed", "ticket.agent_assignment_changed",
    "ticket.tags_changed", "ticket.custom_field_changed", "ticket.merged", "ticket.soft_deleted",
    "ticket.permanently_deleted", "ticket.undeleted",
    "user.created", "user.name_changed", "user.details_changed", "user.custom_field_changed",
    "user.identity_created", "user.identity_changed", "user.identity_deleted", "user.active_changed",
    "user.organization_membership_created", "user.organization_membership_deleted",
    "user.tags_changed", "user.role_changed", "user.merged", "user.deleted",
    "organization.created", "organization.name_changed", "organization.custom_field_changed",
    "organization.tags_changed", "organization.deleted",
)  # fmt: skip
_RIGHT = (
    "webhooks are for administrators: take the e-mail and the token of one, or an OAuth token with the scopes"
    " webhooks:read and webhooks:write"
)


class _Webhook(msgspec.Struct):
    """An entry in the list of webhooks."""

    id: str = ""
    name: str = ""
    endpoint: str = ""
    status: str = ""
    http_method: str = ""
    request_format: str = ""
    subscriptions: list[str] = []  # msgspec copies an empty default


class _Meta(msgspec.Struct):
    has_more: bool = False
    after_cursor: str | None = None


class _Secret(msgspec.Struct):
    secret: str = ""


class _Invocation(msgspec.Struct):
    latest_completed_at: str = ""
    status_code: int | None = None


class Registration:
    """The webhooks of one account.

    Args:
        client: asks.
        config: has the secret that signs.
    """

    def __init__(self, client: ZendeskClient, config: ZendeskConfig) -> None:
        self._client, self._config = client, config

    def every(self, wanted: Wanted) -> Sequence[Registered]:
        """Return the account's webhooks; of the hub's own its secret and its last delivery are asked for."""
        with permitted_by(_RIGHT):
            return [self._registered(one, wanted) for one in self._listed()]

    def write(self, wanted: Wanted, mine: Registered | None) -> None:
        """Make the hub's webhook, or mend it."""
        body = {
            "webhook": {
                "name": NAME, "endpoint": wanted.url, "status": "active", "http_method": "POST",
                "request_format": "json", "subscriptions": [f"{_TYPE}{name}" for name in _EVENTS],
            }
        }  # fmt: skip
        with permitted_by(_RIGHT):
            try:
                if mine is None:
                    self._client.send("POST", _PATH, body)
                else:
                    self._client.send("PATCH", f"{_PATH}/{quote(mine.id, safe='')}", body)
            except ProtocolError as exc:
                raise ConfigError(
                    f"Zendesk does not accept the webhook: {exc.message}",
                    hint=f"a webhook of a trigger cannot get events: delete the webhook {NAME!r} in the Admin Center, "
                    "Apps and integrations, Webhooks, and run this again",
                ) from exc

    def _listed(self) -> Iterator[_Webhook]:
        params: dict[str, str | int] = {"page[size]": _MOST_LISTED}
        for _ in range(_MOST_PAGES):
            answer = self._client.get(_PATH, params)
            yield from (decode(raw, _Webhook) for raw in answer.items("webhooks"))
            meta = decode(answer.parts.get("meta", b"{}"), _Meta)
            if not meta.has_more or not meta.after_cursor:
                return
            params["page[after]"] = meta.after_cursor
        raise ProtocolError(f"zendesk: the list of webhooks has more than {_MOST_PAGES} pages")

    def _registered(self, one: _Webhook, wanted: Wanted) -> Registered:
        is_marked = one.name == NAME
        found = Registered(one.endpoint, one.status == "active", id=one.id, is_marked=is_marked)
        if not is_marked and one.endpoint != wanted.url:
            return found
        return Registered(
            found.url, found.is_enabled, id=found.id, is_marked=is_marked,
            lacks=tuple(_lacks(one)), failed=self._failed(one.id), has_secret=self._has_secret(one.id),
        )  # fmt: skip

    def _has_secret(self, id_: str) -> bool:
        answer = self._client.get(f"{_PATH}/{quote(id_, safe='')}/signing_secret")
        secret = decode(answer.parts.get("signing_secret", b"{}"), _Secret).secret
        ours = self._config.webhook_secret
        return bool(secret) and compare_digest(secret.encode(), ours.encode())

    def _failed(self, id_: str) -> str:
        """Return what became of the last delivery, "" if it was taken or there is none."""
        try:
            answer = self._client.get(
                f"{_PATH}/{quote(id_, safe='')}/invocations", {"page[size]": _LAST}
            )
        except HubError:  # beside the webhook itself it is only a hint
            return ""
        calls = [decode(raw, _Invocation) for raw in answer.items("invocations")]
        last = max(calls, key=lambda one: one.latest_completed_at, default=None)
        if last is None or not last.latest_completed_at or _is_good(last.status_code):
            return ""
        said = f"was answered {last.status_code}" if last.status_code else "got no answer"
        return f"its last delivery, at {last.latest_completed_at}, {said}"


def _lacks(one: _Webhook) -> Iterator[str]:
    has = set(one.subscriptions)
    missing = [name for name in _EVENTS if f"{_TYPE}{name}" not in has]
    if missing:
        named = ", ".join(missing[:3]) + (" and more" if len(missing) > 3 else "")  # noqa: PLR2004
        yield f"it does not send {named}"
    if (one.http_method, one.request_format) != ("POST", "json"):
        yield "it does not send JSON by POST"


def _is_good(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004
