"""Find the company that a user means: by a lead's conversion, or for a new contact.

If the match is certain, the company is taken. If several match, or one of a similar name exists,
the user must choose before anything is written. `--company` takes one of them, `--new-company`
makes another.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy import Connection

from hub.actions.companies import merge, named
from hub.actions.context import Context
from hub.crm import companies as rows
from hub.crm.companies import Company
from hub.db.locks import company_lock
from hub.errors import ActionError
from hub.etl import accounts, companies
from hub.frozen import dataclass
from hub.matching.companies import Key, firm
from hub.model.records import JsonValue

_SHOWN = 5


class Unsure(StrEnum):
    """What to do if the name does not determine the company."""

    OFFER = "offer"
    """Refuse, and name the companies that may be meant."""
    NEW = "new"
    """Make another company, which is none of those."""
    REVIEW = "review"
    """Make another company, and ask in review whether it is one of those (`hub review list`)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The company that a user wants: by its name (contact/12), or what to do if it is unsure."""

    named: str | None = None
    unsure: Unsure = Unsure.OFFER


def is_number(said: str) -> bool:
    """Tell whether a text names a company by its number, contact/12, and not by its own name."""
    kind, slash, number = said.partition("/")
    return bool(slash) and kind in ("contact", "company") and number.isdigit()


def choice_of(taken: str | None, *, new_company: bool) -> Choice:
    """Return the choice that `--company` and `--new-company` express.

    Raises:
        ActionError: both were given.
    """
    if taken is not None and new_company:
        raise ActionError(
            "--company and --new-company were given; one of them is allowed",
            resource="company",
            field="company",
            code="invalid",
            hint="use --company for an existing company, or --new-company to add one",
        )
    return Choice(taken, Unsure.NEW if new_company else Unsure.OFFER)


@dataclass(frozen=True, slots=True)
class Employer:
    """A company that was chosen; `is_new` says that it was made for this."""

    entity_id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of a company to choose.

    Args:
        mention: canonical values; `organization_name` where one is named.
        known: the entity of a company that is already certain: a lead's account.
        phone: the person's number; a company of the same name and number is meant.
    """

    mention: Mapping[str, JsonValue]
    known: int | None = None
    phone: JsonValue = None

    @property
    def asked(self) -> Mapping[str, JsonValue]:
        """Return what finds the company."""
        return {**self.mention, "phone": self.phone or self.mention.get("phone")}


def choose(ctx: Context, one: Sought, choice: Choice) -> Employer | None:
    """Return the chosen company, made if necessary; None if none is named.

    Raises:
        ActionError: as `choose_all`.
    """
    return choose_all(ctx, [one], choice)[0]


def choose_all(ctx: Context, sought: Sequence[Sought], choice: Choice) -> list[Employer | None]:
    """Return the chosen companies, in order, as if each were chosen after the one before.

    Call before entities are locked: a company is made under the lock of companies.

    Args:
        ctx: the actor, in an open transaction.
        sought: what is known of each company.
        choice: what the person wants.

    Raises:
        ActionError: the named record is no company, or several companies match (`duplicate`).
    """
    if choice.named is not None:
        taken = Employer(standing(ctx.conn, choice.named), is_new=False)
        return [taken for _ in sought]
    left = [n for n, one in enumerate(sought) if one.mention.get("organization_name")]
    if left:
        company_lock(ctx.conn)
    found: dict[int, Employer] = {}
    while left:
        found |= _next(ctx, {n: sought[n] for n in left}, choice)
        left = [n for n in left if n not in found]
    return [found.get(n) for n in range(len(sought))]


def _next(ctx: Context, sought: Mapping[int, Sought], choice: Choice) -> dict[int, Employer]:
    """Choose those companies that do not depend on one that another lead is about to make.

    A company depends on another one if both share a key: only keys find companies.
    """
    firms = {n: firm("", one.asked) for n, one in sought.items()}
    by_keys = accounts.found_companies(
        ctx.conn, {n: firms[n] for n, one in sought.items() if one.known is None}
    )
    sure = {n: company for n, (company, _) in by_keys.items() if company is not None}
    sure |= {n: one.known for n, one in sought.items() if one.known is not None}
    found: dict[int, Employer] = {}
    new: list[int] = []
    unclear: set[Key] = set()
    for n, one in sought.items():
        keys = accounts.found_by(firms[n])
        is_clear = one.known is not None or not keys & unclear
        if is_clear and n in sure and choice.unsure is not Unsure.NEW:
            found[n] = Employer(sure[n], is_new=False)
            continue
        if not keys & unclear:
            new.append(n)
        unclear |= keys
    return found | _make(ctx, {n: sought[n] for n in new}, sure, choice)


def _make(
    ctx: Context, new: Mapping[int, Sought], sure: Mapping[int, int], choice: Choice
) -> dict[int, Employer]:
    """Make companies that share no key."""
    if choice.unsure is Unsure.NEW:
        return {n: _apart(ctx, one, sure.get(n)) for n, one in new.items()}
    if choice.unsure is Unsure.OFFER:
        for one in new.values():
            if offered := offers(ctx.conn, one.asked):
                raise _unsure(str(one.mention["organization_name"]), offered)
    made = companies.make_all(ctx.conn, [one.mention for one in new.values()])
    return {n: Employer(m.entity_id, m.is_new) for n, m in zip(new, made, strict=True)}


def _apart(ctx: Context, one: Sought, sure: int | None) -> Employer:
    alike = {i for i, _ in accounts.offers(ctx.conn, firm("", one.asked))}
    return _new(ctx, one.mention, sorted(alike | ({sure} if sure is not None else set())))


def offers(conn: Connection, mention: Mapping[str, JsonValue]) -> list[Company]:
    """Return the companies of the same or a similar name, the same name first."""
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
        f"the company {name!r} resembles existing companies: {shown}"
        + (f", and {more} more" if more > 0 else ""),
        resource="company",
        field="company",
        code="duplicate",
        hint=f"--company contact/{offered[0].id} links one of them, --new-company adds another",
        others=[f"contact/{one.id}" for one in offered],
    )


def _new(ctx: Context, mention: Mapping[str, JsonValue], apart: Sequence[int]) -> Employer:
    """Make a company that the user separates from some others."""
    conn = ctx.conn
    record = companies.write_own(conn, mention)
    pairs = [(record, named.representative(conn, other)) for other in apart]
    merge.keep_apart(ctx, pairs, why="review: a new company")
    companies.place_records(conn, [record])
    return Employer(companies.entity_of(conn, record), is_new=True)
