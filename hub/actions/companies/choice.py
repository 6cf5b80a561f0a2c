"""Which company is meant where a person names one: by a lead's conversion, or for a new contact.

A company that is meant for sure is taken. Where several may be meant, or one of a like name is there, the
person is asked before anything is written. `--company` takes one of them, `--new-company` makes another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from hub.actions.companies import merge, named
from hub.actions.context import Context
from hub.crm import companies as rows
from hub.crm.companies import Company
from hub.db.locks import company_lock
from hub.errors import ActionError
from hub.etl import accounts, companies
from hub.matching.companies import firm
from hub.model.records import JsonValue

_SHOWN = 5


class Unsure(StrEnum):
    """What is done where the name alone does not tell which company is meant."""

    OFFER = "offer"
    """Refuse, and name the companies that may be meant."""
    NEW = "new"
    """Make another company, which is none of those."""
    REVIEW = "review"
    """Make another company, and let review ask whether it is one of those (`hub review list`)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which company a person wants: one by its name (contact/12), or what is done where it is unsure."""

    named: str | None = None
    unsure: Unsure = Unsure.OFFER


def is_number(said: str) -> bool:
    """Tell whether a text names a company by its number, contact/12, and not by what it is called."""
    kind, slash, number = said.partition("/")
    return bool(slash) and kind in ("contact", "company") and number.isdigit()


def choice_of(taken: str | None, *, new_company: bool) -> Choice:
    """Return what a person asked for by `--company` and `--new-company`.

    Raises:
        ActionError: both were given.
    """
    if taken is not None and new_company:
        raise ActionError(
            "--company takes a company that is there, --new-company makes another",
            resource="company",
            field="company",
            code="invalid",
            hint="give one of the two",
        )
    return Choice(taken, Unsure.NEW if new_company else Unsure.OFFER)


@dataclass(frozen=True, slots=True)
class Employer:
    """A company that was chosen; `is_new` says that it was made for this."""

    entity_id: int
    is_new: bool


def choose(
    ctx: Context,
    mention: Mapping[str, JsonValue],
    choice: Choice,
    *,
    known: int | None = None,
    phone: JsonValue = None,
) -> Employer | None:
    """Return the company that is meant, made if it must be; None where none is named.

    Call before entities are locked: a company is made under the lock of companies.

    Args:
        ctx: who acts, in an open transaction.
        mention: what is said of the company, as canonical values; `organization_name` at least.
        choice: what the person wants.
        known: the entity of the company that is known already to be meant, a lead's account.
        phone: the person's number; a company of the same name and number is meant.

    Raises:
        ActionError: the company that is named is none, or several may be meant (`duplicate`).
    """
    conn = ctx.conn
    if choice.named is not None:
        return Employer(standing(conn, choice.named), is_new=False)
    if not mention.get("organization_name"):
        return None
    company_lock(conn)
    asked = {**mention, "phone": phone or mention.get("phone")}
    sure = known if known is not None else companies.find_of(conn, asked)
    if choice.unsure is Unsure.NEW:
        apart = {i for i, _ in accounts.offers(conn, firm("", asked))}
        return _new(ctx, mention, sorted(apart | ({sure} if sure is not None else set())))
    if sure is not None:
        return Employer(sure, is_new=False)
    if choice.unsure is Unsure.OFFER and (offered := offers(conn, asked)):
        raise _unsure(str(mention["organization_name"]), offered)
    return Employer(companies.make(conn, mention), is_new=True)


def offers(conn: Connection, mention: Mapping[str, JsonValue]) -> list[Company]:
    """Return the companies of the same or a like name that may be meant, the same name first."""
    found = accounts.offers(conn, firm("", mention))
    place = {entity: n for n, (entity, _) in enumerate(found)}
    return sorted(rows.companies(conn, place), key=lambda c: place[c.entity_id])


def standing(conn: Connection, said: str) -> int:
    """Return the entity of a company by its name; of a merged one the survivor.

    Raises:
        ActionError: there is none, or it is archived.
    """
    entity = named.find(conn, said).root_id
    if not rows.companies(conn, [entity]):
        raise ActionError(
            f"{said} is archived", resource="company", field="company", code="conflict"
        )
    return entity


def _unsure(name: str, offered: Sequence[Company]) -> ActionError:
    more = len(offered) - _SHOWN
    shown = ", ".join(one.said for one in offered[:_SHOWN])
    return ActionError(
        f"the company {name!r} may be one that is here already: {shown}"
        + (f", and {more} more" if more > 0 else ""),
        resource="company",
        field="company",
        code="duplicate",
        hint=f"--company contact/{offered[0].id} takes one of them, --new-company makes another",
        others=[f"contact/{one.id}" for one in offered],
    )


def _new(ctx: Context, mention: Mapping[str, JsonValue], apart: Sequence[int]) -> Employer:
    """Make a company that is none of some others, by the person's word."""
    conn = ctx.conn
    record = companies.write_own(conn, mention)
    pairs = [(record, named.representative(conn, other)) for other in apart]
    merge.keep_apart(ctx, pairs, why="review: a new company")
    companies.place_records(conn, [record])
    return Employer(companies.entity_of(conn, record), is_new=True)
