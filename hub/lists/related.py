"""Fields over what a record belongs to: its company, a deal's contacts, the outcomes of calls and visits.

`company` and `contact` are asked by name, or by number: `company is contact/12`. A contact that was merged counts
for its survivor, and an activity for the entity that holds the records now.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.crm.activity_tables import call, outcome, visit
from hub.crm.deal_tables import deal, deal_contact
from hub.crm.tables import contact
from hub.lists import predicates, search_text
from hub.lists.document import Op, Scalar
from hub.lists.fields import Field
from hub.lists.predicates import Asking, Column, Predicate, Values
from hub.records.entity_tables import entity

RECORD = re.compile(r"contact/([1-9]\d{0,17})")
_org_name = search_text.predicate_of("contact", "organization_name")


def number_of(said: Scalar) -> int | None:
    """Return the number of a contact that a value names (`contact/12`); None of a text."""
    found = RECORD.fullmatch(str(said).strip())
    return int(found[1]) if found else None


def company_of(table: Table, key: ColumnElement[Any]) -> Field:
    """Return the field `company` of leads and people: the name of the company linked.

    The name that the record itself gives counts where no company is linked.
    """
    own = table.c.organization_name
    own_named = search_text.predicate_of(table.name, "organization_name")

    def named(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        unlinked = and_(key.is_(None), own_named(own, op, values, asking))
        if op is Op.EMPTY:
            return unlinked
        # as an array, so that the indexes of the link and of the record's own name are read together
        firms = func.array(
            _companies(op, values, asking).scalar_subquery(), type_=ARRAY(BigInteger)
        )
        return or_(key == any_(firms), unlinked)

    shown = func.coalesce(_company_name(key), own)
    return Field("company", "Company", "text", shown, _linked(named, key.in_), names="contact")


def own_company(table: Table) -> Field:
    """Return the field of the company's name that the record itself gives, whatever it is linked to."""
    column = table.c.organization_name
    predicate = search_text.predicate_of(table.name, "organization_name")
    return Field("own_company", "Company", "text", column, predicate)


def _companies(op: Op, values: Values, asking: Asking) -> Select[Any]:
    """Return the numbers of the companies of a name, and of all that were merged into these."""
    named = _org_name(contact.c.organization_name, op, values, asking)
    return _and_merged(and_(contact.c.is_organization, named))


def _company_name(key: ColumnElement[Any]) -> Column:
    """Return the name of a company; of a merged one that of its survivor."""
    of, stands = contact.alias(), contact.alias()
    return (
        select(stands.c.organization_name)
        .join(of, stands.c.id == func.coalesce(of.c.merged_into, of.c.id))
        .where(of.c.id == key)
        .scalar_subquery()
    )


