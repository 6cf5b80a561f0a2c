"""Objects that the user may not read: Salesforce answers as if they did not exist."""

import re

from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.schema import object_of_stream


def object_of(part: str) -> str:
    """Return the object of a part of the account."""
    return object_of_stream(part) or part


def hidden_type(query: str, part: str) -> ApiError | None:
    """Return the refusal of a query that reads a forbidden object, None for any other query."""
    name = object_of(part)
    if not re.search(rf"\bfrom\s+{re.escape(name)}\b", query, re.IGNORECASE):
        return None
    return ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
