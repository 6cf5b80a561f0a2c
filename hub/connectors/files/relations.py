"""The relations between the rows of a call: by id, else by name or e-mail address.

In: the plans of all tables. Out: for a row the ids that it refers to; and the people and companies that
deals name and no table has, as records of their own. A name that two rows have refers to neither.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.connectors.files.owners import Owners, owners_of
from hub.connectors.files.plans import TablePlan, by_kind
from hub.connectors.files.source_rows import (
    Ids,
    SourceRow,
    Values,
    is_deleted,
    source_rows,
    text_of,
)
from hub.connectors.files.vocabulary import PEOPLE, squashed

Index = dict[str, str]
_KINDS = {"contact": "contacts", "lead": "leads", "company": "companies", "deal": "deals"}
_SALESFORCE_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_OF_SALESFORCE = {"003": "contact", "00Q": "lead", "001": "company", "006": "deal"}
_TWO = ""
"""Stands for the id of a name that several rows have."""
_ABOUT = {"deal": "deal", "lead": "lead", "contact": "contact", "salesaccount": "contact", "person": "contact", "company": "company", "organization": "company"}  # fmt: skip
"""What an activity can be about, by the names of Sell's exports and of its API."""


@dataclass(slots=True)
class Relations:
    """The ids of rows by what they are called, and the records that deals made necessary."""

    companies: Index = field(default_factory=dict)
    emails: dict[str, Index] = field(default_factory=dict)
    names: dict[str, Index] = field(default_factory=dict)
    deals: Index = field(default_factory=dict)
    ids: dict[str, set[str]] = field(default_factory=dict)
    made: dict[str, dict[str, Values]] = field(default_factory=dict)
    owners: Owners = field(default_factory=Owners)

    def refs(self, kind: str, values: Values) -> dict[str, str]:
        """Return what a row refers to: relation → id."""
        found = {
            "owner": self.owners.of(values),
            "author": self.owners.named(text_of(values, "author")),
            "company": self._company(kind, values),
            "parent": self._parent(values) if kind == "companies" else "",
        }
        if kind in {"deals", "activities"}:
            found["contact"] = self._person("contacts", values, "contact")
        if kind == "activities":
            found["lead"] = self._lead(values, found["contact"])
            found["deal"] = text_of(values, "deal_id") or self.deals.get(
                squashed(text_of(values, "deal")), ""
            )
            self._add_about(found, values)
        self._put_right(found)
        return {name: id_ for name, id_ in found.items() if id_}

    def _add_about(self, found: dict[str, str], values: Values) -> None:
        """Add what a row names by a type and an id, as exports of Sell do."""
        relation = _ABOUT.get(squashed(text_of(values, "about_type")), "")
        if relation and not found[relation]:
            found[relation] = text_of(values, "about_id")

    def _put_right(self, found: dict[str, str]) -> None:
        """Put the id of a column that names several kinds of objects to the relation that it is.

        The contact of Sell may be a company, `WhoId` of Salesforce a lead, `WhatId` an account.
        """
        for relation in ("contact", "deal"):
            id_ = found.get(relation, "")
            right = self._relation_of(id_, relation) if id_ else relation
            if right != relation:
                found[relation] = ""
                found[right] = found.get(right) or id_

    def _relation_of(self, id_: str, relation: str) -> str:
        """Return what an id names, by the rows of the call, else by the first characters of Salesforce."""
        kinds = {relation: _KINDS[relation], **_KINDS}
        there = next((one for one, kind in kinds.items() if id_ in self.ids.get(kind, ())), "")
        by_prefix = _OF_SALESFORCE.get(id_[:3], "") if _SALESFORCE_ID.fullmatch(id_) else ""
        return there or by_prefix or relation

    def _company(self, kind: str, values: Values) -> str:
        if kind == "companies":
            return ""
        own = text_of(values, "company_id")
        return own or self.companies.get(squashed(text_of(values, "company")), "")

    def _parent(self, values: Values) -> str:
        own = text_of(values, "parent_id")
        return own or self.companies.get(squashed(text_of(values, "parent")), "")

    def _person(self, kind: str, values: Values, field_: str) -> str:
        own = text_of(values, f"{field_}_id")
        if own:
            return own
        email = text_of(values, f"{field_}_email").casefold()
        by_email = self.emails.get(kind, {}).get(email, "") if email else ""
        return by_email or self.names.get(kind, {}).get(_person_name(text_of(values, field_)), "")

    def _lead(self, values: Values, contact: str) -> str:
        own = text_of(values, "lead_id")
        if own:
            return own
        if name := _person_name(text_of(values, "lead")):
            return self.names.get("leads", {}).get(name, "")
        return "" if contact else self._person("leads", values, "contact")


