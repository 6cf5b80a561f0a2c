"""Errors in the vendor's envelope."""

import uuid
from typing import Any

_SCOPES = "https://developers.hubspot.com/scopes"


class ApiError(Exception):
    """An error that becomes the HTTP answer.

    Args:
        status: HTTP status.
        category: the vendor's code.
        message: the vendor's text.
        more: further keys of the envelope.
    """

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.more = more

    def body(self) -> dict[str, Any]:
        """Return the envelope."""
        return {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
            **({"category": self.category} if self.category else {}),
            **self.more,
        }


def invalid(message: str, **more: Any) -> ApiError:
    """Return the 400 of an invalid request."""
    return ApiError(400, "VALIDATION_ERROR", message, **more)


def not_found() -> ApiError:
    """Return the 404 of a missing or deleted record."""
    return ApiError(404, "OBJECT_NOT_FOUND", "resource not found")


def no_credentials() -> ApiError:
    """Return the 401 of missing or wrong credentials."""
    return ApiError(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you"
        " can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def no_scope(scope: str) -> ApiError:
    """Return the 403 of a token without the scope."""
    wanted = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]},
    }
    return ApiError(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about"
        f" required scopes here: {_SCOPES}.",
        errors=[wanted],
        links={"scopes": _SCOPES},
    )


def too_many(policy: str) -> ApiError:
    """Return the 429 of a limit: `SECONDLY` or `TEN_SECONDLY_ROLLING`."""
    name = "secondly" if policy == "SECONDLY" else "ten_secondly_rolling"
    return ApiError(
        429,
        "RATE_LIMITS" if policy == "SECONDLY" else "",
        f"You have reached your {name} limit.",
        errorType="RATE_LIMIT",
        policyName=policy,
        requestId=str(uuid.uuid4()),
    )
