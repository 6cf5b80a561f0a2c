"""A chunk of companies: read, folded, written, linked. Part of load."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from hub.crm import contacts, customer_status, derived
from hub.crm import parents as parent_rows
from hub.etl import accounts, parents, relations
from hub.etl.announce import set_chunk_verdicts
from hub.etl.survivorship import fold_context
from hub.golden.fold import fold, last_gone
from hub.model.folding import ContactRow, FoldRecord, GoldenRecord, StaleEntity
from hub.records import entities, folding
from hub.records.companies import ORGANISATION
from hub.sinks.crm import load_contacts


def load_companies(
    conn: Connection, stale: Sequence[StaleEntity]
) -> tuple[dict[str, int], list[int]]:
    """Fold and write companies; returns counts, and the people who became stale."""
    ids = [e.id for e in stale]
    records = folding.records_of(conn, ids, ORGANISATION)
    golden = _folded(conn, stale, records)
    existing = contacts.CONTACTS.read(conn, ids)
    kept = {i for i, row in existing.items() if row["kept_by"] == "person"}
    absorbed = contacts.of_absorbed(conn, ids)
    golden = [
        replace(g, archived_at=existing[g.entity_id]["archived_at"])
        if g.entity_id in kept
        else _unless_kept(g, absorbed.get(g.entity_id, ()))
        for g in golden
    ]
    written = load_contacts(conn, golden, existing)
    contacts.absorb(conn, {e.id: e.merged_into for e in stale if e.merged_into is not None})
    contacts.revive(conn, [e.id for e in stale if e.merged_into is None])
    accounts.keep_company_keys(conn, ids, golden, records)
    people = accounts.wake_people(conn, ids)
    derived.recompute(conn, ids)
    customer_status.recompute_entities(conn, ids)
    set_chunk_verdicts(conn, stale, records, written.updated)
    entities.mark_folded(conn, stale)
    relations.came(conn, ids)
    parents.update(conn, {i: records.get(i, ()) for i in ids})
    merged = [e.id for e in stale if e.merged_into is not None]
    entities.bump(conn, set(parent_rows.children_of(conn, merged)) - {*ids}, quietly=True)
    counts = {
        "companies_created": len(written.created),
        "companies_updated": len(written.updated),
    }
    return counts, people


def _folded(
    conn: Connection, stale: Sequence[StaleEntity], records: Mapping[int, Sequence[FoldRecord]]
) -> list[GoldenRecord]:
    """Fold companies; one that no source has any more is archived, unless it has an edit."""
    edits = folding.edits_of(conn, [e.id for e in stale])
    context = fold_context(conn, "company")
    return [
        replace(
            fold(e, own, typed, context),
            is_organization=True,
            archived_at=None if typed else last_gone(own),
        )
        for e in stale
        if (own := records.get(e.id))
        for typed in [edits.get(e.id, ())]
    ]


def _unless_kept(golden: GoldenRecord, absorbed: Sequence[ContactRow]) -> GoldenRecord:
    """Keep a company that absorbed one that people keep."""
    return replace(golden, archived_at=None) if any(c.is_kept for c in absorbed) else golden
