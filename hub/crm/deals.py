"""Deals: the rows, their contacts, ticks and transitions. The rights are in `hub.actions`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError

from hub.crm.custom_field_typing import PREFIX, is_custom
from hub.crm.deal_tables import deal
from hub.frozen import dataclass
from hub.model import vocabulary

_ROOTS = text("""
WITH RECURSIVE up(began, id, merged_into) AS (
  SELECT id, id, merged_into FROM crm.contact WHERE id = ANY(:ids)
  UNION SELECT u.began, c.id, c.merged_into FROM up u JOIN crm.contact c ON c.id = u.merged_into)
SELECT began, id FROM up WHERE merged_into IS NULL
""")


def lock(conn: Connection, deal_id: int) -> dict[str, Any] | None:
    """Return a deal, locked until the transaction ends; None if there is none."""
    statement = select(deal).where(deal.c.id == deal_id).with_for_update(key_share=True)
    row = conn.execute(statement).mappings().one_or_none()
    return None if row is None else dict(row)


def read(conn: Connection, deal_id: int) -> dict[str, Any] | None:
    """Return a deal; None if there is none."""
    row = conn.execute(select(deal).where(deal.c.id == deal_id)).mappings().one_or_none()
    return None if row is None else dict(row)


_BEGIN = text(
    "INSERT INTO crm.stage_transition (deal_id, to_stage_id, who, at) "
    "SELECT d.id, d.stage_id, :who, d.last_stage_change_at FROM crm.deal d "
    "WHERE d.id = ANY(:ids) ORDER BY d.id"
)


def insert(conn: Connection, values: Mapping[str, Any], who: str) -> int:
    """Add a deal, and the transition into its stage."""
    return insert_many(conn, [values], who)[0]


def insert_many(conn: Connection, values: Sequence[Mapping[str, Any]], who: str) -> list[int]:
    """Add deals of the same columns, each with the transition into its stage."""
    if not values:
        return []
    rows = conn.execute(
        deal.insert().returning(deal.c.id, sort_by_parameter_order=True),
        [dict(one) for one in values],
    )
    ids = [int(number) for number in rows.scalars()]
    conn.execute(_BEGIN, {"who": who, "ids": ids})
    return ids


def update(conn: Connection, deal_id: int, values: Mapping[str, Any]) -> None:
    """Write columns of a deal."""
    if values:
        conn.execute(deal.update().where(deal.c.id == deal_id).values(**values))


@dataclass(frozen=True, slots=True)
class Transition:
    """A deal that goes from a stage to another."""

    deal_id: int
    from_stage_id: int
    to_stage_id: int
    who: str


def move(conn: Connection, step: Transition, values: Mapping[str, Any]) -> None:
    """Keep a transition and write what it changes; the moment of both is the same."""
    at = conn.execute(
        text(
            "INSERT INTO crm.stage_transition (deal_id, from_stage_id, to_stage_id, who) "
            "VALUES (:deal, :from, :to, :who) RETURNING at"
        ),
        {"deal": step.deal_id, "from": step.from_stage_id, "to": step.to_stage_id, "who": step.who},
    ).scalar_one()
    closed = {"closed_at": at} if values.get("closed_at") else {}
    update(conn, step.deal_id, {**values, **closed, "last_stage_change_at": at})


_STAGES = text("SELECT id, stage_id FROM crm.deal WHERE id = ANY(:ids)")


def stages_of(conn: Connection, deal_ids: Collection[int]) -> dict[int, int]:
    """Return in which stage deals are: deal → stage."""
    if not deal_ids:
        return {}
    return dict(conn.execute(_STAGES, {"ids": list(deal_ids)}).all())


_MOVE_ALL = text("""
WITH moved AS (
  INSERT INTO crm.stage_transition (deal_id, from_stage_id, to_stage_id, who)
  SELECT id, stage_id, :to, :who FROM crm.deal WHERE stage_id = :from ORDER BY id FOR NO KEY UPDATE
  RETURNING deal_id, at
)
UPDATE crm.deal d SET stage_id = :to, pipeline_id = :pipeline, last_stage_change_at = m.at
FROM moved m WHERE d.id = m.deal_id RETURNING d.id
""")


def move_all(
    conn: Connection, from_stage: int, to_stage: int, pipeline: int, who: str
) -> list[int]:
    """Move all deals of a stage into another open one, archived deals too; returns them. Each move is kept."""
    values = {"from": from_stage, "to": to_stage, "pipeline": pipeline, "who": who}
    return sorted(conn.execute(_MOVE_ALL, values).scalars())


def transitions(conn: Connection, deal_id: int) -> list[dict[str, Any]]:
    """Return every visit of a stage: from, to, who and when, the oldest first."""
    rows = conn.execute(
        text(
            "SELECT f.name AS from_stage, t.name AS to_stage, x.who, x.at "
            "FROM crm.stage_transition x LEFT JOIN crm.stage f ON f.id = x.from_stage_id "
            "JOIN crm.stage t ON t.id = x.to_stage_id WHERE x.deal_id = :deal ORDER BY x.at, x.id"
        ),
        {"deal": deal_id},
    )
    return [dict(row) for row in rows.mappings()]


def contact_root(conn: Connection, contact_id: int) -> int:
    """Return the contact that a contact was merged into, in the end; itself if it was not."""
    return contact_roots(conn, [contact_id])[contact_id]


def contact_roots(conn: Connection, contact_ids: Collection[int]) -> dict[int, int]:
    """Return contact → the contact that it was merged into, in the end; itself if it was not."""
    if not contact_ids:
        return {}
    rows = conn.execute(_ROOTS, {"ids": list(set(contact_ids))})
    return dict(rows.all())


def contacts_of(conn: Connection, deal_id: int) -> list[dict[str, Any]]:
    """Return a deal's contacts with their roles, the primary one first."""
    rows = conn.execute(
        text(
            "SELECT x.contact_id, x.role, c.is_organization, c.entity_id, "
            "coalesce(nullif(concat_ws(' ', c.first_name, c.last_name), ''), c.organization_name, "
            "c.email) AS name "
            "FROM (SELECT id AS deal_id, contact_id, 'primary' AS role FROM crm.deal WHERE id = :deal "
            "UNION ALL SELECT deal_id, contact_id, role FROM crm.deal_contact WHERE deal_id = :deal) x "
            "JOIN crm.contact c ON c.id = x.contact_id ORDER BY x.role <> 'primary', x.contact_id"
        ),
        {"deal": deal_id},
    )
    return [dict(row) for row in rows.mappings()]


