"""A whole org of one vendor for a migration, made from a seed and one number."""

from collections.abc import Callable, Mapping
from typing import Any

from hub.sandbox.orgs.generator import generate_org
from hub.sandbox.orgs.hubspot import generate_hubspot
from hub.sandbox.sell_org import generate_sell_org

__all__ = ["ORGS", "generate_hubspot", "generate_org", "generate_sell_org"]

ORGS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "hubspot": generate_hubspot,
    "salesforce": generate_org,
    "sell": generate_sell_org,
}
