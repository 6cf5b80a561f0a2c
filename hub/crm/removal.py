"""The rows of the CRM that a batch made, taken away again.

Leads, contacts, tickets, inquiries, notes, alerts, adopted owners. What was sent stays sent, and a
turn stays in its history without its lead. Not here: folding what remains.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnClause,
    Connection,
    any_,
    column,
    literal,
    select,
    table,
    text,
)

from hub.crm.tables import note, user

# what the pipeline itself hangs on people; everything else that points to one is somebody's work
_PIPELINES_OWN = frozenset(
    {
        "crm.alert.contact_id",
        "crm.alert.lead_id",
        "crm.contact.company_id",
        "crm.contact.entity_id",
        "crm.contact.merged_into",
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


def pointing_at(
    conn: Connection, target: str, ids: Sequence[int], *, but: frozenset[str] = frozenset()
) -> dict[int, str]:
    """Return which rows other rows of the CRM point to, and the name of such a table.

    Args:
        conn: an open connection.
        target: the table that is pointed to, with its schema.
        ids: rows of it.
        but: columns, `crm.table.column`, that do not count.
    """
    wanted = literal(sorted(ids), ARRAY(BigInteger))
    found: dict[int, str] = {}
    for schema, where, name in conn.execute(_REFERENCES, {"target": target}).all():
        if f"{schema}.{where}.{name}" not in but:
            pointer: ColumnClause[int] = column(name, BigInteger)
            query = select(pointer).select_from(table(where, pointer, schema=schema))
            rows = conn.execute(query.where(pointer == any_(wanted)).distinct())
            found.update(dict.fromkeys(rows.scalars(), where))
    return found


_ROWS = text("""
SELECT 'lead' AS kind, id, entity_id FROM crm.lead WHERE entity_id = ANY(:ids)
UNION ALL SELECT 'contact', id, entity_id FROM crm.contact WHERE entity_id = ANY(:ids)
""")


def built_on(conn: Connection, entity_ids: Sequence[int]) -> dict[int, str]:
    """Return the entities on which people have built, and the table of what: deal, task, call."""
    built = pointing_at(conn, "ops.entity", entity_ids, but=_PIPELINES_OWN)
    rows = conn.execute(_ROWS, {"ids": list(entity_ids)}).all()
    for kind in ("lead", "contact"):
        of = {row.id: row.entity_id for row in rows if row.kind == kind}
        for row_id, name in pointing_at(conn, f"crm.{kind}", list(of), but=_PIPELINES_OWN).items():
            built[of[row_id]] = name
    typed = select(note.c.entity_id).where(
        note.c.record_id.is_(None),
        note.c.entity_id == any_(literal(list(entity_ids), ARRAY(BigInteger))),
    )
    built.update(dict.fromkeys(conn.execute(typed).scalars(), "note"))
    return built


_ORPHANED = """
  AND NOT EXISTS (SELECT 1 FROM ops.source_record s WHERE s.entity_id = r.entity_id
                  AND s.target = :target AND s.withdrawn_by IS NULL
                  AND (CAST(:role AS text) IS NULL OR s.role = :role))
  AND EXISTS (SELECT 1 FROM ops.entity e JOIN ops.source_record a ON a.id = e.anchor_id
              WHERE e.id = r.entity_id AND (e.merged_into IS NULL OR a.withdrawn_by IS NOT NULL))
"""
_MADE = """
WHERE (r.batch_id = :batch OR r.entity_id = ANY(:lost) AND r.recorded_at >=
       (SELECT started_at FROM ops.batch WHERE id = :batch))
