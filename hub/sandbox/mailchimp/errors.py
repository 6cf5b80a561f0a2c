"""Errors as the vendor writes them: problem documents (RFC 7807)."""

import json
from collections.abc import Sequence
from typing import Any

PROBLEM_HEADERS = {"content-type": "application/problem+json; charset=utf-8"}
_TYPE = "https://mailchimp.com/developer/marketing/docs/errors/"


class ApiError(Exception):
    """An error that becomes the HTTP answer.

    Args:
        status: HTTP status.
        title: the vendor's name of the error.
        detail: the vendor's text.
        errors: the errors by field.
    """

    def __init__(
        self, status: int, title: str, detail: str, errors: Sequence[dict[str, str]] = ()
    ) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail
        self.errors = list(errors)

    def body(self) -> bytes:
        """Return the answer's body."""
        return problem(self.status, self.title, self.detail, self.errors)


def problem(status: int, title: str, detail: str, errors: Sequence[dict[str, str]] = ()) -> bytes:
    """Return a problem document."""
    said: dict[str, Any] = {
        "type": _TYPE,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "5b6f8b0e-0000-4000-8000-000000000000",
    }
    if errors:
        said["errors"] = list(errors)
    return json.dumps(said).encode()


def not_found() -> ApiError:
    """Return the error for a missing resource."""
    return ApiError(404, "Resource Not Found", "The requested resource could not be found.")


def invalid(field: str, message: str) -> ApiError:
    """Return the error for one invalid field."""
    return ApiError(
        400,
        "Invalid Resource",
        "The resource submitted could not be validated. For field-specific details, see the "
        "'errors' array.",
        [{"field": field, "message": message}],
    )


def member_exists(email: str) -> ApiError:
    """Return the error for a member who is on the list already."""
    return ApiError(
        400,
        "Member Exists",
        f"{email} is already a list member. Use PUT to insert or update list members.",
    )