def deal_company() -> Field:
    """Return the field `company` of deals."""
    key = deal.c.organization_id

    def named(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return key.is_(None)
        return key.in_(_and_merged(_org_name(contact.c.organization_name, op, values, asking)))

    return Field("company", "Company", "text", _name(key), _linked(named, key.in_), names="contact")


def deal_contact_field() -> Field:
    """Return the field `contact` of deals: the primary contact, and all who take part."""

    def among(contacts: Any) -> Column:
        part = select(deal_contact.c.deal_id).where(deal_contact.c.contact_id.in_(contacts))
        return or_(deal.c.contact_id.in_(contacts), deal.c.id.in_(part))

    def named(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        c = contact.c
        both = func.coalesce(c.first_name, "") + literal(" ", Text) + func.coalesce(c.last_name, "")
        whole = func.nullif(func.trim(both), "")
        holds = or_(
            search_text.full_name(whole, op, values, asking),
            _org_name(c.organization_name, op, values, asking) & c.is_organization,
        )
        return among(_and_merged(holds))

    column = _name(deal.c.contact_id)
    return Field("contact", "Contact", "text", column, _linked(named, among), names="contact")


def outcomes_of(table: Table) -> Field:
    """Return the field `outcome`: how calls and visits ended; of a company also those with its people."""
    key = table.c.id if table is deal else table.c.entity_id

    def build(_column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        numbers = None if op is Op.EMPTY else [int(v) for v in values]
        if op not in {Op.EMPTY, Op.IS, Op.ANY}:
            raise predicates.UnfitError("it is asked: is, any of, none of, contains, is empty")
        having = _deals_with(numbers) if table is deal else _entities_with(numbers)
        holds: Column = key.in_(having)
        return ~holds if op is Op.EMPTY else holds

    return Field("outcome", "Outcome", "name", _last(table, key), build, names="outcome")


def _linked(named: Predicate, among: Callable[[Any], Column]) -> Predicate:
    """Return a predicate that takes numbers of contacts beside the names that `named` takes."""

    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        numbers = [n for v in values if (n := number_of(v)) is not None]
        if op not in {Op.IS, Op.ANY} or not numbers:
            return named(column, op, values, asking)
        said = [v for v in values if number_of(v) is None]
        parts = [among(_family(numbers))]
        return or_(*parts, *([named(column, op, said, asking)] if said else []))

    return build


def _family(numbers: Sequence[int]) -> Select[Any]:
    """Return the numbers of the survivors of contacts, and of all who were merged into these."""
    up = select(contact.c.id, contact.c.merged_into).where(contact.c.id.in_(numbers))
    whole = up.cte(recursive=True)
    above = contact.alias()
    whole = whole.union(
        select(above.c.id, above.c.merged_into).join(whole, above.c.id == whole.c.merged_into)
    )
    return _and_below(select(whole.c.id).where(whole.c.merged_into.is_(None)))


def _and_merged(holds: Column) -> Select[Any]:
    """Return the numbers of the present contacts that fulfil a condition, and of all merged into these."""
    c = contact.c
    return _and_below(select(c.id).where(c.archived_at.is_(None), c.merged_into.is_(None), holds))


def _and_below(roots: Select[Any]) -> Select[Any]:
    found = roots.cte(recursive=True)
    below = contact.alias()
    found = found.union(select(below.c.id).join(found, below.c.merged_into == found.c.id))
    return select(found.c.id)


def _with_outcome(column: str, numbers: Sequence[int] | None) -> Any:
    parts = [
        select(table.c[column].label("of")).where(
            table.c.archived_at.is_(None),
            table.c[column].is_not(None),
            table.c.outcome_id.is_not(None)
            if numbers is None
            else table.c.outcome_id.in_([literal(n, BigInteger) for n in numbers]),
        )
        for table in (call, visit)
    ]
    return union(*parts)


def _deals_with(numbers: Sequence[int] | None) -> Select[Any]:
    found = _with_outcome("deal_id", numbers).subquery()
    return select(found.c.of)


def _entities_with(numbers: Sequence[int] | None) -> Any:
    begun = _with_outcome("entity_id", numbers).subquery()
    had: CTE = select(begun.c.of).cte(recursive=True)
    had = had.union(
        select(entity.c.merged_into)
        .join(had, entity.c.id == had.c.of)
        .where(entity.c.merged_into.is_not(None))
    )
    staff, company = contact.alias(), contact.alias()
    of_companies = (
        select(company.c.entity_id)
        .join(staff, staff.c.company_id == company.c.id)
        .where(staff.c.entity_id.in_(select(had.c.of)), staff.c.merged_into.is_(None))
    )
    return union(select(had.c.of), of_companies)


def _last(table: Table, key: ColumnElement[Any]) -> Column:
    """Return the name of the latest outcome on the record itself."""
    column = "deal_id" if table is deal else "entity_id"
    done = union_all(
        *(
            select(one.c.outcome_id, at.label("at")).where(
                one.c[column] == key, one.c.archived_at.is_(None), one.c.outcome_id.is_not(None)
            )
            for one, at in ((call, call.c.made_at), (visit, visit.c.visited_at))
        )
    ).subquery()
    return (
        select(outcome.c.name)
        .join(done, done.c.outcome_id == outcome.c.id)
        .order_by(done.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )


def _name(key: ColumnElement[Any]) -> Column:
    of = contact.alias()
    whole = func.nullif(func.concat_ws(" ", of.c.first_name, of.c.last_name), "")
    shown = func.coalesce(whole, of.c.organization_name, of.c.email)
    return select(shown).where(of.c.id == key).scalar_subquery()
