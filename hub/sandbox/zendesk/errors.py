"""Refusals as the vendor words them: `{error, description, details}`, of a 401 only a sentence."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """A refusal.

    Args:
        status: of the HTTP answer.
        error: the vendor's own name for it.
        description: a sentence; left out if empty.
        details: field → what is wrong with it.
        headers: sent along.
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
    """Return the refusal of an unknown record."""
    return ApiError(404, "RecordNotFound", "Not found")


def invalid(**details: str) -> ApiError:
    """Return the refusal of a record with wrong values."""
    return ApiError(422, "RecordInvalid", "Record validation errors", details=details)


def bad_value(text: str) -> ApiError:
    """Return the refusal of a wrong parameter."""
    return ApiError(400, "InvalidValue", text)
