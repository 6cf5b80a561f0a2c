"""Reads the sandbox through client libraries that nobody here wrote, and holds ids against the truth.

`python tests/clients/libraries.py sandbox.json [CLIENT …]`, in an environment with the clients and
with what `front.py` printed. A client that is not installed is skipped.
"""

import asyncio
import importlib
import importlib.metadata
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SAID = json.loads(Path(sys.argv[1]).read_text())
Found = dict[str, Iterable[str]]


def credentials(vendor: str) -> dict[str, str]:
    return SAID["vendors"][vendor]["credentials"]


def salesforce_api() -> Found:
    import salesforce_api

    own = credentials("salesforce")
    client = salesforce_api.Salesforce(
        username=own["username"], password=own["password"], security_token=own["security_token"],
        domain="acme.my.salesforce.com",
    )  # fmt: skip
    rows = client.sobjects.query("SELECT Id, LastName, Email FROM Lead")
    return {"leads": [row["Id"] for row in rows]}


def aiosalesforce() -> Found:
    import httpx
    from aiosalesforce import Salesforce
    from aiosalesforce.auth import ClientCredentialsFlow

    async def read() -> Found:
        own = credentials("salesforce")
        async with httpx.AsyncClient() as http:
            client = Salesforce(
                http,
                base_url="https://acme.my.salesforce.com",
                auth=ClientCredentialsFlow(own["client_id"], own["client_secret"]),
            )
            rows = [row async for row in client.query("SELECT FIELDS(ALL) FROM Lead LIMIT 200")]
            return {"leads": [row["Id"] for row in rows]}

    return asyncio.run(read())


def s6r_hubspot() -> Found:
    from s6r_hubspot import HubspotConnection

    client = HubspotConnection(credentials("hubspot")["token"])
    return {
        name: [one["id"] for one in client.get_all(name, ["email", "name"])]
        for name in ("contacts", "companies")
    }


def mailchimp3() -> Found:
    from mailchimp3 import MailChimp

    client = MailChimp(mc_api=credentials("mailchimp")["api_key"])
    lists = client.lists.all(get_all=True, fields="lists.id")["lists"]
    members = [
        member["contact_id"]
        for one in lists
        for member in client.lists.members.all(one["id"], get_all=True)["members"]
    ]
    return {"members": members}


def typeform() -> Found:
    from typeform import Typeform

    client = Typeform(credentials("typeform")["token"])
    forms = client.forms.list(pageSize=200)["items"]
    found = []
    for form in forms:
        time.sleep(0.6)  # the client knows nothing of Typeform's two requests a second
        asked: dict[str, Any] = {"pageSize": 20}
        while items := client.responses.list(form["id"], **asked)["items"]:
            found += [one["token"] for one in items]
            asked["before"] = items[-1]["token"]
            time.sleep(0.6)
    return {"responses": found}


def zenpy() -> Found:
    from zenpy import Zenpy

    own = credentials("zendesk")
    client = Zenpy(subdomain="acme", email=own["email"], token=own["api_token"])
    return {
        "users": [str(one.id) for one in client.users.incremental(start_time=1, per_page=20)],
        "tickets": [
            str(one.id) for one in client.tickets.incremental(start_time=1, paginate_by_time=False)
        ],
        "organizations": [str(one.id) for one in client.organizations(cursor_pagination=10)],
    }


def zdesk() -> Found:
    from zdesk import Zendesk

    own = credentials("zendesk")
    client = Zendesk("https://acme.zendesk.com", own["email"], own["api_token"], True)
    return {
        "users": [str(one["id"]) for one in client.users_list(get_all_pages=True)["users"]],
        "tickets": [str(one["id"]) for one in client.tickets_list(get_all_pages=True)["tickets"]],
        "organizations": [
            str(one["id"]) for one in client.organizations_list(get_all_pages=True)["organizations"]
        ],
    }


def zendesk_sdk() -> Found:
    from zendesk_sdk import ZendeskClient, ZendeskConfig

    async def read() -> Found:
        own = credentials("zendesk")
        config = ZendeskConfig(subdomain="acme", email=own["email"], token=own["api_token"])
        async with ZendeskClient(config) as client:
            found: Found = {}
            for name in ("users", "tickets", "organizations"):
                pages = getattr(client, name).list(per_page=10)
                found[name] = [str(one.id) async for one in pages]
            return found

    return asyncio.run(read())


