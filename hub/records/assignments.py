"""Routing decisions, kept for ever: the owner of the record, the rule, skipped members and reasons."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """One decision, of one lead, contact or deal.

    `group_id` is None if a rule, a command or the owner in the source named the user. `rules_id`, `facts`
    and `tried` are what a replay needs (`hub.routing.replay`); the first two are None by hand.
    """

    lead_id: int | None
    group_id: int | None
    user_id: int | None
    rule: str
    reason: str
    skipped: Sequence[tuple[int, str]]
    next_before: int | None
    next_after: int | None
    contact_id: int | None = None
    deal_id: int | None = None
    rules_id: int | None = None
    facts: Mapping[str, Any] | None = None
    tried: Sequence[Mapping[str, Any]] = ()


_KEEP = text("""
INSERT INTO ops.assignment (lead_id, contact_id, deal_id, group_id, user_id, rule, reason, skipped,
                      next_before, next_after, rules_id, facts, tried)
SELECT t.lead, t.contact, t.deal, t.grp, t.usr, t.rule, t.reason, t.skipped, t.before, t.after,
  t.rules_id, t.facts, t.tried
FROM unnest(CAST(:leads AS bigint[]), CAST(:contacts AS bigint[]), CAST(:deals AS bigint[]),
            CAST(:groups AS bigint[]), CAST(:users AS bigint[]), CAST(:rules AS text[]),
            CAST(:reasons AS text[]), CAST(:skipped AS jsonb[]), CAST(:befores AS bigint[]),
            CAST(:afters AS bigint[]), CAST(:versions AS bigint[]), CAST(:facts AS jsonb[]),
            CAST(:tried AS jsonb[]))
  WITH ORDINALITY AS t(lead, contact, deal, grp, usr, rule, reason, skipped, before, after,
                       rules_id, facts, tried, ord)
ORDER BY t.ord
RETURNING id
""")


def keep(conn: Connection, turns: Sequence[NewAssignment]) -> list[int]:
    """Append decisions in their order; returns their numbers in the same order."""
    if not turns:
        return []
    written = conn.execute(
        _KEEP,
        {
            "leads": [t.lead_id for t in turns],
            "contacts": [t.contact_id for t in turns],
            "deals": [t.deal_id for t in turns],
            "groups": [t.group_id for t in turns],
            "users": [t.user_id for t in turns],
            "rules": [t.rule for t in turns],
            "reasons": [t.reason for t in turns],
            "skipped": [json.dumps([list(s) for s in t.skipped]) for t in turns],
            "befores": [t.next_before for t in turns],
            "afters": [t.next_after for t in turns],
            "versions": [t.rules_id for t in turns],
            "facts": [None if t.facts is None else json.dumps(t.facts) for t in turns],
            "tried": [json.dumps(list(t.tried)) if t.tried else None for t in turns],
        },
    )
    return sorted(written.scalars())


_LET_GO = text("""
UPDATE ops.assignment SET lead_id = NULL, contact_id = NULL, withdrawn_by = :undo
WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts)
RETURNING group_id, user_id
""")


def let_go(
    conn: Connection, leads: Sequence[int], contacts: Sequence[int], undo_id: int
) -> list[tuple[int, int]]:
    """Keep assignments of removed rows without their references; return (group, user) of each turn."""
    args = {"leads": list(leads), "contacts": list(contacts), "undo": undo_id}
    rows = conn.execute(_LET_GO, args).all()
    return [
        (row.group_id, row.user_id)
        for row in rows
        if row.group_id is not None and row.user_id is not None
    ]


_DECIDED = text("""
SELECT a.id, a.lead_id, a.group_id, a.user_id, a.rule, a.skipped, a.next_before, a.next_after,
  r.document, a.facts, a.tried
FROM ops.assignment a LEFT JOIN ops.routing_rules r ON r.id = a.rules_id
WHERE a.tried IS NOT NULL AND a.id > :after AND (a.lead_id IS NOT NULL OR NOT :of_leads)
  AND (a.rules_id IS NOT NULL OR NOT :of_leads)
ORDER BY CASE WHEN :newest THEN -a.id ELSE a.id END LIMIT :limit
""")


def decided(conn: Connection, *, after: int, limit: int) -> list[Row[Any]]:
    """Return stored decisions in the order of their numbers, with their rules: a page of a walk."""
    args = {"after": after, "limit": limit, "of_leads": False, "newest": False}
    return list(conn.execute(_DECIDED, args))


def last_decided(conn: Connection, limit: int) -> list[Row[Any]]:
    """Return the last decisions of the rules about leads that exist, oldest first."""
    args = {"after": 0, "limit": limit, "of_leads": True, "newest": True}
    return list(conn.execute(_DECIDED, args))[::-1]
