"""Routing decisions, kept for ever: who got the lead, by which rule, who was skipped and why."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class NewTurn:
    """One decision; `group_id` is None where a rule or a legacy owner named the person."""

    lead_id: int
    group_id: int | None
    user_id: int | None
    rule: str
    reason: str
    skipped: Sequence[tuple[int, str]]
    next_before: int | None
    next_after: int | None


def keep(conn: Connection, turns: Sequence[NewTurn]) -> None:
    """Append decisions in their order."""
    if turns:
        conn.execute(
            text(
                "INSERT INTO ops.turn (lead_id, group_id, user_id, rule, reason, skipped, "
                "next_before, next_after) VALUES (:lead_id, :group_id, :user_id, :rule, :reason, "
                "CAST(:skipped AS jsonb), :next_before, :next_after)"
            ),
            [
                {
                    "lead_id": t.lead_id, "group_id": t.group_id, "user_id": t.user_id,
                    "rule": t.rule, "reason": t.reason,
                    "skipped": json.dumps([list(s) for s in t.skipped]),
                    "next_before": t.next_before, "next_after": t.next_after,
                }
                for t in turns
            ],
        )  # fmt: skip
