"""Errors as the vendor writes them: `{code, description}`."""


class ApiError(Exception):
    """An error that becomes the HTTP answer.

    Args:
        status: HTTP status.
        code: the vendor's code.
        description: the vendor's text.
    """

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description

    def body(self) -> dict[str, str]:
        """Return the answer's body."""
        return {"code": self.code, "description": self.description}


def form_not_found() -> ApiError:
    """Return the error for an unknown form."""
    return ApiError(404, "FORM_NOT_FOUND", "Non existing form")
