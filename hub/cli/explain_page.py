"""`hub explain --html`: a person on one page, each link with the waterfall of its weights."""

import json
from html import escape
from typing import Any

from hub.cli.html import page, table, waterfall
from hub.views.explained import Explained


def render(found: Explained, same_at: float) -> str:
    """Return the page of a person.

    Args:
        found: the person.
        same_at: bits from which a pair is one person.
    """
    named = [found.fields[n].value for n in ("first_name", "last_name") if n in found.fields]
    title = " ".join(str(part) for part in named if part) or f"Person {found.entity}"
    return page(
        title,
        _account(found)
        + _records(found)
        + _deals(found)
        + _fields(found)
        + _consents(found)
        + _links(found, same_at),
    )


def account_text(found: Explained) -> str | None:
    """Return which company a person belongs to, and why; None if none is known."""
    account = found.account
    if account is None:
        return None
    return f"{account.name} (contact/{account.contact}), by: {account.why}"


def _account(found: Explained) -> str:
    said = account_text(found)
    return "" if said is None else f"<p>Account: {escape(said)}</p>"


def _records(found: Explained) -> str:
    rows = [
        (r.record, r.trust, r.role, "gone" if r.gone else r.at and r.at.isoformat(), r.batch)
        for r in found.records
    ]
    return f"<h2>Records</h2>{table(('record', 'trust', 'role', 'last changed', 'batch'), rows)}"


def _deals(found: Explained) -> str:
    rows = [(d.record, d.name, d.stage, f"{d.value} {d.currency}", d.owner) for d in found.deals]
    head = ("record", "deal", "stage", "value", "owner")
    return f"<h2>Deals</h2>{table(head, rows)}" if rows else ""


def _fields(found: Explained) -> str:
    rows = [
        (
            name, _as_text(f.value), f.record, f.rule, f.by, f.mapping_version,
            "; ".join(f"{_as_text(o.value)} ({o.record})" for o in f.against
                      if o.value != f.value),
        )
        for name, f in found.fields.items()
    ]  # fmt: skip
    head = ("field", "value", "from", "rule", "rule", "mapping", "other values")
    return f"<h2>Where each value comes from</h2>{table(head, rows)}"


def _consents(found: Explained) -> str:
    rows = [
        (
            (one.address or "stated of the person") + (" (shared)" if one.is_shared else ""),
            said.channel, said.purpose, said.state, said.basis, said.source,
        )
        for one in found.consents
        for said in one.states
    ]  # fmt: skip
    head = ("address", "channel", "purpose", "state", "basis", "source")
    return f"<h2>Consents</h2>{table(head, rows)}" if rows else ""


def _links(found: Explained, same_at: float) -> str:
    parts = ["<h2>Why records were merged or kept apart</h2>"]
    if not found.links:
        parts.append('<p class="note">No other record resembles this person.</p>')
    for link in found.links:
        reasons = [(why.words, float(why.bits)) for why in link.reasons]
        parts.append(
            f"<p><b>{escape(link.judgement)}</b>, by {escape(link.made_by)}:<br>"
            f"{escape(link.a)}<br>{escape(link.b)}</p>{waterfall(reasons, same_at)}"
        )
    return "".join(parts)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
