"""`hub explain --html`: a person on one page, each link with the waterfall of its weights."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from hub.cli.html import page, table, waterfall


def render(document: Mapping[str, Any], same_at: float) -> str:
    """Return the page of what `hub.actions.identity.explain` says of a person.

    Args:
        document: that.
        same_at: bits from which a pair is one person.
    """
    fields = document["fields"]
    named = [fields[n]["value"] for n in ("first_name", "last_name") if n in fields]
    title = " ".join(str(part) for part in named if part) or f"Person {document['entity']}"
    return page(
        title,
        _account(document)
        + _records(document)
        + _fields(document)
        + _consents(document)
        + _links(document, same_at),
    )


def account_text(document: Mapping[str, Any]) -> str | None:
    """Return which company a person belongs to, and why; None if none is known."""
    account = document["account"]
    if account is None:
        return None
    return f"{account['name']} (contact/{account['contact']}), by: {account['why']}"


def _account(document: Mapping[str, Any]) -> str:
    said = account_text(document)
    return "" if said is None else f"<p>Account: {escape(said)}</p>"


def _records(document: Mapping[str, Any]) -> str:
    rows = [
        (r["record"], r["trust"], r["role"], "gone" if r["gone"] else r["at"], r["batch"])
        for r in document["records"]
    ]
    return f"<h2>Records</h2>{table(('record', 'trust', 'role', 'last changed', 'batch'), rows)}"


def _fields(document: Mapping[str, Any]) -> str:
    rows = [
        (
            name, _as_text(f["value"]), f["from"], f["rule"], f["by"], f["mapping_version"],
            "; ".join(f"{_as_text(o['value'])} ({o['from']})" for o in f["against"]
                      if o["value"] != f["value"]),
        )
        for name, f in document["fields"].items()
    ]  # fmt: skip
    head = ("field", "value", "from", "rule", "rule", "mapping", "other values")
    return f"<h2>Where each value comes from</h2>{table(head, rows)}"


def _consents(document: Mapping[str, Any]) -> str:
    rows = [
        (
            (one["address"] or "stated of the person") + (" (shared)" if one["is_shared"] else ""),
            *(said[name] for name in ("channel", "purpose", "state", "basis", "source")),
        )
        for one in document["consents"]
        for said in one["states"]
    ]
    head = ("address", "channel", "purpose", "state", "basis", "source")
    return f"<h2>Consents</h2>{table(head, rows)}" if rows else ""


def _links(document: Mapping[str, Any], same_at: float) -> str:
    parts = ["<h2>Why records were merged or kept apart</h2>"]
    if not document["links"]:
        parts.append('<p class="note">No other record resembles this person.</p>')
    for link in document["links"]:
        reasons = [(why, float(bits)) for why, bits in link["reasons"]]
        parts.append(
            f"<p><b>{escape(link['judgement'])}</b>, by {escape(link['made_by'])}:<br>"
            f"{escape(link['a'])}<br>{escape(link['b'])}</p>{waterfall(reasons, same_at)}"
        )
    return "".join(parts)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
