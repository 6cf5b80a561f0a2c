"""The longest address and headers that Salesforce takes: 16,384 bytes together.

A longer address is 414, address and headers together 431, both with the page of the web server in
front, not with the API's JSON. https://help.salesforce.com/s/articleView?id=000386264
Not here: the length of a query (`soql.py`), which a body may hold (`composite.py`).
"""

from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 16_384
_HTML = b"text/html;charset=iso-8859-1"
_COLON_AND_END = 4  # ": " and CRLF of a header line


class Lengths:
    """ASGI middleware: refuses a request whose address or headers are too long."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is short enough."""
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
    """Return the bytes of path and query as they came, still encoded."""
    path = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return len(path) + (1 + len(query) if query else 0)


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>".encode()
    headers = [(b"content-type", _HTML), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
