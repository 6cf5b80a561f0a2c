"""Which company a person belongs to: the account of a lead, the employer of a contact.

In: folded people and companies. Out: `account_id`, `company_id`, and the keys that find companies.
What a person said comes first, then what a source's record names, then, for leads, what their
domain or company name finds. It is part of load: it is asked at every fold.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from hub.crm import companies as rows
from hub.crm import contacts, leads
from hub.golden.fold import trusted_first
from hub.matching.companies import Firm, Key, best, company_keys, firm
from hub.model.folding import FoldRecord, GoldenRecord
from hub.records import companies, entities
from hub.records.identity import StoredRecord

_MOST_FOUND = 20  # companies that are looked at for one key
COMPANY_REF = "company"
Employer = tuple[int | None, str | None]


def settle(
    conn: Connection,
    people: Sequence[GoldenRecord],
    records: Mapping[int, Sequence[FoldRecord]],
    is_lead: Collection[int],
) -> None:
    """Point the rows of people to their companies; `is_lead` has a lead."""
    ids = [person.entity_id for person in people]
    said: dict[int, Employer] = {
        i: (company, "a person's word") for i, company in companies.employers(conn, ids).items()
    }
    named = _named(conn, {i: records[i] for i in ids if i not in said})
    firms = {p.entity_id: firm("", p.values) for p in people if p.entity_id in is_lead}
    keys = {i: set(company_keys(one)) for i, one in firms.items()}
    companies.set_keys(conn, keys, is_company=False)
    open_ = {i: one for i, one in firms.items() if i not in said and i not in named}
    known = said | named
    contacts.point_to_employers(conn, {i: known.get(i, (None, None)) for i in ids})
    known |= found_companies(conn, open_)
    leads.point_to_accounts(conn, {i: known.get(i, (None, None)) for i in ids if i in is_lead})


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
    """Return asker → the known company that its domain or name means for sure, and by what."""
    keys = {i: set(company_keys(one)) for i, one in asked.items()}
    having = companies.having(conn, keys, _MOST_FOUND)
    wanted = {company for own in having.values() for company in own}
    firms = {
        company: [firm_of(r) for r in own]
        for company, own in companies.records_of(conn, wanted).items()
    }
    found: dict[int, Employer] = {}
    for asker, own in having.items():
        chosen = best(asked[asker], {c: firms[c] for c in own if c in firms})
        if chosen is not None:
            found[asker] = (chosen[0], chosen[1].why)
    return found


def firm_of(record: StoredRecord) -> Firm:
    """Return what a company's record says."""
    return firm(record.stable_key, record.values)


def keep_company_keys(
    conn: Connection,
    company_ids: Sequence[int],
    golden: Sequence[GoldenRecord],
    records: Mapping[int, Sequence[FoldRecord]],
) -> None:
    """Let companies be found by what their records say, and by what people typed."""
    keys: dict[int, set[Key]] = {i: set() for i in company_ids}
    for one in golden:
        own = [r for r in records[one.entity_id] if not r.is_gone]
        values = [one.values, *(r.values for r in own)]
        keys[one.entity_id] = {k for v in values for k in company_keys(firm("", v))}
    companies.set_keys(conn, keys, is_company=True)


def wake_people(conn: Connection, company_ids: Sequence[int]) -> list[int]:
    """Mark people as behind whose company or account may be another now; returns them.

    A company is no news of its people, so nobody is told of their fold.
    """
    people = rows.concerned(conn, company_ids)
    entities.lock_entities(conn, people)
    entities.bump(conn, people, quietly=True)
    return people
