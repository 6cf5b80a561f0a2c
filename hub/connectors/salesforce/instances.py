"""Salesforce's own hosts, and the check of the host that a login's answer names.

In: the answer to a login, before the SDK reads it. Out: nothing, or a `ProtocolError`. A login
names the host that all further requests go to, with the session's token.
"""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit
from xml.parsers.expat import ExpatError

import requests
from simple_salesforce.util import getUniqueElementValueFromXmlString

from hub.connectors.addresses import LOOPBACK, Reach, foreign, split
from hub.connectors.http import make_error
from hub.errors import ProtocolError

# The domains that Salesforce serves its API from; the org's name stands before each:
# `acme.my.salesforce.com`, `acme--dev.sandbox.my.salesforce.com`, `na139.salesforce.com`.
# https://help.salesforce.com/s/articleView?id=xcloud.domain_name_app_url_changes.htm
# https://help.salesforce.com/s/articleView?id=xcloud.networks_allowlist_domains.htm
# Hosts of customers' own sites (`my.site.com`, `salesforce-sites.com`) are left out on purpose.
DOMAINS = (
    "salesforce.com",
    "force.com",
    "cloudforce.com",
    "database.com",
    "salesforce.mil",  # Government Cloud Plus - Defense
    "cloudforce.mil",
    "crmforce.mil",
    "sfcrmproducts.cn",  # Salesforce on Alibaba Cloud
)
_HOST = re.compile(
    rf"([a-z0-9]([a-z0-9-]{{0,61}}[a-z0-9])?\.)+({'|'.join(map(re.escape, DOMAINS))})"
)
_HTTPS = 443
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


def instances(base_url: str = "") -> Reach:
    """Return a rule that lets requests go to Salesforce's hosts alone.

    Args:
        base_url: an emulator's address. Then every request goes to the emulator, under the name
            of another host; an emulator on loopback may name any loopback address.
    """
    emulator = urlsplit(base_url).hostname

    def allows(parts: SplitResult) -> bool:
        host = parts.hostname or ""
        is_vendor = _HOST.fullmatch(host) is not None
        if base_url:
            return is_vendor or host == emulator or {host, emulator} <= LOOPBACK
        return is_vendor and parts.scheme == "https" and parts.port in {None, _HTTPS}

    return Reach("Salesforce", allows)


def check_login(response: requests.Response, reach: Reach, *, is_soap: bool) -> None:
    """Raise `ProtocolError` if a login's answer names a host that is not Salesforce's.

    Args:
        response: the answer; a refusal, and one that cannot be read, are left to the SDK.
        reach: the rule for hosts.
        is_soap: whether it answers a SOAP login; otherwise an OAuth one.
    """
    if not response.ok:
        return
    if is_soap:
        _check_soap(response.content, reach)
    else:
        _check_oauth(response, reach)


def _check_oauth(response: requests.Response, reach: Reach) -> None:
    try:
        said = response.json()
    except ValueError:
        return
    if not isinstance(said, Mapping):
        return
    instance = said.get("instance_url")
    parts = split(instance)
    # the SDK takes everything after the scheme for the host
    is_bare = parts is not None and not (parts.path.strip("/") or parts.query or parts.fragment)
    if parts is None or not is_bare or not reach.allows(parts):
        raise foreign("Salesforce login: instance_url", instance)
    _check_token(said.get("access_token"))


def _check_soap(body: bytes, reach: Reach) -> None:
    if b"<!DOCTYPE" in body:  # SOAP 1.1 § 3 forbids it; its entities could fill the memory
        raise make_error(ProtocolError, "Salesforce login: the answer carries a DTD")
    try:
        server = getUniqueElementValueFromXmlString(body, "serverUrl")
        session = getUniqueElementValueFromXmlString(body, "sessionId")
    except ExpatError:
        return
    if server is None or session is None:
        return
    parts = split(server)
    if parts is None or not reach.allows(parts):
        raise foreign("Salesforce login: serverUrl", server)
    _check_token(session)


def _check_token(token: object) -> None:
    """Raise `ProtocolError` for a token that is not allowed in a header.

    requests would refuse it too, but its error would quote the token.
    """
    if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        raise make_error(ProtocolError, "Salesforce login: the answer has no usable token")
