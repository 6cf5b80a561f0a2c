"""A proxy that counts a vendor's requests from outside, keeps its limits, and answers after a while.

`python -m bench.proxy ADDRESS [--search-rate N] [--latency S]` prints its own address as one line. A line
on standard input ends it; then it prints one JSON document: of each request when it arrived, when it was
answered (both in seconds), its status, and whether it was a search. Above N searches in any second it
answers 429, as HubSpot does.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

_REFUSAL = json.dumps({
    "status": "error", "message": "too many", "errorType": "RATE_LIMIT", "category": "RATE_LIMITS",
    "policyName": "SECONDLY",
}).encode()  # fmt: skip
_REFUSED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_REFUSAL), _REFUSAL)
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the vendor sees it; times in seconds of one clock."""

    arrived: float
    answered: float
    status: int
    is_search: bool


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP/1.1 request or answer: its bytes, and what its first line says."""

    raw: bytes
    first: list[str]
    is_last: bool


class Proxy:
    """Passes requests on, each client's over a connection of its own.

    Args:
        address: of the vendor.
        search_rate: searches that it allows in a second; 0: any number.
        latency_s: how long each answer is held back.
    """

    def __init__(self, address: str, search_rate: int, latency_s: float) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self._rate, self._latency_s = search_rate, latency_s
        self._searches: deque[float] = deque()
        self.calls: list[Call] = []

    async def serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the requests of one connection until it is closed."""
        vendor_reader, vendor_writer = await asyncio.open_connection(self._host, self._port)
        try:
            while (asked := await _read(reader)) is not None:
                arrived = time.monotonic()
                is_search = asked.first[1].partition("?")[0].endswith("/search")
                if is_search and not self._allows(arrived):
                    answer: Message | None = Message(_REFUSED, ["", "429"], is_last=False)
                else:
                    vendor_writer.write(asked.raw)
                    answer = await _read(vendor_reader, is_answer=True)
                if answer is None:
                    return
                rest_s = arrived + self._latency_s - time.monotonic()
                if rest_s > 0:
                    await asyncio.sleep(rest_s)
                writer.write(answer.raw)
                await writer.drain()
                status = int(answer.first[1])
                self.calls.append(Call(arrived, time.monotonic(), status, is_search))
                if answer.is_last:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # one side has gone
        finally:
            vendor_writer.close()
            writer.close()

    def _allows(self, now: float) -> bool:
        while self._searches and self._searches[0] <= now - 1:
            self._searches.popleft()
        if self._rate and len(self._searches) >= self._rate:
            return False
        self._searches.append(now)
        return True


async def _read(reader: asyncio.StreamReader, *, is_answer: bool = False) -> Message | None:
    """Return the next message of a connection; None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").split("\r\n")
    fields = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    body = b""
    if "content-length" in fields:
        body = await reader.readexactly(int(fields["content-length"]))
    elif fields.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    is_last = is_answer and fields.get("connection") == "close"
    return Message(head + body, lines[0].split(" ", 2), is_last)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size, 16) + 2)
        found += size + chunk
        if not int(size, 16):
            return found


async def _run(asked: argparse.Namespace) -> None:
    proxy = Proxy(asked.address, asked.search_rate, asked.latency)
    server = await asyncio.start_server(proxy.serve_client, "127.0.0.1", 0, limit=2**26)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    server.close()
    print(json.dumps([asdict(call) for call in proxy.calls]), flush=True)


def main() -> None:
    """Serve until a line comes in."""
    parser = argparse.ArgumentParser(prog="python -m bench.proxy", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--search-rate", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