"""
_ORPHANED_LEADS = text(f"SELECT r.id FROM crm.lead r {_MADE} {_ORPHANED}")  # noqa: S608 our own text
_ORPHANED_CONTACTS = text(
    f"SELECT r.id FROM crm.contact r {_MADE} "  # noqa: S608 our own text
    f"AND r.is_organization = (:target = 'organisation') AND r.kept_by = 'source' {_ORPHANED}"
)


@dataclass(frozen=True, slots=True)
class Orphaned:
    """Rows that a batch made and for which no source record stands any more."""

    leads: list[int]
    contacts: list[int]


def orphaned(conn: Connection, batch_id: int, lost: Sequence[int]) -> Orphaned:
    """Return the rows that a batch made and that nothing fills now, but for those people built on.

    Args:
        conn: an open connection.
        batch_id: the batch.
        lost: entities that lost records with it: what the batches of one sync make together bears
            the number of one of them.
    """
    args = {"batch": batch_id, "lost": list(lost), "target": "person", "role": "lead"}
    leads = conn.execute(_ORPHANED_LEADS, args).scalars().all()
    people = conn.execute(_ORPHANED_CONTACTS, args | {"role": "contact"}).scalars().all()
    firms = conn.execute(_ORPHANED_CONTACTS, args | {"target": "organisation", "role": None})
    kept = [*people, *firms.scalars()]
    return Orphaned(
        sorted(set(leads) - set(pointing_at(conn, "crm.lead", leads, but=_PIPELINES_OWN))),
        sorted(set(kept) - set(pointing_at(conn, "crm.contact", kept, but=_PIPELINES_OWN))),
    )


_CLOSE = text("""
UPDATE crm.contact SET archived_at = coalesce(archived_at, now())
WHERE is_organization AND entity_id = ANY(:ids)
""")


def close_companies(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Let nobody find companies that no record stands for any more."""
    conn.execute(_CLOSE, {"ids": list(entity_ids)})


@dataclass(slots=True)
class Removed:
    """How many rows went, by kind, and the turns that they had taken: (group, user) → n."""

    rows: Counter[str] = field(default_factory=Counter)
    turns: Counter[tuple[int, int]] = field(default_factory=Counter)


_TURNS = text("""
UPDATE ops.assignment SET lead_id = NULL, contact_id = NULL, withdrawn_by = :undo
WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts)
RETURNING group_id, user_id
""")
_DIGESTS = text("""
SELECT o.dedupe_key FROM ops.outbox o
WHERE o.event = 'leads_digest' AND o.payload -> 'batches' @> to_jsonb(CAST(:batch AS bigint))
  AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(o.payload -> 'batches') AS told
                  JOIN ops.batch b ON b.id = CAST(told AS bigint)
                  WHERE b.id <> :batch AND b.state <> 'undone')
""")
_OUTBOX = text("""
UPDATE ops.outbox SET lead_id = NULL, contact_id = NULL,
  state = CASE state WHEN 'pending' THEN 'dead' ELSE state END,
  last_error = CASE state WHEN 'pending' THEN 'its batch was undone' ELSE last_error END,
  dedupe_key = dedupe_key || '#undone:' || CAST(:undo AS bigint)
WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts) OR dedupe_key = ANY(:keys)
""")
_ALERTS = text("""
DELETE FROM crm.alert WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts)
  OR dedupe_key = ANY(:keys)
""")
_UNLINK = (
    text("UPDATE crm.lead SET contact_id = NULL WHERE contact_id = ANY(:contacts)"),
    text(
        "UPDATE crm.lead SET account_id = NULL, account_why = NULL WHERE account_id = ANY(:contacts)"
    ),
    text("UPDATE crm.contact SET company_id = NULL WHERE company_id = ANY(:contacts)"),
)
_STAND_ALONE = text("UPDATE crm.lead SET merged_into = NULL WHERE merged_into = ANY(:leads)")
_STAND_ALONE_TOO = text("UPDATE crm.contact SET merged_into = NULL WHERE merged_into = ANY(:c)")


