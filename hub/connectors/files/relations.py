"""The relations between the rows of a call: by id, else by name or e-mail address.

In: the plans of all tables. Out: for a row the ids that it refers to; and the people and companies that
deals name and no table has, as records of their own. A name that two rows have refers to neither.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hub.connectors.files.plans import TablePlan, by_kind
from hub.connectors.files.source_rows import Ids, SourceRow, Values, owner_key, source_rows
from hub.connectors.files.vocabulary import PEOPLE, squashed

Index = dict[str, str]
_TWO = ""
"""Stands for the id of a name that several rows have."""


@dataclass(slots=True)
class Relations:
    """The ids of rows by what they are called, and the records that deals made necessary."""

    companies: Index = field(default_factory=dict)
    emails: dict[str, Index] = field(default_factory=dict)
    names: dict[str, Index] = field(default_factory=dict)
    deals: Index = field(default_factory=dict)
    made: dict[str, dict[str, Values]] = field(default_factory=dict)

    def refs(self, kind: str, values: Values) -> dict[str, str]:
        """Return what a row refers to: relation → id."""
        found = {
            "owner": _owner(values),
            "author": owner_key(_text(values, "author")),
            "company": self._company(kind, values),
            "parent": self._parent(values) if kind == "companies" else "",
        }
        if kind in {"deals", "activities"}:
            found["contact"] = self._person("contacts", values, "contact")
        if kind == "activities":
            found["lead"] = self._lead(values, found["contact"])
            found["deal"] = _text(values, "deal_id") or self.deals.get(
                squashed(_text(values, "deal")), ""
            )
        return {name: id_ for name, id_ in found.items() if id_}

    def _company(self, kind: str, values: Values) -> str:
        if kind == "companies":
            return ""
        own = _text(values, "company_id")
        return own or self.companies.get(squashed(_text(values, "company")), "")

    def _parent(self, values: Values) -> str:
        own = _text(values, "parent_id")
        return own or self.companies.get(squashed(_text(values, "parent")), "")

    def _person(self, kind: str, values: Values, field_: str) -> str:
        own = _text(values, f"{field_}_id")
        if own:
            return own
        email = _text(values, f"{field_}_email").casefold()
        by_email = self.emails.get(kind, {}).get(email, "") if email else ""
        return by_email or self.names.get(kind, {}).get(_person_name(_text(values, field_)), "")

    def _lead(self, values: Values, contact: str) -> str:
        own = _text(values, "lead_id")
        if own:
            return own
        if name := _person_name(_text(values, "lead")):
            return self.names.get("leads", {}).get(name, "")
        return "" if contact else self._person("leads", values, "contact")


def relations_of(plans: Sequence[TablePlan]) -> Relations:
    """Return the relations of a call; tables that others name are read once more."""
    found = Relations()
    if not _are_needed(plans):
        return found
    for kind, some in by_kind(plans).items():
        ids = Ids()
        for plan in some:
            for row in source_rows(plan, ids):
                if not row.fault:
                    _note(found, kind, row)
    _make(found, plans)
    return found


def _are_needed(plans: Sequence[TablePlan]) -> bool:
    kinds = {plan.kind for plan in plans}
    if kinds & {"deals", "activities"}:
        return True
    named = {f for plan in plans for f in ("company", "parent") if plan.number_of(f) is not None}
    return "companies" in kinds and bool(named)


def owners_of(plans: Iterable[TablePlan]) -> dict[str, str]:
    """Return the owners and authors that the tables name: id → as written first."""
    found: dict[str, str] = {}
    for plan in plans:
        has_emails = plan.number_of("owner_email") is not None
        for name in ("owner_email", "owner", "author"):
            number = plan.number_of(name)
            if number is None:
                continue
            values = plan.columns[number].held.values
            cells = values if values is not None else _cells(plan, number)
            if name == "owner" and has_emails:
                cells = _without_email(plan)
            for cell in cells:
                found.setdefault(owner_key(cell), " ".join(cell.split()))
    found.pop("", None)
    return found


def _cells(plan: TablePlan, number: int) -> Iterator[str]:
    return (row.cells[number].strip() for row in plan.table.rows() if not row.fault)


def _without_email(plan: TablePlan) -> Iterator[str]:
    """Yield the owners' names of the rows that have no e-mail address of their owner."""
    return (
        _text(r.values, "owner")
        for r in source_rows(plan, Ids())
        if not _text(r.values, "owner_email")
    )


def _owner(values: Values) -> str:
    return owner_key(_text(values, "owner_email") or _text(values, "owner"))


def _note(found: Relations, kind: str, row: SourceRow) -> None:
    values = row.values
    if kind == "companies":
        _put(found.companies, squashed(_text(values, "name")), row.id)
    elif kind == "deals":
        _put(found.deals, squashed(_text(values, "name")), row.id)
    elif kind in PEOPLE:
        _put(found.emails.setdefault(kind, {}), _text(values, "email").casefold(), row.id)
        whole = " ".join(_text(values, n) for n in ("full_name", "first_name", "last_name"))
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
            if row.fault:
                continue
            if plan.kind == "companies":
                _make_company(
                    found,
                    _text(row.values, "parent"),
                    is_known=bool(_text(row.values, "parent_id")),
                )
                continue
            _make_company(
                found, _text(row.values, "company"), is_known=bool(_text(row.values, "company_id"))
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
    if _text(values, "contact_id") or found.refs("deals", values).get("contact"):
        return
    email, name = _text(values, "contact_email"), _text(values, "contact")
    key = _person_name(name)
    if not (email or key):
        return
    id_ = f"email:{email.casefold()}" if email else f"name:{key}"
    said = {"id": id_, "full_name": name, "email": email, "company": _text(values, "company")}
    company = found.refs("deals", values).get("company", "")
    kept: Values = {k: v for k, v in {**said, "company_ref": company}.items() if v}
    found.made.setdefault("contacts", {})[id_] = kept
    if email:
        found.emails.setdefault("contacts", {})[email.casefold()] = id_
    elif key not in found.names.get("contacts", {}):
        found.names.setdefault("contacts", {})[key] = id_


def _text(values: Mapping[str, object], name: str) -> str:
    held = values.get(name)
    return held.strip() if isinstance(held, str) else ""
