"""Questions: several companies have one name, and a person says whether they are one.

A name is one question, for any number of companies. The answer is kept as judgements of the
companies' records, so it holds through every sync, fold and upgrade. The name is asked again only
when another company of the name arrives.
"""

from dataclasses import dataclass
from itertools import combinations

from hub.actions.companies import merge, named
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import companies
from hub.crm.companies import Company
from hub.db.locks import company_lock
from hub.errors import ActionError
from hub.etl.accounts import firm_of
from hub.matching.companies import judge
from hub.model.verdicts import Judgement
from hub.records import edges, identity

PREFIX = "company/"


@dataclass(frozen=True, slots=True)
class CompanyQuestion:
    """A name that several companies have.

    Args:
        name: how the question is named: company/nordwind.
        companies: those that have the name, the oldest first.
    """

    name: str
    companies: tuple[Company, ...]
    kind: str = "company"


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that was answered; `companies` are the numbers of the remaining companies."""

    name: str
    judgement: str
    companies: tuple[int, ...]


def is_question(name: str) -> bool:
    """Tell whether a text names a question about companies, and not a record."""
    return name.startswith(PREFIX) and name.count("/") == 1


def open_questions(ctx: Context, limit: int = 100) -> list[CompanyQuestion]:
    """Return the names to decide, the oldest question first."""
    require(ctx, Right.READ)
    found = companies.questions(ctx.conn, limit)
    every = companies.companies(ctx.conn, {i for own in found.values() for i in own})
    row_of = {one.entity_id: one for one in every}
    return [CompanyQuestion(f"{PREFIX}{name}", _rows(row_of, own)) for name, own in found.items()]


def _rows(row_of: dict[int, Company], ids: list[int]) -> tuple[Company, ...]:
    return tuple(sorted((row_of[i] for i in ids if i in row_of), key=lambda c: c.id))


def answer(ctx: Context, name: str, judgement: Judgement) -> Answered:
    """Say whether the companies of one name are one.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        name: of the question, as `open_questions` gives it.
        judgement: SAME makes the companies one; DIFFERENT keeps all of them.

    Raises:
        ActionError: no such name is asked about, or two of the companies cannot be one.
    """
    conn = ctx.conn
    company_lock(conn)
    asked = name.removeprefix(PREFIX)
    found = companies.questions(conn, 1, name=asked).get(asked)
    if found is None:
        raise ActionError(
            f"there is no open question about companies named {name[:100]!r}",
            resource="review",
            code="not_found",
            hint="hub review list shows the open questions",
        )
    every = companies.companies(conn, found)
    require(ctx, Right.IDENTITY, *(one.owner_id for one in every))
    ids = sorted(one.entity_id for one in every)
    if judgement is Judgement.SAME:
        _refuse_conflicts(ctx, every)
        merge.make_one(ctx, ids)
    else:
        stand = [named.representative(conn, i) for i in ids]
        merge.keep_apart(ctx, combinations(stand, 2), why="review: different")
        merge.regroup(ctx, stand, {"review": {"old": name, "new": judgement.value}})
    left = companies.companies(conn, ids)
    return Answered(name, judgement.value, tuple(one.id for one in left))


def _refuse_conflicts(ctx: Context, every: list[Company]) -> None:
    """Refuse to make one of companies that differ: the person then says which of them are one."""
    conn = ctx.conn
    own = {one.entity_id: named.records(conn, one.entity_id) for one in every}
    stored = identity.load_records(conn, [i for ids in own.values() for i in ids])
    parted = {(d.a, d.b) for d in edges.decided(conn, stored) if not d.is_same}
    for x, y in combinations(every, 2):
        for a in own[x.entity_id]:
            for b in own[y.entity_id]:
                judged = judge(firm_of(stored[a]), firm_of(stored[b]))
                is_parted = (min(a, b), max(a, b)) in parted
                if is_parted or judged.judgement is Judgement.DIFFERENT:
                    why = "a user separated them" if is_parted else judged.why
                    raise ActionError(
                        f"{x.said} and {y.said} are two companies: {why}",
                        resource="review",
                        code="conflict",
                        hint="merge those that are one: hub company merge contact/… contact/…; "
                        "then hub review reject keeps the others apart",
                        others=[f"contact/{one.id}" for one in every],
                    )