_ASSOCIATE = text(
    "INSERT INTO crm.deal_contact (deal_id, contact_id, role) "
    "SELECT n.deal, n.contact, :role "
    "FROM unnest(CAST(:deals AS bigint[]), CAST(:contacts AS bigint[])) AS n(deal, contact) "
    "ON CONFLICT (deal_id, contact_id) DO UPDATE SET role = excluded.role"
)


def associate(conn: Connection, deal_id: int, contact_id: int, role: str) -> None:
    """Add a contact to a deal, in a role."""
    associate_many(conn, {deal_id: contact_id}, role)


def associate_many(conn: Connection, pairs: Mapping[int, int], role: str) -> None:
    """Add a contact to each deal (deal → contact), in a role."""
    if pairs:
        args = {"deals": list(pairs), "contacts": list(pairs.values()), "role": role}
        conn.execute(_ASSOCIATE, args)


def dissociate(conn: Connection, deal_id: int, contact_id: int) -> bool:
    """Remove a contact from a deal; says whether it did."""
    done = conn.execute(
        text("DELETE FROM crm.deal_contact WHERE deal_id = :deal AND contact_id = :contact"),
        {"deal": deal_id, "contact": contact_id},
    )
    return done.rowcount == 1


def ticked(conn: Connection, deal_id: int) -> set[int]:
    """Return the criteria that a user has ticked."""
    rows = conn.execute(
        text("SELECT criterion_id FROM crm.deal_check WHERE deal_id = :deal"), {"deal": deal_id}
    )
    return set(rows.scalars())


_POINTS_TO = {"contact": "contact_id", "company": "organization_id", "owner": "owner_id"}


def is_filled(row: Mapping[str, Any], name: str) -> bool:
    """Tell whether a field of a deal's row holds something; an amount of nothing is nothing."""
    if is_custom(name):
        held = row["custom_fields"].get(name.removeprefix(PREFIX))
        return held is not None and held not in ("", [])
    name = vocabulary.today(name)
    return bool(row[_POINTS_TO.get(name) or vocabulary.DEALS.get(name, name)])


def tick(conn: Connection, deal_id: int, criterion_id: int, who: str) -> None:
    """Tick a check."""
    conn.execute(
        text(
            "INSERT INTO crm.deal_check (deal_id, criterion_id, who) VALUES (:deal, :criterion, :who) "
            "ON CONFLICT DO NOTHING"
        ),
        {"deal": deal_id, "criterion": criterion_id, "who": who},
    )


def untick(conn: Connection, deal_id: int, criterion_id: int) -> None:
    """Take a tick back."""
    conn.execute(
        text("DELETE FROM crm.deal_check WHERE deal_id = :deal AND criterion_id = :criterion"),
        {"deal": deal_id, "criterion": criterion_id},
    )


