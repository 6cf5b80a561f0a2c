"""Which rows of the CRM point to others: what people have built on a lead, a contact, a user.

Reads only. Not here: deleting what nothing points to (`hub.crm.removal`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, TextClause, text

# references that stages write; every other reference to a person is the work of a user
PIPELINES_OWN = frozenset(
    {
        "crm.alert.contact_id",
        "crm.alert.lead_id",
        "crm.contact.company_id",
        "crm.contact.entity_id",
        "crm.contact.merged_into",
        "crm.contact.parent_id",
        "crm.inquiry.entity_id",
        "crm.lead.account_id",
        "crm.lead.contact_id",
        "crm.lead.entity_id",
        "crm.lead.merged_into",
        "crm.note.entity_id",
        "crm.ticket.entity_id",
    }
)


# the database's own word, so that no table is forgotten
_REFERENCES = text("""
SELECT n.nspname, r.relname, a.attname
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
JOIN pg_namespace n ON n.oid = r.relnamespace
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.confrelid = CAST(:target AS regclass)
  AND (n.nspname = 'crm' OR r.relname = 'employment')
ORDER BY 1, 2, 3
""")


_KNOWN: dict[str, list[tuple[str, str, str]]] = {}  # the tables do not change while a process runs


def _pointers(conn: Connection, target: str) -> list[tuple[str, str, str]]:
    """Return which columns point to a table: schema, table, column each."""
    if target not in _KNOWN:
        rows = conn.execute(_REFERENCES, {"target": target})
        _KNOWN[target] = [(row[0], row[1], row[2]) for row in rows]
    return _KNOWN[target]


def pointing_at(
    conn: Connection,
    target: str,
    ids: Sequence[int],
    *,
    but: frozenset[str] = frozenset(),
    without: Mapping[str, Collection[int]] | None = None,
    going: Collection[int] = (),
) -> dict[int, str]:
    """Return which rows other rows of the CRM point to, and the name of such a table.

    Args:
        conn: an open connection.
        target: the table that is pointed to, with its schema.
        ids: rows of it.
        but: columns, `crm.table.column`, that do not count.
        without: rows that do not count, by table: they are about to go.
        going: records of deals and activities whose rows do not count either.
    """
    if not ids:
        return {}
    pointers = [p for p in _pointers(conn, target) if ".".join(p) not in but]
    if not pointers:
        return {}
    left = {where: sorted(gone) for where, gone in (without or {}).items() if gone}
    query = _asking(tuple(pointers), frozenset(left), has_going=bool(going))
    args = {f"without_{where}": gone for where, gone in left.items()}
    rows = conn.execute(query, {"ids": sorted(ids), "going": sorted(going), **args})
    return {row.id: row.at for row in rows}


@lru_cache(maxsize=64)
def _asking(
    pointers: tuple[tuple[str, str, str], ...], without: frozenset[str], *, has_going: bool
) -> TextClause:
    """Return the statement of `pointing_at`: made once, because an undo asks it in each chunk."""
    asked = []
    for schema, where, name in pointers:
        conditions = [f'"{name}" = ANY(CAST(:ids AS bigint[]))']
        if where in without:
            conditions.append(f"id <> ALL(CAST(:without_{where} AS bigint[]))")
        if stays := _stays(where, has_going=has_going):
            conditions.append(stays)
        asked.append(
            f'SELECT DISTINCT "{name}" AS id, \'{where}\' AS at FROM "{schema}"."{where}" '  # noqa: S608 names of our own tables
            f"WHERE {' AND '.join(conditions)}"
        )
    return text(" UNION ALL ".join(asked))


_HAVE_RECORDS = ("task", "call", "visit", "message", "note", "deal")


def _stays(name: str, *, has_going: bool) -> str:
    """Return the condition that a row of a table counts; nothing where every row does.

    A conversion that a source has made is no work of a user, and goes with its lead.
    """
    if name == "conversion":
        return "record_id IS NULL"
    if has_going and name in _HAVE_RECORDS:
        return "(record_id IS NULL OR record_id <> ALL(CAST(:going AS bigint[])))"
    if has_going and name in {"deal_contact", "stage_transition"}:
        leaves = "SELECT id FROM crm.deal WHERE record_id = ANY(CAST(:going AS bigint[]))"
        return f"deal_id NOT IN ({leaves})"
    return ""


_ROWS = text("""
SELECT 'lead' AS kind, id, entity_id FROM crm.lead WHERE entity_id = ANY(:ids)
UNION ALL SELECT 'contact', id, entity_id FROM crm.contact WHERE entity_id = ANY(:ids)
""")


_TYPED_NOTES = text(
    "SELECT entity_id FROM crm.note WHERE record_id IS NULL AND entity_id = ANY(:ids)"
)


def built_on(
    conn: Connection, entity_ids: Sequence[int], going: Collection[int] = ()
) -> dict[int, str]:
    """Return the entities on which people have built, and the table of what: deal, task, call.

    Args:
        conn: an open connection.
        entity_ids: people and companies.
        going: records of deals and activities that are about to go with them.
    """
    if not entity_ids:
        return {}
    built = pointing_at(conn, "ops.entity", entity_ids, but=PIPELINES_OWN, going=going)
    rows = conn.execute(_ROWS, {"ids": list(entity_ids)}).all()
    for kind in ("lead", "contact"):
        of = {row.id: row.entity_id for row in rows if row.kind == kind}
        pointing = pointing_at(conn, f"crm.{kind}", list(of), but=PIPELINES_OWN, going=going)
        for row_id, name in pointing.items():
            built[of[row_id]] = name
    typed = conn.execute(_TYPED_NOTES, {"ids": list(entity_ids)}).scalars()
    built.update(dict.fromkeys(typed, "note"))
    return built


def names_of(conn: Connection, entity_ids: Iterable[int]) -> Mapping[int, str]:
    """Return how people name entities: `lead/12`, `contact/5` where there is no lead."""
    ids = sorted(set(entity_ids))
    rows = conn.execute(_ROWS, {"ids": ids}) if ids else ()
    found: dict[int, str] = {}
    for row in rows:
        if row.kind == "lead" or row.entity_id not in found:
            found[row.entity_id] = f"{row.kind}/{row.id}"
    return found
