"""Which addresses of the network the hub may call for a subscriber: public ones, and those that hub.yaml allows. Pure.

A subscriber names any host. An address inside the company's network would let the subscriber reach what no
request from outside may reach. Not here: how a name becomes addresses (`hub.notify.post`).
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_URL = 2_000
"""Characters of a subscriber's address."""
_NAT64 = IPv6Network("64:ff9b::/96")
# tunnels: the address inside is chosen by the sender, and a router may unpack it
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))
_PORTS = {"http": 80, "https": 443}


def networks(written: Sequence[str]) -> tuple[Network, ...]:
    """Return networks as hub.yaml writes them."""
    return tuple(ip_network(one, strict=False) for one in written)


def address_of(written: str) -> Address | None:
    """Return an address; one of IPv4 inside of IPv6 is the one of IPv4. None if it is none, or has a zone."""
    try:
        found = ip_address(written)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return None
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _NAT64:
            return IPv4Address(int(found) & 0xFFFF_FFFF)
    return found


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Tell whether hub.yaml allows an address by name."""
    return any(address.version == one.version and address in one for one in allowed)


def is_open(address: Address, allowed: Sequence[Network]) -> bool:
    """Tell whether the hub may call an address."""
    if is_allowed(address, allowed):
        return True
    if any(address.version == one.version and address in one for one in _TUNNELS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def refusal(url: str, allowed: Sequence[Network]) -> str:
    """Return why a subscriber's address cannot be called; "" if nothing speaks against it before it is resolved.

    Args:
        url: as it was given.
        allowed: networks that hub.yaml allows.
    """
    parts = parts_of(url)
    if parts is None:
        return f"write a whole address, such as https://example.com/hook, of at most {MOST_URL:,} characters"
    host = parts.hostname or ""
    literal = address_of(host)
    if literal is not None and not is_open(literal, allowed):
        return "this address is inside a private network"
    may_be_plain = bool(allowed) if literal is None else is_allowed(literal, allowed)
    if parts.scheme == "http" and not may_be_plain:
        return "the address must begin with https://"
    return ""


def parts_of(url: str) -> SplitResult | None:
    """Return the parts of an address that HTTP can call; None if it is none, or names a user."""
    if len(url) > MOST_URL or not url.isascii() or not url.isprintable() or set(url) & {" ", "\\"}:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    is_whole = parts.scheme in _PORTS and bool(parts.hostname) and "@" not in parts.netloc
    return parts if is_whole and port != 0 else None


def port_of(parts: SplitResult) -> int:
    """Return the port of an address."""
    return parts.port or _PORTS[parts.scheme]


def shown(url: str) -> str:
    """Return an address without its path, which may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{'/…' if parts.path.strip('/') or parts.query else ''}"