def copy_contacts(conn: Connection, from_deal: int, to_deal: int) -> None:
    """Copy the contacts of a deal to another deal, in the same roles."""
    conn.execute(
        text(
            "INSERT INTO crm.deal_contact (deal_id, contact_id, role) "
            "SELECT :to, contact_id, role FROM crm.deal_contact WHERE deal_id = :from"
        ),
        {"from": from_deal, "to": to_deal},
    )


def assign(conn: Connection, owners: Mapping[int, int | None]) -> None:
    """Give deals their owners (deal → user)."""
    if owners:
        conn.execute(
            text(
                "UPDATE crm.deal r SET owner_id = o.owner FROM unnest(CAST(:ids AS bigint[]), "
                "CAST(:owners AS bigint[])) AS o(id, owner) WHERE r.id = o.id"
            ),
            {"ids": list(owners), "owners": list(owners.values())},
        )


def stamp_company(conn: Connection, contact_ids: Sequence[int], company_id: int) -> list[int]:
    """Set the company of deals without one: the company at which they were made; returns them."""
    rows = conn.execute(
        text(
            "UPDATE crm.deal SET organization_id = :company "
            "WHERE contact_id = ANY(:contacts) AND organization_id IS NULL RETURNING id"
        ),
        {"contacts": list(contact_ids), "company": company_id},
    )
    return sorted(rows.scalars())


def delete(conn: Connection, deal_ids: Sequence[int]) -> set[int]:
    """Delete deals to which nothing refers but their own first stage; returns those that are gone."""
    if not deal_ids:
        return set()
    try:
        with conn.begin_nested():
            for statement in (
                "DELETE FROM crm.deal_contact WHERE deal_id = ANY(:ids)",
                "DELETE FROM crm.stage_transition WHERE deal_id = ANY(:ids)",
                "DELETE FROM crm.deal WHERE id = ANY(:ids)",
            ):
                conn.execute(text(statement), {"ids": list(deal_ids)})
    except IntegrityError:
        if len(deal_ids) > 1:
            return set().union(*(delete(conn, [one]) for one in deal_ids))
        return set()
    return set(deal_ids)


def set_archived(conn: Connection, deal_id: int, *, is_archived: bool) -> None:
    """Write whether a deal is archived."""
    conn.execute(
        text("UPDATE crm.deal SET archived_at = CASE WHEN :gone THEN now() END WHERE id = :id"),
        {"id": deal_id, "gone": is_archived},
    )


def drop_ticks(conn: Connection, criterion_id: int) -> None:
    """Delete the ticks of a criterion on all deals."""
    conn.execute(text("DELETE FROM crm.deal_check WHERE criterion_id = :id"), {"id": criterion_id})


def come_from(conn: Connection, leads: Mapping[int, int | None], gone: Sequence[int]) -> None:
    """Write from which leads (lead → deal) the deals of a source come, as its conversions say it.

    Args:
        conn: an open transaction.
        leads: conversions that changed.
        gone: leads whose deals come from no lead any more.
    """
    stale = [*leads, *gone]
    if not stale:
        return
    conn.execute(
        text(
            "UPDATE crm.deal d SET lead_id = n.lead FROM ("
            "  SELECT d.id, l.lead FROM crm.deal d LEFT JOIN unnest(CAST(:leads AS bigint[]), "
            "    CAST(:deals AS bigint[])) AS l(lead, deal) ON l.deal = d.id "
            "  WHERE d.record_id IS NOT NULL AND (d.lead_id = ANY(CAST(:stale AS bigint[])) "
            "    OR l.lead IS NOT NULL AND d.lead_id IS NULL)) n "
            "WHERE d.id = n.id AND d.lead_id IS DISTINCT FROM n.lead"
        ),
        {"leads": list(leads), "deals": list(leads.values()), "stale": stale},
    )


def forget_leads(conn: Connection, leads: Sequence[int]) -> None:
    """Let the deals of a source no longer come from leads that are about to go."""
    conn.execute(
        text(
            "UPDATE crm.deal SET lead_id = NULL WHERE lead_id = ANY(:ids) AND record_id IS NOT NULL"
        ),
        {"ids": list(leads)},
    )


def source_of(conn: Connection, deal_id: int) -> str | None:
    """Return the record that a deal came with, as source/stream/id; None of one that was added here."""
    return conn.execute(
        text(
            "SELECT concat_ws('/', s.source, s.stream, s.source_id) FROM crm.deal d "
            "JOIN ops.source_record s ON s.id = d.record_id WHERE d.id = :id"
        ),
        {"id": deal_id},
    ).scalar_one_or_none()
