"""Merge and unmerge companies: a person says that two are one, or are not. Loss-less both ways.

What a person says is a judgement of two records (`ops.edge`), an input of placing companies.
Records, edits, people, deals and activities stay with the company that they are of: a merged
company points to its survivor, and is a company again after an unmerge.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from hub.actions import lookup
from hub.actions.companies import named
from hub.actions.companies.named import NamedCompany
from hub.actions.context import Context
from hub.actions.merged import Merged, Unmerged
from hub.actions.rights import Right, require
from hub.db.locks import company_lock
from hub.errors import ActionError
from hub.etl import companies, load
from hub.model import names
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement
from hub.records import edges
from hub.records.edges import NewEdge
from hub.records.history import append_changes

CERTAIN = 100.0
Pair = tuple[int, int]


def merge(ctx: Context, first: str, second: str) -> Merged:
    """Make two companies one; the older one survives, and gets the people and deals of both.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        first: a company, by any name that `named.find` accepts.
        second: another.

    Raises:
        ActionError: one of them is no company, or the two are one already.
    """
    conn = ctx.conn
    company_lock(conn)
    one, other = named.find(conn, first).root_id, named.find(conn, second).root_id
    if one == other:
        raise ActionError(
            f"{names.full(first, 'contact')} and {names.full(second, 'contact')} are one company already",
            resource="company",
            code="conflict",
        )
    _may(ctx, one, other)
    make_one(ctx, [one, other])
    root = lookup.root(conn, one)
    return Merged(root, other if root == one else one)


def unmerge(ctx: Context, name: str) -> Unmerged:
    """Take a company, or one record, out of the company it was merged into; the two stay apart.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        name: the merged company, or a record, by any name that `named.find` accepts.

    Raises:
        ActionError: there is no such company, or nothing to take apart.
    """
    conn = ctx.conn
    company_lock(conn)
    one = named.find(conn, name)
    _may(ctx, one.root_id)
    pairs = (
        _of_record(conn, one, name) if one.record_id is not None else _of_merged(conn, one, name)
    )
    keep_apart(ctx, pairs, why=f"unmerge {one.entity_id}")
    regroup(ctx, {i for pair in pairs for i in pair}, {
        "unmerged": {"old": one.root_id, "new": [one.root_id, one.entity_id]}
    })  # fmt: skip
    if one.record_id is None:
        return Unmerged(one.root_id, one.entity_id)
    left, stayed = pairs[0]
    return Unmerged(_entity_of(conn, stayed), _entity_of(conn, left))


def decide(ctx: Context, first: str, second: str, judgement: Judgement) -> None:
    """Say whether two companies, or two records of companies, are one.

    Raises:
        ActionError: one of them is no company; or the two are one company, and are to be kept
            apart.
    """
    if judgement is Judgement.SAME:
        merge(ctx, first, second)
        return
    conn = ctx.conn
    company_lock(conn)
    one, other = named.find(conn, first), named.find(conn, second)
    _may(ctx, one.root_id, other.root_id)
    pair = [i.record_id or named.representative(conn, i.root_id) for i in (one, other)]
    if pair[0] == pair[1]:
        raise ActionError(
            f"{names.full(first, 'contact')} and {names.full(second, 'contact')} are one company",
            resource="company",
            code="conflict",
            hint="hub company unmerge separates a merged company, or one record",
        )
    keep_apart(ctx, [(pair[0], pair[1])], why="review: different")
    regroup(ctx, pair, {"review": {"old": [first, second], "new": judgement.value}})


def make_one(ctx: Context, company_ids: Iterable[int]) -> None:
    """Say that companies are one; what was said against it is revoked. Call under the lock of companies."""
    conn = ctx.conn
    first, *rest = sorted(company_ids)
    stands_for = named.representative(conn, first)
    said: list[NewEdge] = []
    for other in rest:
        own, theirs = named.records(conn, first), named.records(conn, other)
        edges.revoke_between(conn, own, theirs, Judgement.DIFFERENT.value)
        pair = (stands_for, named.representative(conn, other))
        said.append(_edge(ctx, pair, Judgement.SAME, f"merge {first} {other}"))
    edges.add_edges(conn, said)
    what: dict[str, JsonValue] = {"merged": {"old": [first, *rest], "new": first}}
    regroup(ctx, {i for edge in said for i in (edge.a, edge.b)}, what)


def keep_apart(ctx: Context, pairs: Iterable[Pair], *, why: str) -> None:
    """Decide that pairs of records are two companies; earlier decisions on them are revoked."""
    said = [_edge(ctx, pair, Judgement.DIFFERENT, why) for pair in sorted(set(pairs))]
    for edge in said:
        edges.revoke_decision(ctx.conn, edge.a, edge.b)
    edges.add_edges(ctx.conn, said)


def regroup(ctx: Context, records: Iterable[int], what: dict[str, JsonValue]) -> None:
    """Group records by the decisions, fold all companies concerned, and note the actor."""
    conn = ctx.conn
    touched = sorted(companies.place_records(conn, sorted(records)).touched)
    load.refold(conn, touched)
    append_changes(conn, ctx.who, dict.fromkeys(touched, what))


def _edge(ctx: Context, pair: Pair, judgement: Judgement, why: str) -> NewEdge:
    low, high = sorted(pair)
    maker = f"person:{ctx.who}"
    return NewEdge(low, high, judgement.value, CERTAIN, [(why, CERTAIN)], maker)


def _may(ctx: Context, *company_ids: int) -> None:
    owners = [o for i in company_ids for o in lookup.owners_of(ctx.conn, i)]
    require(ctx, Right.IDENTITY, *owners)


def _of_record(conn: Connection, one: NamedCompany, name: str) -> list[Pair]:
    record = one.record_id
    rest = [i for i in named.records(conn, one.root_id) if i != record]
    if record is None or not rest:
        raise ActionError(
            f"{name} is the only record of its company", resource="company", code="conflict"
        )
    return [(record, other) for other in rest]


def _of_merged(conn: Connection, one: NamedCompany, name: str) -> list[Pair]:
    """Return the pairs of records to keep apart, so that a merged company leaves the other."""
    if one.entity_id == one.root_id:
        raise ActionError(
            f"{names.full(name, 'contact')} was not merged into another company",
            resource="company",
            code="conflict",
            hint="name the company that was merged into another, or one of its records",
        )
    held = set(named.records(conn, one.root_id))
    if parted := [pair for pair in _merges_of(conn, one.entity_id) if held.issuperset(pair)]:
        return parted
    own, began = (_anchor(conn, i) for i in (one.entity_id, one.root_id))
    others = held - {own}
    if own not in held or not others:
        raise ActionError(
            f"{names.full(name, 'contact')} and the company it was merged into no longer have a record each",
            resource="company",
            code="conflict",
            hint="name one of its records: hubspot/companies/9001",
        )
    return [(own, began if began in others else min(others))]


_MERGES = text("""
SELECT a, b FROM ops.edge WHERE revoked_at IS NULL AND judgement = 'same'
  AND starts_with(made_by, 'person:') AND (a = ANY(:held) OR b = ANY(:held))
  AND (reasons -> 0 ->> 0) LIKE 'merge %' AND split_part(reasons -> 0 ->> 0, ' ', 3) = :absorbed
ORDER BY a, b
""")


def _merges_of(conn: Connection, entity: int) -> list[Pair]:
    """Return the pairs by which people merged a company into another."""
    held = named.records(conn, lookup.root(conn, entity))
    rows = conn.execute(_MERGES, {"held": held, "absorbed": str(entity)})
    return [(row.a, row.b) for row in rows]


def _anchor(conn: Connection, entity: int) -> int:
    found = conn.execute(text("SELECT anchor_id FROM ops.entity WHERE id = :id"), {"id": entity})
    return int(found.scalar_one())


def _entity_of(conn: Connection, record: int) -> int:
    found = conn.execute(
        text("SELECT entity_id FROM ops.source_record WHERE id = :id"), {"id": record}
    )
    return int(found.scalar_one())