def basecrm() -> Found:
    """Read every service, all pages, and once more by the Sync API."""
    import basecrm as library

    client = library.Client(access_token=credentials("sell")["token"])

    def every(service: Any, *above: int) -> list[Any]:
        found: list[Any] = []
        while True:
            time.sleep(0.11)  # the client knows nothing of Sell's ten requests a second
            page = service.list(*above, page=len(found) // 100 + 1, per_page=100)
            found += page
            if len(page) < 100:
                return found

    names = (
        "users", "contacts", "leads", "deals", "pipelines", "stages", "loss_reasons",
        "deal_unqualified_reasons", "lead_unqualified_reasons", "lead_sources", "deal_sources",
        "tags", "tasks", "notes", "text_messages", "visits", "visit_outcomes", "products", "orders",
    )  # fmt: skip
    rows = {name: every(getattr(client, name)) for name in names}
    found: Found = {name: [str(one.id) for one in read] for name, read in rows.items()}
    items = [one for order in rows["orders"] for one in every(client.line_items, order.id)]
    found["line_items"] = [str(one.id) for one in items]
    synced: dict[str, list[str]] = {"call": [], "document": [], "sequence": []}

    def keep(meta: Any, data: Any) -> bool:
        time.sleep(0.004)  # a page has a hundred of them
        synced.setdefault(meta.type, []).append(str(data.get("id")))
        return True

    time.sleep(1)
    library.Sync(client=client, device_uuid="libraries").fetch(keep)
    return {**found, **{f"{name}s": synced[name] for name in ("call", "document", "sequence")}}


CLIENTS: dict[str, tuple[str, str, Callable[[], Found]]] = {
    "salesforce-api": ("salesforce", "salesforce_api", salesforce_api),
    "aiosalesforce": ("salesforce", "aiosalesforce", aiosalesforce),
    "s6r-hubspot": ("hubspot", "s6r_hubspot", s6r_hubspot),
    "mailchimp3": ("mailchimp", "mailchimp3", mailchimp3),
    "typeform": ("typeform", "typeform", typeform),
    "zenpy": ("zendesk", "zenpy", zenpy),
    "zdesk": ("zendesk", "zdesk", zdesk),
    "basecrm": ("sell", "basecrm", basecrm),
    "python-zendesk-sdk": ("zendesk", "zendesk_sdk", zendesk_sdk),
}


def truth(vendor: str, stream: str) -> tuple[set[str], set[str]]:
    """Return the ids that the sandbox holds: of all records, and of those that are gone."""
    with urllib.request.urlopen(SAID["control"] + "/universe") as answer:
        rows = json.load(answer)["records"]
    own = [row for row in rows if (row["source"], row["stream"]) == (vendor, stream)]
    gone = {
        row["id"] for row in own if row.get("deleted") or row["values"].get("status") == "archived"
    }
    return {row["id"] for row in own}, gone


def main() -> int:
    """Read, print one line a stream, and return how many did not agree."""
    wrong = 0
    for name in sys.argv[2:] or CLIENTS:
        vendor, module, read = CLIENTS[name]
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"{name}: not installed")
            continue
        version = importlib.metadata.version(name)
        try:
            found = read()
        except Exception as exc:  # noqa: BLE001  # whatever a client raises is the news
            print(f"{name} {version}: {type(exc).__name__}: {str(exc)[:300]}")
            wrong += 1
            continue
        for stream, ids in found.items():
            listed, (held, gone) = list(ids), truth(vendor, stream)
            read = set(listed)
            missing, twice = held - gone - read, len(listed) - len(read)
            wrong += bool(missing or twice)
            # beside the universe's, an emulator has people of its own: agents
            print(
                f"{name} {version} {stream}: {len(listed)} read, {len(held - gone)} live and"
                f" {len(gone)} gone, {len(missing)} missing, {len(gone & read)} gone seen,"
                f" {twice} twice, {len(read - held)} beside"
            )
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
