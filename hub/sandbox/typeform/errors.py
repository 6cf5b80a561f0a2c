"""Refusals as the vendor words them: `{code, description}`."""


class ApiError(Exception):
    """A refusal.

    Args:
        status: of the HTTP answer.
        code: the vendor's own name for it.
        description: a sentence.
    """

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description

    def body(self) -> dict[str, str]:
        """Return the answer's body."""
        return {"code": self.code, "description": self.description}


def form_not_found() -> ApiError:
    """Return the refusal of an unknown form."""
    return ApiError(404, "FORM_NOT_FOUND", "Non existing form")
