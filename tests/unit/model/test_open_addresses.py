"""A subscriber's address is public, or of a network that hub.yaml allows; in whatever form it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.open_addresses import address_of, is_open, networks, refusal, shown

INSIDE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:0a00:0001::", "2001:0:53aa:64c:0:0:80ff:fffe",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


@pytest.mark.parametrize("written", INSIDE)
def test_an_address_inside_is_not_called(written: str) -> None:
    found = address_of(written)
    assert found is not None
    assert not is_open(found, ())
    host = f"[{written}]" if ":" in written else written
    assert refusal(f"https://{host}/x", ())


@pytest.mark.parametrize("written", OUTSIDE)
def test_an_address_outside_is_called(written: str) -> None:
    found = address_of(written)
    assert found is not None
    assert is_open(found, ())


@given(st.ip_addresses())
def test_what_is_open_is_global_and_no_tunnel_into_the_inside(address: object) -> None:
    found = address_of(str(address))
    if found is not None and is_open(found, ()):
        assert found.is_global
        assert not found.is_private


def test_only_the_allowed_network_is_open() -> None:
    allowed = networks(["10.1.0.0/16", "fd00::/8"])
    for written, is_right in (("10.1.2.3", True), ("10.2.0.1", False), ("fd12::1", True),
                              ("::ffff:10.1.0.1", True), ("127.0.0.1", False)):  # fmt: skip
        found = address_of(written)
        assert found is not None
        assert is_open(found, allowed) is is_right, written


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "whole address"),
        ("example.com/hook", "whole address"),
        ("ftp://example.com/hook", "whole address"),
        ("file:///etc/passwd", "whole address"),
        ("https://", "whole address"),
        ("https://user:word@example.com/", "whole address"),
        ("https://example.com:99999/", "whole address"),
        ("https://example.com:0/", "whole address"),
        ("https://exämple.com/", "whole address"),
        ("https://example.com/a b", "whole address"),
        ("https://example.com/\r\nX: y", "whole address"),
        ("https://example.com\\@127.0.0.1/", "whole address"),
        ("https://example.com/" + "a" * 2000, "whole address"),
        ("http://example.com/hook", "https://"),
        ("https://127.0.0.1/", "private"),
        ("https://[::1]/", "private"),
    ],
)
def test_a_wrong_address_is_refused_before_it_is_resolved(url: str, says: str) -> None:
    assert says in refusal(url, ())


def test_a_right_address_is_taken_and_shown_without_its_path() -> None:
    url = "https://hooks.example.com:8443/hooks/catch/1/secret?x=1"
    assert refusal(url, ()) == ""
    assert refusal("http://10.1.2.3/x", networks(["10.0.0.0/8"])) == ""
    assert shown(url) == "https://hooks.example.com:8443/…"
    assert shown("https://hooks.example.com") == "https://hooks.example.com"
