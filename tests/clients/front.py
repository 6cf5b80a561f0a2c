"""TLS in front of the sandbox, under the vendors' own names, for clients that know no other address.

`python tests/clients/front.py sandbox.json FOLDER` makes a certificate in FOLDER, listens on port
443 of 127.0.0.71 to 76 (one address a vendor), and writes FOLDER/sitecustomize.py, which lets a
Python process resolve the vendors' names to these. A client's own code is not touched.
"""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

NAMES = {
    "salesforce": ["*.salesforce.com", "*.my.salesforce.com"],
    "hubspot": ["api.hubapi.com", "*.hubapi.com", "*.hubspot.com"],
    "mailchimp": ["*.api.mailchimp.com", "login.mailchimp.com"],
    "typeform": ["api.typeform.com"],
    "zendesk": ["*.zendesk.com"],
    "sell": ["api.getbase.com"],
}
ADDRESSES = {name: f"127.0.0.{71 + n}" for n, name in enumerate(NAMES)}
RESOLVER = '''"""Resolves the vendors' names to the front; made by front.py."""
import socket

_SUFFIXES = {suffixes!r}
_honest = socket.getaddrinfo


def _resolve(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    for suffix, address in _SUFFIXES.items():
        if isinstance(name, str) and name.endswith(suffix):
            return _honest(address, *args, **kwargs)
    return _honest(host, *args, **kwargs)


socket.getaddrinfo = _resolve
'''
_BLOCK = 65_536


def write_files(folder: Path) -> tuple[Path, Path]:
    """Write certificate, key and resolver; return the first two."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "front.pem", folder / "front.key"
    names = ",".join(f"DNS:{name}" for listed in NAMES.values() for name in listed)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7",
         "-subj", "/CN=sandbox", "-addext", f"subjectAltName={names}",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    suffixes = {
        name.lstrip("*"): ADDRESSES[vendor] for vendor, listed in NAMES.items() for name in listed
    }
    (folder / "sitecustomize.py").write_text(RESOLVER.format(suffixes=suffixes))
    return certificate, key


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side has no more."""
    with contextlib.suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


async def serve(announcement: dict, folder: Path) -> None:
    """Listen until the process is ended."""
    certificate, key = write_files(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for vendor, address in ADDRESSES.items():
        behind = urlsplit(announcement["vendors"][vendor]["url"])

        async def meet(reader, writer, behind=behind):
            inner_reader, inner_writer = await asyncio.open_connection(behind.hostname, behind.port)
            await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

        await asyncio.start_server(meet, address, 443, ssl=context)
    print(
        f"export PYTHONPATH={folder} SSL_CERT_FILE={certificate} REQUESTS_CA_BUNDLE={certificate}"
    )
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]).absolute()))
