"""The vendors of which the sandbox can make a whole account for a migration."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.sandbox.orgs import generate_hubspot, generate_org
from hub.sandbox.sell_org import generate_sell_org

ACCOUNTS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "salesforce": generate_org,
    "hubspot": generate_hubspot,
    "sell": generate_sell_org,
}
