"""Parents of companies, as their records name them, in any order of arrival.

In: companies that were just written, with their records. Out: `crm.contact.parent_id`. A circle of parents
is broken at its youngest link, and a problem tells it. A parent that is not here yet is noted; the company
is folded again when it comes.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from hub.crm import contacts, related
from hub.crm import parents as rows
from hub.golden.fold import trusted_first
from hub.landing import load_problems
from hub.landing.load_problems import LoadProblem
from hub.model.entities import COMPANY_STREAMS
from hub.model.folding import FoldRecord
from hub.records import folding, plain_records, wanted
from hub.records.companies import ORGANISATION
from hub.records.wanted import ObjectKey

PARENT = "parent"
_EVER = datetime.min.replace(tzinfo=UTC)
Parents = dict[int, int | None]
"""Row of a company → the row of its parent."""


def update(conn: Connection, records: Mapping[int, Sequence[FoldRecord]]) -> None:
    """Point companies to their parents; call under the lock of companies, when their rows are written.

    Args:
        conn: an open transaction.
        records: of the companies.
    """
    own = rows.rows_of(conn, list(records))
    said = {i: one for i, r in records.items() if (one := _naming(r)) is not None}
    had = {i for i, (_, parent) in own.items() if parent is not None}
    if not said and not had:
        return
    keys = {i: _key(record) for i, record in said.items()}
    here = related.find(conn, people=keys.values(), with_contacts=True)
    wished: Parents = {
        own[i][0]: parent.id
        if i in keys and (parent := here.contact(keys[i])) and parent.id != own[i][0]
        else None
        for i in own
        if i in said or i in had
    }
    now, circles = _without_circles(conn, wished)
    before = dict(own.values())
    contacts.point_to_parents(
        conn, {r: p for r, p in now.items() if r not in before or before[r] != p}
    )
    _tell(conn, circles)
    missing = [(said[i].id, key) for i, key in keys.items() if here.contact(key) is None]
    wanted.replace(conn, [record.id for record in said.values()], missing)


def _naming(records: Sequence[FoldRecord]) -> FoldRecord | None:
    """Return the record that names the parent: the most trusted one that names any."""
    named = (r for r in trusted_first(records) if not r.is_gone and r.refs.get(PARENT))
    return next((r for r in named if r.source in COMPANY_STREAMS), None)


def _key(record: FoldRecord) -> ObjectKey:
    return record.source, COMPANY_STREAMS[record.source], record.refs[PARENT]


def _without_circles(
    conn: Connection, wished: Parents
) -> tuple[Parents, list[tuple[FoldRecord, str]]]:
    """Return the parents to write, and the links that were left out with their circles.

    Which link goes depends on the records alone, so every order of arrival gives the same tree.
    """
    known = rows.above(conn, {p for p in wished.values() if p is not None} | wished.keys())
    entity = {row: of for row, (_, of) in known.items()}
    parents: Parents = {row: parent for row, (parent, _) in known.items()} | wished
    changed, told = dict(wished), []
    for row in sorted(wished):
        while circle := _circle(parents, row):
            links = _links(conn, [entity[one] for one in circle])
            youngest = max(circle, key=lambda one: _age(links.get(entity[one])))
            parents[youngest] = changed[youngest] = None
            link = links.get(entity[youngest])
            if link is not None:
                told.append((link, _names(links, [entity[one] for one in circle])))
    return changed, told


def _circle(parents: Mapping[int, int | None], start: int) -> list[int]:
    """Return the companies of the circle in which a company stands; nothing if it stands in none."""
    way = [start]
    while (above := parents.get(way[-1])) is not None:
        if above == start:
            return way
        if above in way:
            return []  # a circle further up, which is found from one of its own
        way.append(above)
    return []


def _links(conn: Connection, entities: Collection[int]) -> dict[int, FoldRecord]:
    found = folding.records_of(conn, sorted(entities), ORGANISATION)
    return {i: one for i, own in found.items() if (one := _naming(own)) is not None}


def _age(link: FoldRecord | None) -> tuple[datetime, str, str]:
    return (
        (_EVER, "", "") if link is None else (link.source_at or _EVER, link.source, link.source_id)
    )


def _names(links: Mapping[int, FoldRecord], circle: Sequence[int]) -> str:
    ids = [links[i].source_id if i in links else "?" for i in circle]
    return " → ".join([*ids, ids[0]])


def _tell(conn: Connection, circles: Sequence[tuple[FoldRecord, str]]) -> None:
    """Write a problem for each link that was left out."""
    told = {link.id: (link, names) for link, names in circles}
    if not told:
        return
    plain = plain_records.read(conn, list(told))
    problems = [
        LoadProblem(
            record.batch_id, record.raw_id, *record.key, PARENT, told[record.id][0].refs[PARENT],
            f"the parents go in a circle: {told[record.id][1]}; this link, the youngest, is left out",
            "field",
        )
        for record in plain
    ]  # fmt: skip
    load_problems.replace(conn, [record.raw_id for record in plain], problems)
