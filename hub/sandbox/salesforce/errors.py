"""Errors as Salesforce words them: a list of one object, with an upper-case code.

Not here: OAuth errors (an object, `oauth.py`) and SOAP faults (`soap.py`).
"""


class ApiError(Exception):
    """An answer other than success.

    Args:
        status: HTTP status.
        code: `errorCode` of the body.
        message: `message` of the body, in the vendor's words.
        fields: the fields it is about; the key is left out of the body when None.
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
    """Put a query's line, a caret and the row and column before a message, as the vendor does."""
    before = query[:position]
    row = before.count("\n") + 1
    start = before.rfind("\n") + 1
    end = query.find("\n", position)
    line = query[start : end if end >= 0 else len(query)]
    column = position - start + 1
    caret = " " * (column - 1) + "^"
    return f"\n{line}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}"