def relations_of(plans: Sequence[TablePlan]) -> Relations:
    """Return the relations of a call; tables that others name are read once more."""
    found = Relations(owners=owners_of(plans))
    if not _are_needed(plans):
        return found
    for kind, some in by_kind(plans).items():
        ids = Ids()
        for plan in some:
            for row in source_rows(plan, ids):
                if not row.fault and not is_deleted(row.values):
                    _note(found, kind, row)
    _make(found, plans)
    return found


def _are_needed(plans: Sequence[TablePlan]) -> bool:
    kinds = {plan.kind for plan in plans}
    if kinds & {"deals", "activities"}:
        return True
    named = {f for plan in plans for f in ("company", "parent") if plan.number_of(f) is not None}
    return "companies" in kinds and bool(named)


def _note(found: Relations, kind: str, row: SourceRow) -> None:
    values = row.values
    found.ids.setdefault(kind, set()).add(row.id)
    if kind == "companies":
        _put(found.companies, squashed(text_of(values, "name")), row.id)
    elif kind == "deals":
        _put(found.deals, squashed(text_of(values, "name")), row.id)
    elif kind in PEOPLE:
        _put(found.emails.setdefault(kind, {}), text_of(values, "email").casefold(), row.id)
        whole = " ".join(text_of(values, n) for n in ("full_name", "first_name", "last_name"))
        _put(found.names.setdefault(kind, {}), _person_name(whole), row.id)


def _put(index: Index, key: str, id_: str) -> None:
    if key:
        index[key] = _TWO if key in index else id_


def _person_name(text: str) -> str:
    """Return a name in one form: `Roux, Zoé` and `Zoé Roux` are the same."""
    last, comma, first = text.partition(",")
    return squashed(f"{first} {last}" if comma else text)


def _make(found: Relations, plans: Sequence[TablePlan]) -> None:
    """Make the companies and people that deals name and no table has, and companies named as parents."""
    for plan in plans:
        if plan.kind not in {"deals", "companies"}:
            continue
        for row in source_rows(plan, Ids()):
            if row.fault or is_deleted(row.values):
                continue
            if plan.kind == "companies":
                _make_company(
                    found,
                    text_of(row.values, "parent"),
                    is_known=bool(text_of(row.values, "parent_id")),
                )
                continue
            _make_company(
                found,
                text_of(row.values, "company"),
                is_known=bool(text_of(row.values, "company_id")),
            )
            _make_contact(found, row.values)


def _make_company(found: Relations, name: str, *, is_known: bool) -> None:
    key = squashed(name)
    if not key or is_known or key in found.companies:
        return
    id_ = f"name:{key}"
    found.companies[key] = id_
    found.made.setdefault("companies", {})[id_] = {"id": id_, "name": name}


def _make_contact(found: Relations, values: Values) -> None:
    if text_of(values, "contact_id") or found.refs("deals", values).get("contact"):
        return
    email, name = text_of(values, "contact_email"), text_of(values, "contact")
    key = _person_name(name)
    if not (email or key):
        return
    id_ = f"email:{email.casefold()}" if email else f"name:{key}"
    said = {"id": id_, "full_name": name, "email": email, "company": text_of(values, "company")}
    company = found.refs("deals", values).get("company", "")
    kept: Values = {k: v for k, v in {**said, "company_ref": company}.items() if v}
    found.made.setdefault("contacts", {})[id_] = kept
    if email:
        found.emails.setdefault("contacts", {})[email.casefold()] = id_
    elif key not in found.names.get("contacts", {}):
        found.names.setdefault("contacts", {})[key] = id_
