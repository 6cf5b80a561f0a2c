"""The golden values of one person: a plain second implementation of docs/matching.md.

The rules are read from the shipped `survivorship.yaml` as data.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from hub.model.verdicts import Trust
from tests.plays.home import TypedEdit
from tests.plays.present import Record

Values = dict[str, Any]


@cache
def rules() -> Mapping[str, Any]:
    document = yaml.safe_load((files("hub.golden") / "survivorship.yaml").read_text())
    assert {group["by"] for group in document["groups"].values()} == {"precedence"}
    orders = {str(group["order"]) for group in document["groups"].values()}
    assert len(orders) == 1, "the oracle knows one order of sources"
    return document


def rank(record: Record) -> tuple[bool, bool, int]:
    """How a record is believed: trusted first, there before gone, then its source's precedence."""
    order = rules()["groups"][rules()["default"]]["order"]
    place = order.index(record.source if record.source in order else "*")
    return (record.trust is not Trust.TRUSTED, record.is_gone, place)


def best_first(records: Sequence[Record]) -> list[Record]:
    return sorted(records, key=lambda r: (*rank(r), -r.at, r.key))


def is_blank(value: Any) -> bool:
    return value is None or value in ("", [], {}) or (isinstance(value, str) and value.isspace())


def folded(records: Sequence[Record], edits: Sequence[TypedEdit]) -> Values:
    """Return the non-blank values of a person, and the blanks that a user typed."""
    order = best_first(records)
    special = {*rules()["union"], *rules()["per_key"], *rules()["earliest"]}
    found: Values = {}
    for record in order:
        for name, value in record.values.items():
            if name not in special and not is_blank(value):
                found.setdefault(name, value)
    _whole_name(order, found)
    living = [r for r in order if not r.is_gone] or order
    if dates := [r.values["created_at"] for r in living if r.values.get("created_at")]:
        found["created_at"] = min(dates)
    found["tags"] = _union([r.values.get("tags") or [] for r in living])
    found["emails"] = _emails(order)
    found["custom_fields"] = _custom(order)
    for edit in sorted(edits, key=lambda e: e.id):
        found[edit.field] = edit.value
    typed = {e.field for e in edits}
    if "email" in typed and "emails" not in typed and found["email"]:
        found["emails"] = _union([[found["email"]], found["emails"]])
    return found


def _whole_name(order: Sequence[Record], found: Values) -> None:
    """First and last name come from one record, where one of the best kind has both."""
    parts = ("first_name", "last_name")
    having = [r for r in order if any(not is_blank(r.values.get(p)) for p in parts)]
    for record in having:
        if rank(record)[:2] == rank(having[0])[:2] and not any(
            is_blank(record.values.get(p)) for p in parts
        ):
            found.update({p: record.values[p] for p in parts})
            return


def _emails(order: Sequence[Record]) -> list[str]:
    own = [
        (r, [e for e in (r.values.get("email"), *(r.values.get("emails") or [])) if e])
        for r in order
    ]
    having = [(r, e) for r, e in own if e]
    trusted = [(r, e) for r, e in having if r.trust is Trust.TRUSTED] or having
    living = [(r, e) for r, e in trusted if not r.is_gone] or trusted
    return _union([e for _, e in living])


def _union(lists: Sequence[Sequence[str]]) -> list[str]:
    found: dict[str, str] = {}
    for member in (m for one in lists for m in one):
        found.setdefault(member.casefold(), member)
    return list(found.values())


def _custom(order: Sequence[Record]) -> Values:
    merged: Values = {}
    for record in order:
        for key, value in (record.values.get("custom_fields") or {}).items():
            if not is_blank(value):
                merged.setdefault(key, value)
    return merged


def status(records: Sequence[Record]) -> tuple[str, str | None]:
    """Return the status and its reason that the sources give, until a person sets one.

    The best source's; among records as good as it an open status beats Unqualified, then the later.
    """
    having = [r for r in best_first(records) if r.values.get("status")]
    if not having:
        return "New", None
    tied = [r for r in having if rank(r) == rank(having[0])]
    chosen = min(tied, key=lambda r: (r.values["status"] == "Unqualified", -r.at, r.key))
    return chosen.values["status"], chosen.values.get("unqualified_reason")
