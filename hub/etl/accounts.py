"""Which company a person belongs to: the account of a lead, the employer of a contact.

In: folded people and companies. Out: `account_id`, `company_id`, and the keys that find companies.
A user's word comes first, then the company that a source's record names. For leads, the company
found by domain or company name comes last. It is part of load, and computed at every fold.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from hub.crm import companies as rows
from hub.crm import contacts as contact_rows
from hub.crm import leads as lead_rows
from hub.crm.attached import Attached
from hub.crm.companies import Links
from hub.frozen import dataclass
from hub.golden.fold import trusted_first
from hub.matching.companies import (
    Firm,
    Judged,
    Key,
    best,
    company_keys,
    firm,
    may_be,
    offer_keys,
    with_facts,
)
from hub.model.folding import FoldRecord, GoldenRecord
from hub.records import companies, edits, entities
from hub.records.identity import StoredRecord

_MOST_FOUND = 20  # companies that are read for one key
COMPANY_REF = "company"
Employer = tuple[int | None, str | None]
_NONE: Employer = (None, None)


@dataclass(frozen=True, slots=True)
class Belonging:
    """The companies of people: person → the row of the company, and the reason.

    Args:
        employers: of contacts.
        accounts: of leads.
    """

    employers: Links
    accounts: Links


def find(
    conn: Connection,
    people: Sequence[GoldenRecord],
    records: Mapping[int, Sequence[FoldRecord]],
    is_lead: Collection[int],
    *,
    had: Mapping[int, RowMapping],
    beside: Mapping[int, Attached],
) -> Belonging:
    """Return the companies of people, and store the company keys of leads.

    Args:
        conn: an open transaction.
        people: folded.
        records: by entity.
        is_lead: people who have a lead, or get one.
        had: the rows of leads, as they are until now.
        beside: what people have beside records.
    """
    ids = [person.entity_id for person in people]
    words = companies.employments(conn, [i for i in ids if beside[i].is_employed])
    said: dict[int, Employer] = {
        i: (word.company, "a person's word")
        for i, word in words.items()
        if word.company is not None
    }
    named = {
        i: employer
        for i, employer in _named(conn, {i: records[i] for i in ids if i not in said}).items()
        if i not in words or employer[0] not in words[i].left
    }
    firms = {p.entity_id: firm("", p.values) for p in people if p.entity_id in is_lead}
    keys = {i: set(company_keys(one)) for i, one in firms.items()}
    before = {i: set(company_keys(firm("", dict(row)))) for i, row in had.items() if i in keys}
    companies.set_lead_keys(conn, keys, before)
    employers = said | named
    typed = _typed(conn, [i for i in ids if i in is_lead and beside[i].is_edited], words)
    asked = {i: own for i, own in keys.items() if i not in employers or i in typed}
    found = {
        i: employer
        for i, employer in _sharing(conn, firms, asked).items()
        if i not in words or employer[0] not in words[i].left or i in typed
    }
    sure = _unless_typed(conn, employers, {i: firms[i] for i in typed})
    return _rows(conn, ids, is_lead, employers, sure | found)


def _typed(
    conn: Connection, lead_ids: Sequence[int], words: Mapping[int, companies.Employment]
) -> set[int]:
    """Return the leads whose company a user typed as the latest of all values."""
    at = edits.typed_at(conn, lead_ids, "organization_name")
    return {i for i, typed in at.items() if i not in words or words[i].at < typed}


def _unless_typed(
    conn: Connection, employers: Mapping[int, Employer], typed: Mapping[int, Firm]
) -> dict[int, Employer]:
    """Return where people work, without the companies that are not what was typed of a lead."""
    asked = {i: employers[i][0] for i in typed if i in employers}
    firms = _firms(conn, {company for company in asked.values() if company is not None})
    other = {
        i
        for i, company in asked.items()
        if company is not None and company in firms and not may_be(typed[i], {0: firms[company]})
    }
    return {i: employer for i, employer in employers.items() if i not in other}


def _rows(
    conn: Connection,
    ids: Sequence[int],
    is_lead: Collection[int],
    employers: Mapping[int, Employer],
    accounts: Mapping[int, Employer],
) -> Belonging:
    standing = rows.standing(conn, {c for c, _ in accounts.values() if c is not None})

    def linked(company: int | None, why: str | None) -> tuple[int | None, str | None]:
        row = standing.get(company) if company is not None else None
        return (row, why) if row is not None else _NONE

    return Belonging(
        {i: linked(*employers.get(i, _NONE)) for i in ids},
        {i: linked(*accounts.get(i, _NONE)) for i in ids if i in is_lead},
    )


def point(
    conn: Connection,
    belonging: Belonging,
    *,
    leads: Mapping[int, RowMapping],
    contacts: Mapping[int, RowMapping],
) -> None:
    """Point rows that exist, by entity, to their companies, where they do not yet."""
    contact_rows.point_to_employers(
        conn,
        {
            i: link
            for i, link in belonging.employers.items()
            if (row := contacts.get(i)) is not None and row["company_id"] != link[0]
        },
    )
    lead_rows.point_to_accounts(
        conn,
        {
            i: link
            for i, link in belonging.accounts.items()
            if (row := leads.get(i)) is not None and _pointed(row) != link
        },
    )


def _pointed(lead: RowMapping) -> Employer:
    return lead["account_id"], lead["account_why"]


def _named(conn: Connection, records: Mapping[int, Sequence[FoldRecord]]) -> dict[int, Employer]:
    """Return person → the company that one of their records names, the most trusted first."""
    refs = {
        person: [
            (r.source, ref)
            for r in trusted_first(own)
            if not r.is_gone and (ref := r.refs.get(COMPANY_REF))
        ]
        for person, own in records.items()
    }
    known = companies.named(conn, [ref for own in refs.values() for ref in own])
    found: dict[int, Employer] = {}
    for person, own in refs.items():
        first = next((ref for ref in own if ref in known), None)
        if first is not None:
            found[person] = (known[first], f"named by {first[0]}")
    return found


def found_companies(conn: Connection, asked: Mapping[int, Firm]) -> dict[int, Employer]:
    """Return asker → the known company that its domain or name identifies, and the reason."""
    return _sharing(conn, asked, {i: set(company_keys(one)) for i, one in asked.items()})


def _sharing(
    conn: Connection, asked: Mapping[int, Firm], keys: Mapping[int, Collection[Key]]
) -> dict[int, Employer]:
    having = companies.having(conn, keys, _MOST_FOUND)
    if not having:
        return {}
    firms = _firms(conn, {company for own in having.values() for company in own})
    found: dict[int, Employer] = {}
    for asker, own in having.items():
        chosen = best(asked[asker], {c: firms[c] for c in own if c in firms})
        if chosen is not None:
            found[asker] = (chosen[0], chosen[1].why)
    return found


def _firms(conn: Connection, company_ids: Collection[int]) -> dict[int, list[Firm]]:
    """Return the values of present companies: by their records, and by their rows.

    A row holds what people typed, so that a company is known by the name that it has here.
    """
    shown = rows.shown(conn, company_ids)
    found: dict[int, list[Firm]] = {}
    for company, own in companies.records_of(conn, company_ids).items():
        said = [firm_of(r) for r in own]
        found[company] = [*said, with_facts(firm("", shown.get(company, {})), said)]
    return found


def offers(conn: Connection, one: Firm) -> list[tuple[int, str]]:
    """Return the companies that a person may mean, and why: the surest first, then those of like names.

    Args:
        conn: an open transaction.
        one: the values of the company.
    """
    keys = {0: {*company_keys(one), *offer_keys(one)}}
    having = companies.having(conn, keys, _MOST_FOUND).get(0, [])
    found = may_be(one, _firms(conn, having))
    ordered = sorted(found, key=lambda c: (-found[c].strength, "names" in found[c].why, c))
    return [(company, found[company].why) for company in ordered]


def alike(conn: Connection, company_id: int) -> dict[int, Judged]:
    """Return the other companies that may be the same as a company, and why."""
    own = _firms(conn, [company_id]).get(company_id)
    if not own:
        return {}
    whole = own[-1]
    having = companies.having(conn, {0: found_by(whole)}, _MOST_FOUND).get(0, [])
    return may_be(whole, _firms(conn, [one for one in having if one != company_id]))


def firm_of(record: StoredRecord) -> Firm:
    """Return a company's record as matching compares it."""
    return firm(record.stable_key, record.values)


def found_by(one: Firm) -> set[Key]:
    """Return the keys of a company: those that prove it, and those that only offer it to a user."""
    return {*company_keys(one), *offer_keys(one)}


def keep_company_keys(
    conn: Connection,
    company_ids: Sequence[int],
    golden: Sequence[GoldenRecord],
    records: Mapping[int, Sequence[FoldRecord]],
) -> None:
    """Store the keys of companies: from their records, and from edits."""
    keys: dict[int, set[Key]] = {i: set() for i in company_ids}
    for one in golden:
        own = [r for r in records[one.entity_id] if not r.is_gone]
        values = [one.values, *(r.values for r in own)]
        keys[one.entity_id] = {k for v in values for k in found_by(firm("", v))}
    companies.set_company_keys(conn, keys)


def wake_people(conn: Connection, company_ids: Sequence[int]) -> list[int]:
    """Mark people as stale whose company or account may have changed; returns them.

    A change of a company is no news of its people, so their fold sends no notification.
    """
    people = rows.concerned(conn, company_ids)
    entities.lock_entities(conn, people)
    entities.bump(conn, people, quietly=True)
    return people
