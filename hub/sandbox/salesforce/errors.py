"""Errors as Salesforce writes them: a list with one object that has an upper-case code.

Not here: OAuth errors (an object, `oauth.py`) and SOAP faults (`soap.py`).
"""


class ApiError(Exception):
    """An error that becomes the HTTP answer.

    Args:
        status: HTTP status.
        code: `errorCode` of the body.
        message: `message` of the body, the vendor's text.
        fields: `fields` of the body; None leaves the key out.
    """

    def __init__(
        self, status: int, code: str, message: str, fields: list[str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> list[dict[str, object]]:
        """Return the JSON body."""
        entry: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = self.fields
        return [entry]


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Return the 404 of an unknown path or record."""
    return ApiError(404, "NOT_FOUND", message)


def at_position(query: str, position: int, message: str) -> str:
    """Return the message after the query's line, a caret and row and column, like the vendor."""
    before = query[:position]
    row = before.count("\n") + 1
    start = before.rfind("\n") + 1
    end = query.find("\n", position)
    line = query[start : end if end >= 0 else len(query)]
    column = position - start + 1
    caret = " " * (column - 1) + "^"
    return f"\n{line}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}"
