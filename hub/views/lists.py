"""A page of a list, made by the engine of smart lists from options or from a document.

In: an open connection, a list that is ready to be asked. Out: a page with its columns. The options that
every `list` command takes become conditions of a document (`conditions`); there is no second filter.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.errors import ActionError
from hub.frozen import dataclass
from hub.lists import pages, shorthand
from hub.lists.pages import Query
from hub.lists.related import number_of

OBJECT_OF = {"lead": "lead", "contact": "person", "company": "company", "deal": "deal"}
"""Kind of record, as commands and names call it → kind of record of a list."""
_ADDED = {"deal": "added_at"}
_MONEY = {"deal": ("value", "weighted_value")}
"""Fields that are amounts, in the `currency` of their record."""
_DEEPEST = 10_000  # rows that a page number may skip


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of a list.

    Args:
        name: the key in each row.
        label: as people read it.
        kind: text, number, money (in the record's `currency`), bool, moment, date, days, tags, user, name, or a custom field's type.
    """

    name: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list.

    Args:
        object: lead, person, company or deal.
        columns: in their order.
        rows: each with `id` and a value by column.
        after: the mark of the next page (`--after`); null on the last one.
    """

    object: str
    columns: tuple[ListColumn, ...]
    rows: tuple[Mapping[str, Any], ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the options of `list` ask for; everything that is given holds.

    Args:
        owner: an address, a name, `me` or `nobody`.
        status: of a lead its status; of a contact or company its customer status.
        stage: of a deal.
        pipeline: of a deal.
        source: where the record comes from.
        tags: each of them.
        company: words of the company's name, or its number: `contact/7`.
        created_from: a day, a moment or words such as `7 days ago`.
        created_to: the same; a day is included.
        where: further conditions, as `hub.lists.shorthand` reads them.
        sort: a field, `-field` for the other direction; None: the newest first.
        columns: fields to show; none: those of the kind.
        with_archived: archived records too.
    """

    owner: str | None = None
    status: str | None = None
    stage: str | None = None
    pipeline: str | None = None
    source: str | None = None
    tags: Sequence[str] = ()
    company: str | None = None
    created_from: str | None = None
    created_to: str | None = None
    where: Sequence[str] = ()
    sort: str | None = None
    columns: Sequence[str] = ()
    with_archived: bool = False


def conditions(kind: str, asked: Filters) -> list[dict[str, Any]]:
    """Return the options as conditions of a list document.

    Raises:
        ActionError: a record of that kind has no such option, or a condition cannot be read.
    """
    added = _ADDED.get(kind, "created_at")
    status = "status" if kind == "lead" else "customer_status"
    named = "contains" if number_of(asked.company or "") is None else "is"
    plain = [
        ("owner", "owner", "is", asked.owner, ("lead", "contact", "company", "deal")),
        ("status", status, "is", asked.status, ("lead", "contact", "company")),
        ("stage", "stage", "is", asked.stage, ("deal",)),
        ("pipeline", "pipeline", "is", asked.pipeline, ("deal",)),
        ("source", "source", "is", asked.source, ("lead", "contact", "company", "deal")),
        ("company", "company", named, asked.company, ("lead", "contact", "deal")),
        ("created-from", added, ">=", asked.created_from, tuple(OBJECT_OF)),
        ("created-to", added, "<=", asked.created_to, tuple(OBJECT_OF)),
    ]
    made: list[dict[str, Any]] = []
    for option, field, op, value, kinds in plain:
        if value is None:
            continue
        if kind not in kinds:
            raise ActionError(
                f"a {kind} has no {option}",
                resource=kind,
                field=option,
                code="invalid",
                hint=f"--{option} is for {', '.join(kinds)}",
            )
        made.append({"field": field, "op": op, "value": value})
    if asked.tags:
        made.append({"field": "tags", "op": "all of", "value": list(asked.tags)})
    return [*made, *(shorthand.condition(words) for words in asked.where)]


def page(
    conn: Connection, query: Query, *, limit: int, number: int = 1, after: str | None = None
) -> ListPage:
    """Return a page of a list.

    Args:
        conn: an open transaction.
        query: the list.
        limit: rows at most.
        number: which page, from 1 on; not together with `after`.
        after: the mark of the page before.

    Raises:
        ActionError: the mark is none of this list, or the page lies too deep for a number.
    """
    skipped = (number - 1) * limit
    if skipped > _DEEPEST or (skipped and after is not None):
        raise ActionError(
            f"page {number} of {limit} rows cannot be asked for by its number"
            if after is None
            else "a page has a number or a mark, not both",
            resource="smart_list",
            field="page",
            code="invalid",
            hint=f"numbers reach {_DEEPEST:,} rows; go on from a page with --after",
        )
    if skipped:
        after = pages.next_mark(conn, query, skipped)
        if after is None:
            return of_page(query, pages.Page(_columns(query), [], None))
    return of_page(query, pages.page(conn, query, limit, after))


def of_page(query: Query, found: pages.Page) -> ListPage:
    """Return what the engine of lists found, as a read model."""
    fields = query.fields
    shown = [fields.find(name) for name in found.columns]
    money = _MONEY.get(fields.object, ())
    columns = tuple(
        ListColumn(f.name, f.label, "money" if f.name in money else f.kind)
        for f in shown
        if f is not None
    )
    return ListPage(fields.object, columns, tuple(found.rows), found.after)


def _columns(query: Query) -> tuple[str, ...]:
    return query.document.columns or query.fields.default_columns
