"""Merge and unmerge: a person says that two people, or two companies, are one, or are not.

Loss-less both ways. Companies are merged by `hub.actions.companies.merge`.
"""

from sqlalchemy import Connection, text

from hub.actions import lookup
from hub.actions.companies import merge as companies
from hub.actions.companies import named
from hub.actions.context import Context
from hub.actions.identity import decisions
from hub.actions.merged import Merged, Unmerged
from hub.actions.rights import Right, require
from hub.db.locks import identity_lock
from hub.errors import ActionError
from hub.model import names
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement


def merge(ctx: Context, first: str, second: str) -> Merged:
    """Make two people, or two companies, one; the older survives, both keep their records and edits.

    Args:
        ctx: the actor, in an open transaction.
        first: a person, by any name that `lookup.find` accepts, or a company.
        second: another.

    Raises:
        ActionError: there is no such person, the two are one already, or one of them is a company.
    """
    conn = ctx.conn
    identity_lock(conn)
    are_companies = [named.is_company(conn, name) for name in (first, second)]
    if all(are_companies):
        return companies.merge(ctx, first, second)
    if any(are_companies):
        firm, person = (first, second) if are_companies[0] else (second, first)
        raise ActionError(
            f"{names.full(firm)} is a company and {names.full(person)} is a person",
            resource="person",
            code="conflict",
            hint="hub company link links a person to a company",
        )
    one, other = lookup.find(conn, first).root_id, lookup.find(conn, second).root_id
    if one == other:
        raise ActionError(
            f"{names.full(first)} and {names.full(second)} are one person already",
            resource="person",
            code="conflict",
        )
    require(ctx, Right.IDENTITY, *lookup.owners_of(conn, one), *lookup.owners_of(conn, other))
    a, b = lookup.representative(conn, one, first), lookup.representative(conn, other, second)
    decisions.decide(ctx, (a, b), Judgement.SAME, why=_why(one, other))
    what: dict[str, JsonValue] = {"merged": {"old": [one, other], "new": min(one, other)}}
    decisions.apply(ctx, (a, b), what)
    survivor = lookup.find(conn, _public_id(conn, one)).root_id
    return Merged(survivor, other if survivor == one else one)


def unmerge(ctx: Context, name: str) -> Unmerged:
    """Take a person, a company, or one record, out of the one it was merged into; the two stay apart.

    A merged lead or person gets back its records, its edits and what belongs to it. If the name is
    a record's, only this record leaves.

    Args:
        ctx: the actor, in an open transaction.
        name: the merged one, or a record, by any name that `lookup.find` accepts.

    Raises:
        ActionError: there is no such person, or nothing to take apart.
    """
    conn = ctx.conn
    identity_lock(conn)
    if named.is_company(conn, name):
        return companies.unmerge(ctx, name)
    one = lookup.find(conn, name)
    require(ctx, Right.IDENTITY, *lookup.owners_of(conn, one.root_id))
    if one.record_id is not None:
        return _take_out(ctx, name, one.record_id, one.root_id)
    if one.entity_id == one.root_id:
        raise ActionError(
            f"{names.full(name)} was not merged into another",
            resource="person",
            code="conflict",
            hint="name the person that was merged into another, or one of its records; see hub explain",
        )
    parted = _parted(conn, one, name)
    for pair in parted:
        decisions.decide(ctx, pair, Judgement.DIFFERENT, why=f"unmerge {one.entity_id}")
    records = sorted({i for pair in parted for i in pair})
    what: dict[str, JsonValue] = {
        "unmerged": {"old": one.root_id, "new": [one.root_id, one.entity_id]}
    }
    decisions.apply(ctx, records, what)
    return Unmerged(one.root_id, one.entity_id)


def _take_out(ctx: Context, name: str, record: int, root: int) -> Unmerged:
    conn = ctx.conn
    others = conn.execute(
        text(
            "SELECT id FROM ops.source_record WHERE entity_id = :root AND target = 'person' "
            "AND id <> :record ORDER BY id"
        ),
        {"root": root, "record": record},
    ).scalars()
    rest = list(others)
    if not rest:
        raise ActionError(
            f"{name} is the only record of its person", resource="person", code="conflict"
        )
    for other in rest:
        decisions.decide(ctx, (record, other), Judgement.DIFFERENT, why=f"take {record} out")
    what: dict[str, JsonValue] = {"unmerged": {"old": root, "new": name}}
    decisions.apply(ctx, (record, *rest), what)
    now = {
        row.id: row.entity_id
        for row in conn.execute(
            text("SELECT id, entity_id FROM ops.source_record WHERE id = ANY(:ids)"),
            {"ids": [record, rest[0]]},
        )
    }
    return Unmerged(now[rest[0]], now[record])


def _why(one: int, other: int) -> str:
    low, high = sorted((one, other))
    return f"merge {low} {high}"


def _merges_of(conn: Connection, entity: int) -> list[tuple[int, int]]:
    """Return the pairs by which people merged an entity into another, or another into it."""
    rows = conn.execute(
        text(
            "SELECT a, b, reasons -> 0 ->> 0 AS why FROM ops.edge WHERE revoked_at IS NULL "
            "AND judgement = 'same' AND starts_with(made_by, 'person:') "
            "AND (reasons -> 0 ->> 0) LIKE 'merge %' AND "
            ":entity = ANY(string_to_array(substr(reasons -> 0 ->> 0, 7), ' ')) ORDER BY a, b"
        ),
        {"entity": str(entity)},
    ).all()
    # merged into the older of the two; what was merged into this one leaves with it
    return [(row.a, row.b) for row in rows if int(row.why.split()[2]) == entity]


def _parted(conn: Connection, one: lookup.Named, name: str) -> list[tuple[int, int]]:
    """Return the pairs of records to keep apart, so that a merged one leaves the other.

    Raises:
        ActionError: the two no longer have a record each: an undo, say, took it back.
    """
    own, rest = _anchor(conn, one.entity_id), _records(conn, one.root_id)
    parted = [pair for pair in _merges_of(conn, one.entity_id) if rest.issuperset(pair)]
    if parted:
        return parted
    # The matcher or the vendor joined them: by the records they began with.
    others = rest - {own}
    if own not in rest or not others:
        raise ActionError(
            f"{names.full(name)} and the one it was merged into no longer have a record each",
            resource="person",
            code="conflict",
            hint="nothing can be separated; `hub explain` lists the records that are left, "
            "and `hub unmerge RECORD` separates one of several",
        )
    began = _anchor(conn, one.root_id)
    return [(own, began if began in others else min(others))]


def _records(conn: Connection, entity: int) -> set[int]:
    """Return the records of a person; what an undo took back is none of them."""
    return set(
        conn.execute(
            text(
                "SELECT id FROM ops.source_record WHERE entity_id = :id AND target = 'person' "
                "AND withdrawn_by IS NULL"
            ),
            {"id": entity},
        ).scalars()
    )


def _anchor(conn: Connection, entity: int) -> int:
    return int(
        conn.execute(
            text("SELECT anchor_id FROM ops.entity WHERE id = :id"), {"id": entity}
        ).scalar_one()
    )


def _public_id(conn: Connection, entity: int) -> str:
    return str(
        conn.execute(
            text("SELECT public_id FROM ops.entity WHERE id = :id"), {"id": entity}
        ).scalar_one()
    )
