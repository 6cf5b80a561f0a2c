"""What a remap would change, in the one JSON form."""

from collections.abc import Mapping
from typing import Any

from hub.etl.remap_preview import Plan
from hub.etl.remap_rows import Foreseen
from hub.frozen import dataclass
from hub.records.consent_disputes import Lifted


@dataclass(frozen=True, slots=True)
class RemapExample:
    """A record that would change.

    Args:
        source_id: its id in the source.
        verdict: the verdict that it would get.
        fields: the fields that would change.
        before: their values today; null unless asked for, because they are personal.
        after: their values then; null unless asked for.
    """

    source_id: str
    verdict: str
    fields: tuple[str, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RemapPlan:
    """What today's mapping would change of the landed records of a stream.

    Args:
        records: how many records are mapped again.
        would_change: how many of them would change.
        rows: rows of the CRM that no record would ask for any more.
        would_lift: opt-outs that would be lifted.
        verdicts: how many records would get which verdict.
        examples: the first records that would change.
    """

    records: int
    would_change: int
    rows: Foreseen
    would_lift: tuple[Lifted, ...]
    verdicts: Mapping[str, int]
    examples: tuple[RemapExample, ...]


def remap_plan(plan: Plan, *, with_values: bool) -> RemapPlan:
    """Return a preview as it is printed; the values are personal, so they are in it on demand."""
    return RemapPlan(
        records=plan.records,
        would_change=plan.changed,
        rows=plan.rows,
        would_lift=tuple(plan.lifted),
        verdicts=dict(sorted(plan.verdicts.items())),
        examples=tuple(
            RemapExample(
                one.source_id,
                one.verdict,
                tuple(one.fields),
                one.before if with_values else None,
                one.after if with_values else None,
            )
            for one in plan.examples
        ),
    )
