"""Salesforce's error codes and their error classes; they take precedence over the HTTP status.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from collections.abc import Mapping

from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError

from hub.connectors.http import (
    class_for_status,
    error_for_exception,
    make_error,
    safe_code,
)
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)

CODES: Mapping[str, type[HubError]] = {
    "REQUEST_LIMIT_EXCEEDED": BudgetError,
    "INVALID_SESSION_ID": CredentialError,
    "API_DISABLED_FOR_ORG": CredentialError,
    "API_CURRENTLY_DISABLED": CredentialError,
    "INSUFFICIENT_ACCESS": ForbiddenError,
    "INSUFFICIENT_ACCESS_OR_READONLY": ForbiddenError,
    "INVALID_TYPE": ForbiddenError,  # Salesforce hides an object that the user may not see
    "NOT_FOUND": ForbiddenError,
    "INVALID_FIELD": ConfigError,  # a field vanished, or was hidden, since describe
    "UNSUPPORTED_API_VERSION": ConfigError,
    "GONE": ConfigError,
    "QUERY_TOO_COMPLICATED": ConfigError,  # formulas are expanded before the length is counted
    "QUERY_TIMEOUT": TransientError,
    "INVALID_QUERY_LOCATOR": TransientError,  # the keyset asks again from the last record
    "INVALID_REPLICATION_DATE": ProtocolError,
    "MALFORMED_QUERY": ProtocolError,
    "SERVER_UNAVAILABLE": TransientError,
    "UNKNOWN_EXCEPTION": TransientError,
    "UNABLE_TO_LOCK_ROW": TransientError,
    # codes of the logins
    "LOGIN_RATE_EXCEEDED": TransientError,
    "login_rate_exceeded": TransientError,
    "server_error": TransientError,
    "temporarily_unavailable": TransientError,
    "unknown_error": TransientError,
}

_HINTS: Mapping[str, str] = {
    "INVALID_FIELD": "a field changed during the run; run again, and check field-level security",
    "QUERY_TOO_COMPLICATED": "hide unused formula fields from the integration user",
    "INVALID_TYPE": "give the integration user 'Read' and 'View All' on the object",
    "NOT_FOUND": "give the integration user 'Read' and 'View All' on the object",
    "UNSUPPORTED_API_VERSION": "set the source's api_version to one that Salesforce still serves",
    "GONE": "set the source's api_version to one that Salesforce still serves",
    "API_DISABLED_FOR_ORG": "the edition has no API, or the user lacks 'API Enabled'",
    "invalid_client": "the consumer secret is wrong: copy it again from the app's settings",
    "invalid_client_id": "the consumer key is wrong, or the app is younger than ten minutes",
    "invalid_grant": "the app's client-credentials flow needs a 'Run As' user; see its policies",
    "INVALID_LOGIN": "user name, password or security token is wrong",
    "INSUFFICIENT_ACCESS": "SOAP login needs the permission 'Use Any API Auth'",
}


def error_code(content: object) -> str:
    """Return the code in an error body: a list of objects, or an OAuth object."""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, Mapping):
        return ""
    return safe_code(first.get("errorCode") or first.get("error"))


def error_for_code(
    code: str, status: int, *, where: str, is_concurrency: bool = False
) -> HubError | None:
    """Return the error for a code in the table, None for any other code."""
    kind = TransientError if is_concurrency else CODES.get(code)
    if kind is None:
        return None
    return make_error(kind, f"{where} answered {status} {code}", hint=_HINTS.get(code))


def translate(error: BaseException, *, where: str) -> HubError | None:
    """Return the error for an SDK exception, None for any other exception."""
    if isinstance(error, SalesforceAuthenticationFailed):
        return _login_error(error)
    if isinstance(error, SalesforceError):
        code = error_code(error.content)
        # the code for too many long calls at once is the code for a used-up day
        concurrent = code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in str(error.content).lower()
        known = error_for_code(code, error.status, where=where, is_concurrency=concurrent)
        return known or error_for_exception(error, where=where, code=code)
    return error_for_exception(error, where=where)


def _login_error(error: SalesforceAuthenticationFailed) -> HubError:
    where = "Salesforce login"
    if isinstance(error.code, int):  # the SDK could not read the answer, only its status is known
        unread = error.code < 400  # noqa: PLR2004  # a success without JSON was cut short
        kind = TransientError if unread else class_for_status(error.code)
        return make_error(kind, f"{where}: an answer of status {error.code} could not be read")
    code = safe_code(str(error.code or "").removeprefix("sf:"))
    kind = CODES.get(code, CredentialError)
    if kind is ForbiddenError:  # the login itself is refused, so nothing can be read
        kind = CredentialError
    return make_error(kind, f"{where} refused: {code or 'no reason given'}", hint=_HINTS.get(code))
