"""The size limit of Salesforce for URL and headers: 16,384 bytes together.

A longer URL gets a 414. Too long headers get a 431. Both answers are pages of the web server, not
JSON of the API. https://help.salesforce.com/s/articleView?id=000386264
Not here: the length limit of a query (`soql.py`), a query in a body (`composite.py`).
"""

from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 16_384
_HTML = b"text/html;charset=iso-8859-1"
_COLON_AND_END = 4  # ": " and CRLF of a header line


class Lengths:
    """ASGI middleware that refuses a request with a too long URL or too long headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it is short enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address_n = _address_length(scope)
        headers_n = sum(len(k) + len(v) + _COLON_AND_END for k, v in scope["headers"])
        if address_n > MOST_BYTES:
            await _refuse(send, 414, "URI Too Long")
        elif address_n + headers_n > MOST_BYTES:
            await _refuse(send, 431, "Request Header Fields Too Large")
        else:
            await self.app(scope, receive, send)


def _address_length(scope: Scope) -> int:
    """Return the number of bytes of path and query, still encoded."""
    path = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return len(path) + (1 + len(query) if query else 0)


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>".encode()
    headers = [(b"content-type", _HTML), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
