"""The answers of the public API as models, and their documentation. One form for everything that is no success."""

from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.gateway.guard import problem

BUSY_S = 60
"""Seconds after which a sender may try again where the inbox is full."""


class Accepted(BaseModel):
    """The request is on the disk."""

    model_config = ConfigDict(frozen=True)

    status: str = Field("accepted", description="Always `accepted`.")


class Problem(BaseModel):
    """The request was not taken."""

    model_config = ConfigDict(frozen=True)

    error: str = Field(description="A word for programs.")
    message: str = Field(description="What happened.")
    request_id: str = Field(description="The request in the logs of the hub.")


_SAYS = {
    400: "The body is not what this address takes.",
    401: "The signature, secret or token is missing, wrong or not recent.",
    403: "The token may not do this.",
    404: "There is no such address here.",
    405: "The address does not take this method.",
    408: "The request did not arrive in time.",
    409: "The hub has as many as it takes.",
    410: "The source is retired: stop sending.",
    413: "The body is too large.",
    415: "The body has a media type that this address does not take.",
    422: "A value of the body is wrong.",
    429: "Too much at once: try again after the seconds in `Retry-After`.",
    503: "The hub cannot store the request now: try again.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these statuses, and of those that every address may give."""
    every = sorted({*statuses, 400, 408, 413, 503})
    return {status: {"model": Problem, "description": _SAYS[status]} for status in every}


def refuse(request: Request, status: int, code: str, message: str, **headers: str) -> Response:
    """Return the answer of a request that is not taken."""
    body = problem(code, message, request.state.request_id)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, names, media_type="application/json")


def full(request: Request) -> Response:
    """Return the answer while the inbox is full."""
    message = "the inbox of the hub is full; try again later"
    return refuse(request, 429, "full", message, retry_after=str(BUSY_S))


def not_stored(request: Request) -> Response:
    """Return the answer while the database takes nothing."""
    message = "the hub cannot store anything now; try again soon"
    return refuse(request, 503, "not_stored", message, retry_after="5")
