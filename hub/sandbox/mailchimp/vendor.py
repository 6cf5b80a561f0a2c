"""The description of the emulated Mailchimp for the sandbox."""

import itertools

from starlette.applications import Starlette

from hub.sandbox.mailchimp.app import create_app
from hub.sandbox.mailchimp.errors import PROBLEM_HEADERS, problem
from hub.sandbox.vendor import Refusal, Vendor
from hub.sandbox.world import World

_BUSY = itertools.cycle((429, 403, 429))
_SAYS_WHY = itertools.cycle((True, False, False))


def _create(world: World, _strict: bool) -> Starlette:  # noqa: FBT001  # the table's signature
    return create_app(world)


def refuse(kind: str, status: int) -> Refusal:
    """Return a problem document. Two of three rate-limit answers have no body."""
    if kind != "rate_limit":
        title = "InternalServerError"
        return status, PROBLEM_HEADERS, problem(status, title, "An unexpected error occurred.")
    status, says_why = next(_BUSY), next(_SAYS_WHY)
    if not says_why:
        return status, {}, b""
    detail = "You have exceeded the limit of 10 simultaneous connections."
    return status, PROBLEM_HEADERS, problem(status, "Too Many Requests", detail)


MAILCHIMP = Vendor(
    name="mailchimp",
    create_app=_create,
    credentials={"api_key": "mailchimp_key"},
    env={"HUB_SOURCES__MAILCHIMP__API_KEY": "mailchimp_key"},
    refuse=refuse,
    webhook_secret="mailchimp_secret",  # noqa: S106  # a key, not the secret
)
