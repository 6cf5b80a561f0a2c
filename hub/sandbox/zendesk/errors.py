"""Errors as the vendor writes them: `{error, description, details}`; a 401 has `error` alone."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An error that becomes the HTTP answer.

    Args:
        status: HTTP status.
        error: the vendor's code.
        description: the vendor's text; left out if empty.
        details: field → its errors.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        error: str,
        description: str = "",
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(description or error)
        self.status, self.error, self.description = status, error, description
        self.details = details or {}
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the answer's body."""
        body: dict[str, Any] = {"error": self.error}
        if self.description:
            body["description"] = self.description
        if self.details:
            body["details"] = {
                name: [{"description": text, "error": "InvalidValue"}]
                for name, text in self.details.items()
            }
        return body


def not_found() -> ApiError:
    """Return the error for an unknown record."""
    return ApiError(404, "RecordNotFound", "Not found")


def invalid(**details: str) -> ApiError:
    """Return the error for a record with invalid values."""
    return ApiError(422, "RecordInvalid", "Record validation errors", details=details)


def bad_value(text: str) -> ApiError:
    """Return the error for an invalid parameter."""
    return ApiError(400, "InvalidValue", text)
