"""The errors of Zendesk Sell: one envelope for all of them, with a code and, for a field, its pointer."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.sandbox.ids import scrambled

Json = dict[str, Any]
DOCS = "https://developers.getbase.com/docs/rest/articles/errors"
_LINKS = {"more_info": DOCS}
_STATUSES = {
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    410: "410 Gone",
    422: "422 Unprocessable Entity",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}


def problem(code: str, message: str, details: str, *, resource: str = "", field: str = "") -> Json:
    """Return one entry of an error's list."""
    known = {"resource": resource, "field": field}
    said = {key: value for key, value in known.items() if value}
    return {**said, "code": code, "message": message, "details": details}


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: the HTTP status.
        problems: what is wrong, as `problem` makes it.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, problems: Sequence[Json], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {problems[0]['message']}")
        self.status = status
        self.problems = list(problems)
        self.headers = dict(headers or {})

    def body(self, request_id: str) -> Json:
        """Return the body; the request's id stands in it as `logref`."""
        return {
            "errors": [
                {"error": one, "meta": {"type": "error", "links": _LINKS}} for one in self.problems
            ],
            "meta": {
                "type": "errors",
                "http_status": _STATUSES[self.status],
                "logref": request_id,
                "links": _LINKS,
            },
        }


def request_id_of(*parts: object) -> str:
    """Return a request's id in the vendor's form: four groups of five letters and digits."""
    text = scrambled("/".join(map(str, parts)), 20)
    return "-".join(text[start : start + 5] for start in range(0, 20, 5))


def unauthorized() -> ApiError:
    """Return the 401 of a missing, wrong or expired token."""
    details = "The access token is missing, invalid, expired or revoked."
    return ApiError(
        401,
        [problem("unauthorized", "unauthorized", details)],
        {"www-authenticate": 'Bearer realm="api.getbase.com"'},
    )


def forbidden(scope: str) -> ApiError:
    """Return the 403 of a token that may not do this."""
    details = f"The access token has not the scope that is needed: {scope}."
    return ApiError(403, [problem("insufficient_scope", "insufficient scope", details)])


def not_found() -> ApiError:
    """Return the 404 of an unknown record."""
    details = "The requested resource could not be found."
    return ApiError(404, [problem("not_found", "resource not found", details)])


def no_path() -> ApiError:
    """Return the 404 of an unknown path."""
    details = "The requested path does not exist."
    return ApiError(404, [problem("incorrect_path", "incorrect path", details)])


def too_many() -> ApiError:
    """Return the 429. The vendor says neither what is left nor how long to wait."""
    details = "You have exceeded the number of requests that are allowed for your access token."
    return ApiError(429, [problem("rate_limit_exceeded", "rate limit exceeded", details)])


def bad_param(name: str, why: str) -> ApiError:
    """Return the 400 of a wrong query parameter."""
    details = f"The request query parameter '{name}' is malformed, missing, or has an invalid value ({why})"
    return ApiError(400, [problem("invalid_param", "invalid request query parameter", details)])


def bad_header(code: str, details: str) -> ApiError:
    """Return the 400 of a missing or wrong header."""
    return ApiError(400, [problem(code, "invalid header", details)])


def bad_payload(details: str) -> ApiError:
    """Return the 400 of a body that is not the JSON of an envelope."""
    return ApiError(400, [problem("invalid_payload", "invalid payload", details)])


def gone(details: str) -> ApiError:
    """Return the 410 of a position that the stream no longer has."""
    return ApiError(410, [problem("not_found", "position is gone", details)])
