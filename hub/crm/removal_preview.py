"""What `hub.crm.removal` would delete. Reads only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, text

from hub.crm.references import pointing_at
from hub.crm.removal import ADOPTED, DIGESTS, Orphaned
from hub.crm.tables import user
from hub.model.events import inquiry_key

_TURNS = text("""
SELECT id, group_id, user_id FROM ops.assignment
WHERE (lead_id = ANY(:leads) OR contact_id = ANY(:contacts))
  AND group_id IS NOT NULL AND user_id IS NOT NULL
""")
_ALERTS = text("""
SELECT id FROM crm.alert WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts)
  OR dedupe_key = ANY(:keys)
""")
_CHILDREN = {
    "inquiries": text("SELECT count(*) FROM crm.inquiry WHERE record_id = ANY(:ids)"),
    "notes": text("SELECT count(*) FROM crm.note WHERE record_id = ANY(:ids)"),
    "tickets": text("SELECT count(*) FROM crm.ticket WHERE record_id = ANY(:ids)"),
}


@dataclass(slots=True)
class Going:
    """Rows that would go: leads, contacts, alerts; assignments by id, each (group, user)."""

    leads: set[int] = field(default_factory=set)
    contacts: set[int] = field(default_factory=set)
    alerts: set[int] = field(default_factory=set)
    turns: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, conn: Connection, rows: Orphaned, asked: Collection[str]) -> None:
        """Add rows, with their alerts and assignments; `asked` names inquiries that go with them."""
        self.leads.update(rows.leads)
        self.contacts.update(rows.contacts)
        args = {
            "leads": rows.leads,
            "contacts": rows.contacts,
            "keys": [inquiry_key(name) for name in asked],
        }
        self.alerts.update(conn.execute(_ALERTS, args).scalars())
        self.turns.update({r.id: (r.group_id, r.user_id) for r in conn.execute(_TURNS, args)})

    def add_digests(self, conn: Connection, batch_id: int) -> None:
        """Add the alerts of digests about the batch and about no remaining batch."""
        keys = list(conn.execute(DIGESTS, {"batch": batch_id}).scalars())
        args: dict[str, object] = {"leads": [], "contacts": [], "keys": keys}
        self.alerts.update(conn.execute(_ALERTS, args).scalars())


def count_children(conn: Connection, record_ids: Sequence[int]) -> dict[str, int]:
    """Count what belongs to records: inquiries, notes, tickets."""
    return {
        name: conn.execute(statement, {"ids": list(record_ids)}).scalar_one()
        for name, statement in _CHILDREN.items()
    }


_NAMED = text("""
SELECT o.user_id, g.source IS NOT NULL AS goes FROM crm.owner_identity o
LEFT JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS g(source, source_id)
  ON o.source = g.source AND o.source_id = g.source_id
WHERE o.user_id IS NOT NULL
""")


def owners_without(
    conn: Connection,
    owners: Sequence[tuple[str, str]],
    batch_id: int,
    without: Mapping[str, Collection[int]],
    going: Collection[int] = (),
) -> tuple[int, list[str]]:
    """Return what `removal.forget_owners` would, once the rows `without` (by table) are gone.

    The rows of the records `going`, deals and activities, are gone as well.
    """
    if not owners:
        return 0, []
    rows = conn.execute(
        _NAMED, {"sources": [o[0] for o in owners], "ids": [o[1] for o in owners]}
    ).all()
    ids = sorted({row.user_id for row in rows if row.goes})
    adopted = set(conn.execute(ADOPTED, {"ids": ids, "batch": batch_id}).scalars())
    needed = set(
        pointing_at(
            conn,
            'crm."user"',
            sorted(adopted),
            but=frozenset({"crm.owner_identity.user_id"}),
            without=without,
            going=going,
        )
    )
    needed |= adopted & {row.user_id for row in rows if not row.goes}
    names = conn.execute(select(user.c.name).where(user.c.id.in_(sorted(needed)))).scalars()
    return len(adopted - needed), sorted(names)
