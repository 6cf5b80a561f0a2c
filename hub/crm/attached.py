"""What people have beside their records and rows: asked for a whole chunk by one statement.

Few people have any of it. Load reads the tables themselves only for people with such rows. Of
people without such rows, folded for the first time, it reads nothing more. In a first load these
are all.
"""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Connection, text

from hub.frozen import dataclass

# Each probe is an aggregate of its own, so that it goes by an index: in a first load the statistics are old,
# and a join, or a LIMIT, would read whole tables. People who were merged have no records.
_ATTACHED = text("""
WITH RECURSIVE whole AS (
  SELECT id AS root, id FROM unnest(CAST(:ids AS bigint[])) AS t(id)
  UNION
  SELECT w.root, m.id FROM whole w CROSS JOIN LATERAL (
    SELECT id FROM ops.entity WHERE merged_into = w.id OFFSET 0) m
), probed AS (
  SELECT w.root, w.id <> w.root AS is_absorbed,
    (SELECT bool_or(true) FROM crm.lead x WHERE x.entity_id = w.id) AS has_lead,
    (SELECT bool_or(true) FROM crm.contact x WHERE x.entity_id = w.id) AS has_contact,
    (SELECT bool_or(true) FROM ops.edit x WHERE x.entity_id = w.id) AS is_edited,
    (SELECT bool_or(true) FROM ops.employment x WHERE x.person_id = w.id) AS is_employed,
    (SELECT bool_or(true) FROM ops.consent_event c
     WHERE c.entity_id = w.id AND c.origin_id IS NULL) AS is_heard,
    r.has_told, r.has_ticket, r.record_is_heard
  FROM whole w CROSS JOIN LATERAL (
    SELECT
      bool_or((SELECT bool_or(true) FROM ops.source_record c
        WHERE c.source = p.source AND c.stream = p.stream AND c.source_id = p.source_id
          AND c.target IN ('note', 'inquiry'))) AS has_told,
      bool_or((SELECT bool_or(true) FROM crm.ticket t
        WHERE t.source = p.source AND t.requester = p.source_id)) AS has_ticket,
      bool_or((SELECT bool_or(true) FROM ops.consent_event c
        WHERE c.source = p.source AND c.stream = p.stream AND c.source_id = p.source_id
          AND c.origin_id IS NULL AND c.said_of = 'person')) AS record_is_heard
    FROM (SELECT source, stream, source_id, target FROM ops.source_record
          WHERE entity_id = w.id OFFSET 0) p
    WHERE p.target = 'person') r
)
SELECT root,
  coalesce(bool_or(has_lead OR has_contact) FILTER (WHERE NOT is_absorbed), false) AS has_row,
  bool_or(is_absorbed) AS has_absorbed,
  coalesce(bool_or(has_lead) FILTER (WHERE is_absorbed), false) AS absorbed_lead,
  coalesce(bool_or(has_contact) FILTER (WHERE is_absorbed), false) AS absorbed_contact,
  coalesce(bool_or(is_edited), false) AS is_edited,
  coalesce(bool_or(is_employed), false) AS is_employed,
  coalesce(bool_or(has_told), false) AS has_told,
  coalesce(bool_or(has_ticket), false) AS has_ticket,
  coalesce(bool_or(is_heard OR record_is_heard), false) AS is_heard
FROM probed GROUP BY root
""")


@dataclass(frozen=True, slots=True)
class Attached:
    """What one person has, with those who were merged into it.

    Args:
        has_row: a lead or a contact of its own.
        has_absorbed: people were merged into it.
        absorbed_lead: one of these has a lead.
        absorbed_contact: one of these has a contact.
        is_edited: something was typed into it.
        is_employed: a user stated that the person works for a company, or no longer does.
        has_told: the objects of its records have said notes or inquiries.
        has_ticket: it asked for tickets.
        is_heard: there is a consent that counts for the person, and not only for one address.
    """

    has_row: bool
    has_absorbed: bool
    absorbed_lead: bool
    absorbed_contact: bool
    is_edited: bool
    is_employed: bool
    has_told: bool
    has_ticket: bool
    is_heard: bool

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing but the fold of its records decides about the person."""
        return not (
            self.has_row
            or self.has_absorbed
            or self.is_edited
            or self.is_employed
            or self.has_told
            or self.has_ticket
        )


_NAMES = tuple(field.name for field in fields(Attached))


def attached(conn: Connection, entity_ids: Sequence[int]) -> dict[int, Attached]:
    """Return what people have beside their records.

    Args:
        conn: an open transaction that holds the entities.
        entity_ids: people.
    """
    if not entity_ids:
        return {}
    rows = conn.execute(_ATTACHED, {"ids": list(entity_ids)}).mappings()
    return {row["root"]: Attached(**{name: row[name] for name in _NAMES}) for row in rows}