def remove(
    conn: Connection, going: Orphaned, *, batch_id: int, undo_id: int, asked: Iterable[str]
) -> Removed:
    """Delete rows with their alerts; turns and what was sent stay, without them.

    Args:
        conn: an open transaction.
        going: leads and contacts.
        batch_id: the batch that is undone.
        undo_id: the undo.
        asked: `source/stream/id` of the inquiries that were undone.
    """
    done = Removed()
    digests = conn.execute(_DIGESTS, {"batch": batch_id}).scalars()
    args = {
        "leads": going.leads,
        "contacts": going.contacts,
        "undo": undo_id,
        "keys": [*(f"inquiry_received:{name}" for name in asked), *digests],
    }
    for row in conn.execute(_TURNS, args):
        if row.group_id is not None and row.user_id is not None:
            done.turns[row.group_id, row.user_id] += 1
    done.rows["alerts"] = conn.execute(_ALERTS, args).rowcount
    conn.execute(_OUTBOX, args)
    conn.execute(_STAND_ALONE, args)
    conn.execute(_STAND_ALONE_TOO, {"c": going.contacts})
    for unlink in _UNLINK:
        conn.execute(unlink, args)
    for name, statement in (
        ("leads", "DELETE FROM crm.lead WHERE id = ANY(:leads)"),
        ("contacts", "DELETE FROM crm.contact WHERE id = ANY(:contacts)"),
    ):
        done.rows[name] = conn.execute(text(statement), args).rowcount
    return done


_CHILDREN = {
    "inquiries": text("DELETE FROM crm.inquiry WHERE record_id = ANY(:ids)"),
    "notes": text("DELETE FROM crm.note WHERE record_id = ANY(:ids)"),
    "tickets": text("DELETE FROM crm.ticket WHERE record_id = ANY(:ids)"),
}
_UNASK = text("""
UPDATE crm.ticket t SET entity_id = NULL FROM ops.source_record u
WHERE u.id = ANY(:ids) AND u.target = 'person' AND u.stream = ANY(:streams)
  AND t.source = u.source AND t.requester = u.source_id
""")


def remove_children(
    conn: Connection, record_ids: Sequence[int], *, asked_in: Sequence[str]
) -> Counter[str]:
    """Delete what hung on undone records; tickets that they asked for hang on nobody."""
    done: Counter[str] = Counter()
    for name, statement in _CHILDREN.items():
        done[name] = conn.execute(statement, {"ids": list(record_ids)}).rowcount
    conn.execute(_UNASK, {"ids": list(record_ids), "streams": list(asked_in)})
    return done


_FORGET_OWNERS = text("""
DELETE FROM crm.owner_identity o
USING unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS g(source, source_id)
WHERE o.source = g.source AND o.source_id = g.source_id
RETURNING o.user_id
""")
_ADOPTED = text("""
SELECT u.id FROM crm."user" u
JOIN ops.batch b ON b.id = :batch AND u.managed_by = b.source AND u.recorded_at >= b.started_at
WHERE u.id = ANY(:ids) AND NOT EXISTS (SELECT 1 FROM ops.assignment t WHERE t.user_id = u.id)
  AND NOT EXISTS (SELECT 1 FROM ops.outbox o WHERE o.user_id = u.id)
  AND NOT EXISTS (SELECT 1 FROM ops.delivery d WHERE d.user_id = u.id)
""")


def forget_owners(
    conn: Connection, owners: Sequence[tuple[str, str]], batch_id: int
) -> tuple[int, list[str]]:
    """Disown a source's owners (source, id), and delete who is here for their sake alone.

    Returns:
        How many users went, and the names of those who stay because something is theirs.
    """
    if not owners:
        return 0, []
    named = conn.execute(
        _FORGET_OWNERS, {"sources": [o[0] for o in owners], "ids": [o[1] for o in owners]}
    )
    ids = sorted({u for u in named.scalars() if u is not None})
    adopted = set(conn.execute(_ADOPTED, {"ids": ids, "batch": batch_id}).scalars())
    needed = set(pointing_at(conn, 'crm."user"', sorted(adopted)))
    gone = adopted - needed
    conn.execute(text('DELETE FROM crm."user" WHERE id = ANY(:ids)'), {"ids": sorted(gone)})
    names = conn.execute(select(user.c.name).where(user.c.id.in_(sorted(needed)))).scalars()
    return len(gone), sorted(names)


def names_of(conn: Connection, entity_ids: Iterable[int]) -> Mapping[int, str]:
    """Return how people name entities: `lead/12`, `contact/5` where there is no lead."""
    rows = conn.execute(_ROWS, {"ids": sorted(set(entity_ids))})
    found: dict[int, str] = {}
    for row in rows:
        if row.kind == "lead" or row.entity_id not in found:
            found[row.entity_id] = f"{row.kind}/{row.id}"
    return found
