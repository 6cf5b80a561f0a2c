"""Read the answers of JSON APIs, in the same way for each vendor.

In: body and headers of a response. Out: an `Answer`, whose top-level values are still bytes, or a
`HubError`. Not here: what a vendor's values mean, and error codes of one vendor (each client has
its own).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec
import requests

from hub.connectors.http import (
    HINTS,
    describe_call,
    error_for_exception,
    error_for_status,
    http_date,
    make_error,
    safe_code,
)
from hub.connectors.session import VendorSession
from hub.connectors.slices import slice_list
from hub.errors import HubError, ProtocolError, TransientError

_T = TypeVar("_T")
_CONTENT_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}", re.IGNORECASE)
_MOST_TOKEN = 4096  # characters; a cursor travels in an address, and is stored with each page
_READ, _WRITTEN = frozenset({200}), frozenset({200, 201})


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful answer.

    Args:
        body: its bytes as received.
        parts: its top-level values, still as bytes.
        at: the vendor's time.
        where: method, host and path of the call, for messages.
    """

    body: bytes
    parts: Mapping[str, msgspec.Raw]
    at: datetime | None
    where: str

    def value(self, key: str) -> object:
        """Return the value of a top-level key, None without one."""
        return _read(self.parts.get(key), object)

    def number(self, key: str) -> int | None:
        """Return the whole number of a top-level key, None without one."""
        return _read(self.parts.get(key), int)

    def text(self, key: str) -> str:
        """Return the text of a top-level key, "" without one."""
        return _read(self.parts.get(key), str) or ""

    def token(self, key: str) -> str:
        """Return the cursor of a top-level key, "" for null; raise `ProtocolError` for no text."""
        return check_token(self.value(key), where=f"{self.where}: {key}")

    def count(self, key: str) -> int:
        """Return the count of a top-level key; raise `ProtocolError` unless it is 0 or greater."""
        number = self.number(key)
        if number is None or number < 0:
            raise ProtocolError(f"{self.where}: the answer has no count {key}")
        return number

    def items(self, key: str) -> list[bytes]:
        """Return the bytes of each element of a list; raise `ProtocolError` without a list."""
        try:
            return slice_list(self.body, key)
        except ValueError as exc:
            raise ProtocolError(f"{self.where}: the answer has no list {key}") from exc

    def present(self) -> datetime:
        """Return the vendor's time; raise `ProtocolError` without a `Date` header."""
        if self.at is None:
            raise ProtocolError(f"{self.where}: the answer carries no Date")
        return self.at


def to_answer(body: bytes, headers: Mapping[str, str], *, where: str) -> Answer:
    """Return an answer made of a body; raise `TransientError` if it is not a JSON object."""
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise not_an_object(headers, where=where) from exc
    return Answer(body, parts, http_date(headers.get("Date", "")), where)


def not_an_object(headers: Mapping[str, str], *, where: str) -> HubError:
    """Return the error for a body that is no JSON object; a proxy may have sent it: retry."""
    said = headers.get("Content-Type", "").partition(";")[0].strip()
    named = f" ({said})" if _CONTENT_TYPE.fullmatch(said) else ""
    return make_error(TransientError, f"{where}: the answer{named} is not a JSON object")


def get(
    session: VendorSession, url: str, params: Mapping[str, str | int], *, code_key: str
) -> Answer:
    """Return the answer to one GET; raises a `HubError` unless it is a 200 with a JSON object.

    Args:
        session: sends it.
        url: without a query.
        params: the query.
        code_key: the key of the vendor's error code in the body of an error.
    """
    return _judge(_send(session, url, params), code_key, describe_call("GET", url))


def find(
    session: VendorSession, url: str, params: Mapping[str, str | int], *, code_key: str
) -> Answer | None:
    """Return the answer to one GET as `get` does, but None for 404."""
    response = _send(session, url, params)
    is_gone = response.status_code == requests.codes.not_found
    return None if is_gone else _judge(response, code_key, describe_call("GET", url))


def send(
    session: VendorSession, method: str, url: str, body: Mapping[str, object], *, code_key: str
) -> Answer:
    """Return the answer to one request that writes; raises a `HubError` unless the vendor has done it.

    Args:
        session: sends it.
        method: of HTTP.
        url: without a query.
        body: sent as JSON.
        code_key: the key of the vendor's error code in the body of an error.
    """
    where = describe_call(method, url)
    try:
        response = session.request(method, url, json=dict(body))
    except requests.RequestException as exc:
        raise error_for_exception(exc, where=where) or ProtocolError(
            f"{where}: {type(exc).__name__}"
        ) from exc
    if response.status_code == requests.codes.no_content:
        return Answer(b"", {}, None, where)
    return _judge(response, code_key, where, _WRITTEN)


def _send(session: VendorSession, url: str, params: Mapping[str, str | int]) -> requests.Response:
    try:
        return session.get(url, params=params)
    except requests.RequestException as exc:
        where = describe_call("GET", url)
        error = error_for_exception(exc, where=where)
        raise error or ProtocolError(f"{where}: {type(exc).__name__}") from exc


def _judge(
    response: requests.Response, code_key: str, where: str, good: frozenset[int] = _READ
) -> Answer:
    if response.status_code in good:
        return to_answer(response.content, response.headers, where=where)
    code = safe_code(decode(response.content, dict[str, object]).get(code_key))
    raise error_for_status(response.status_code, where=where, code=code, headers=response.headers)


def check_token(value: object, *, where: str) -> str:
    """Return a cursor of the vendor, "" for null; raises `ProtocolError` if it is not a text."""
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= _MOST_TOKEN:
        return value
    raise ProtocolError(f"{where} is not a cursor", hint=HINTS[ProtocolError])


def not_found(url: str) -> HubError:
    """Return the error for a GET that was answered with 404 although the object must exist."""
    return error_for_status(requests.codes.not_found, where=describe_call("GET", url))


def decode(raw: bytes | msgspec.Raw, kind: type[_T]) -> _T:
    """Return a decoded object; an object of another shape becomes an empty one."""
    found = _read(raw, kind)
    return kind() if found is None else found


def _read(raw: bytes | msgspec.Raw | None, kind: type[_T]) -> _T | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
