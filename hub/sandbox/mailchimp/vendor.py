"""The description of the emulated Mailchimp for the sandbox."""

import itertools

from starlette.applications import Starlette

from hub.sandbox.mailchimp.app import create_app
from hub.sandbox.mailchimp.errors import PROBLEM_HEADERS, problem
from hub.sandbox.vendor import Asked, Refusal, Vendor
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


def revoke(_asked: Asked) -> Refusal:
    """Return the 401 of a disabled key."""
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return 401, PROBLEM_HEADERS, problem(401, "API Key Invalid", detail)


def forbid(asked: Asked, part: str) -> Refusal | None:
    """Return the 403 of an audience that the key's user may not see."""
    if not asked.is_under(part):
        return None
    detail = "You don't have permission to access the requested resource."
    return 403, PROBLEM_HEADERS, problem(403, "User Does Not Have Permission", detail)


MAILCHIMP = Vendor(
    name="mailchimp",
    create_app=_create,
    credentials={"api_key": "mailchimp_key"},
    env={"HUB_SOURCES__MAILCHIMP__API_KEY": "mailchimp_key"},
    refuse=refuse,
    revoke=revoke,
    forbid=forbid,
    webhook_secret="mailchimp_secret",  # noqa: S106  # a key, not the secret
)
