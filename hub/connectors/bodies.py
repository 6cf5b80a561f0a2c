"""Read the body of one answer within limits, so that no vendor can fill the hub's memory.

In: an answer whose headers have been read and whose body has not. Out: the unpacked bytes, or a
`HubError`. Not here: what the bytes mean (`hub.connectors.answers`), which host may be asked
(`hub.connectors.addresses`).
"""

import time
import zlib
from collections.abc import Iterator
from io import BytesIO

import urllib3

from hub.connectors.http import make_error
from hub.errors import HubError, ProtocolError, TransientError

# The largest honest page: 1,000 Zendesk tickets of 64 KB each, or 2,000 Salesforce leads with
# 32 KB of long texts each. A source whose pages are larger sets a smaller `page_size`.
MOST_BYTES = 64 * 2**20
# The vendors' own objects nest at most 12 levels deep.
MOST_DEPTH = 100
MOST_S = 600.0
ACCEPT_ENCODING = "gzip, deflate"

_CHUNK = 64 * 1024
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_ANY_HEADER = 32 + zlib.MAX_WBITS  # zlib recognises gzip and deflate by itself
_NO_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_TOO_DEEP = b"[" * (MOST_DEPTH + 1)
_AS_LISTS = bytes.maketrans(b"{}", b"[]")


def read_body(answer: urllib3.BaseHTTPResponse, *, where: str) -> bytes:
    """Return an answer's body, unpacked.

    Args:
        answer: its headers were read, its body was not.
        where: method, host and path of the call, for messages.

    Raises:
        ProtocolError: the body is larger, deeper or slower than any honest one, or is packed in a
            way that was not asked for. Another try would have the same result.
        TransientError: the packed body is cut short or damaged.
        urllib3.exceptions.HTTPError: the connection broke.
    """
    try:
        body = _collect(answer, where)
        check_depth(body, where=where)
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return body


def _collect(answer: urllib3.BaseHTTPResponse, where: str) -> bytes:
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    packed = _received(answer, where)
    if coding in {"", "identity"}:
        parts = packed
    elif coding in _CODINGS:
        parts = _unpacked(packed, where)
    else:
        raise _broken(f"{where}: the answer has a Content-Encoding that was not asked for")
    body = BytesIO()  # its getvalue() does not copy, as joining a list would
    for part in parts:
        if body.tell() + len(part) > MOST_BYTES:
            raise _too_large(where)
        body.write(part)
    return body.getvalue()


def _received(answer: urllib3.BaseHTTPResponse, where: str) -> Iterator[bytes]:
    """Yield what comes over the wire; a vendor that sends one byte a minute is given up on."""
    began, received_n = time.monotonic(), 0
    while part := answer.read1(_CHUNK, decode_content=False):
        received_n += len(part)
        if received_n > MOST_BYTES:
            raise _too_large(where)
        if time.monotonic() - began > MOST_S:
            raise _broken(f"{where}: the answer did not end within {MOST_S:.0f} s")
        yield part


def _unpacked(packed: Iterator[bytes], where: str) -> Iterator[bytes]:
    """Yield the unpacked bytes in chunks, for any ratio of compression."""
    stream = zlib.decompressobj(_ANY_HEADER)
    is_empty = True
    try:
        for part in packed:
            rest = part
            while rest:
                is_empty = False
                if stream.eof:  # gzip files may follow each other
                    stream = zlib.decompressobj(_ANY_HEADER)
                yield stream.decompress(rest, _CHUNK)
                rest = stream.unconsumed_tail or stream.unused_data
        yield stream.flush()
    except zlib.error as exc:
        raise make_error(TransientError, f"{where}: the answer cannot be unpacked") from exc
    if not (stream.eof or is_empty):
        raise make_error(TransientError, f"{where}: the packed answer is cut short")


def check_depth(body: bytes, *, where: str) -> None:
    """Raise `ProtocolError` if a JSON text is nested more than `MOST_DEPTH` levels deep.

    Brackets outside of texts are kept; then the innermost pairs are removed, one level a round.
    Each step is one pass of a C function, over ever fewer bytes: 10 MB take about 60 ms.
    """
    if body.lstrip()[:1] not in {b"{", b"["}:
        return
    if b"\\" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_texts = body.translate(_AS_LISTS, _NO_STRUCTURE).split(b'"')[::2]
    brackets = b"".join(outside_texts)
    for _ in range(MOST_DEPTH):
        if _TOO_DEEP in brackets:
            raise _too_deep(where)
        outer = brackets.replace(b"[]", b"")
        if len(outer) == len(brackets):
            break
        brackets = outer
    else:
        if brackets:
            raise _too_deep(where)


def _too_deep(where: str) -> HubError:
    return _broken(f"{where}: the answer is nested more than {MOST_DEPTH} levels deep")


def _too_large(where: str) -> HubError:
    """Return the error for a body above the limit."""
    return _broken(
        f"{where}: the answer is larger than {MOST_BYTES // 2**20} MiB",
        hint="set a smaller `page_size` for this source; if one record alone is so large, or the"
        " address is not the vendor's, check the source's address with `hub check`",
    )


def _broken(message: str, *, hint: str | None = None) -> HubError:
    hint = hint or "nothing was stored; check the source's address and any proxy with `hub check`"
    return make_error(ProtocolError, message, hint=hint)
