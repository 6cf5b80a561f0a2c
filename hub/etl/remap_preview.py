"""Preview of a remap: the present mapping over landed records; nothing is written.

In: a stream. Out: counts by verdict, and examples. Not here: matching. The preview does not show
which records would become one person.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from hub.etl import consent_changes, remap_rows
from hub.etl.context import Hub
from hub.etl.normalize import CHUNK, PERSON, mapped, target_name
from hub.etl.remap_rows import Foreseen
from hub.landing.store import PendingRaw
from hub.mappings.engine import Normalized
from hub.mappings.record_consents import CONSENT
from hub.model.entities import PEOPLE
from hub.model.records import JsonValue
from hub.records import folding, present_records, requeue
from hub.records.consent_disputes import Lifted
from hub.records.present_records import Stored

EXAMPLES = 10
Contents = dict[str, dict[str, JsonValue]]


@dataclass(frozen=True, slots=True)
class Example:
    """One record that would change."""

    source_id: str
    verdict: str
    fields: Sequence[str]
    before: Mapping[str, JsonValue]
    after: Mapping[str, JsonValue]


@dataclass(slots=True)
class Plan:
    """The verdicts of a remap, with the first examples.

    `lifted` are opt-outs. `rows` are rows of the CRM that no record would ask for any more.
    """

    records: int = 0
    changed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    lifted: Sequence[Lifted] = ()
    rows: Foreseen = field(default_factory=Foreseen)


def preview(hub: Hub, source: str, stream: str) -> Plan:
    """Map all records of a stream and compare them with the stored ones.

    Raises:
        ConfigError: the stream has no mapping.
    """
    hub.mapping(source, stream)
    plan = Plan()
    contexts: dict[str, Mapping[str, Any]] = {}
    after = ""
    roles: dict[int, str | None] = {}
    concerned: set[int] = set()
    with hub.engine.connect() as conn:
        while rows := requeue.newest(conn, source, stream, after=after, limit=CHUNK):
            after = rows[-1].record.source_id
            result = mapped(hub, conn, rows, contexts)
            _compare(conn, plan, rows, result)
            then = {r.source_id: r.entity for r in result.records if r.entity in PEOPLE}
            ids = [row.record.source_id for row in rows]
            for known in folding.people_of(conn, source, stream, ids):
                if (role := then.get(known.source_id)) != known.role:
                    roles[known.id] = role
                    concerned.add(known.entity_id)
        plan.rows = remap_rows.foresee(hub, conn, sorted(concerned), roles)
    plan.lifted = consent_changes.foresee(hub, source, stream)
    return plan


def _compare(conn: Connection, plan: Plan, rows: Sequence[PendingRaw], result: Normalized) -> None:
    source, stream = rows[0].source, rows[0].stream
    ids = [row.record.source_id for row in rows]
    before: dict[str, Contents] = {}
    for kept in present_records.stored(conn, source, stream, ids):
        before.setdefault(kept.source_id, {})[kept.target] = _content(kept)
    after: dict[str, Contents] = {}
    for record in result.records:
        if record.entity == CONSENT:
            continue
        role = record.entity if record.entity in PEOPLE else None
        made = Stored(record.source_id, target_name(record), role, record.values, record.refs)
        after.setdefault(record.source_id, {})[made.target] = _content(made)
    rejected, excluded = set(result.rejected), set(result.excluded)
    for source_id in ids:
        _count(
            plan,
            source_id,
            before.get(source_id, {}),
            after.get(source_id, {}),
            "rejected" if source_id in rejected else "excluded" if source_id in excluded else None,
        )


def _content(record: Stored) -> dict[str, JsonValue]:
    refs = {f"ref {name}": ref for name, ref in record.refs.items()}
    role = {"role": record.role} if record.role else {}
    return {**record.values, **refs, **role}


def _count(plan: Plan, source_id: str, was: Contents, now: Contents, left_out: str | None) -> None:
    plan.records += 1
    if left_out:
        was = {target: content for target, content in was.items() if target == PERSON}
        now = {}
    else:
        was = {target: content for target, content in was.items() if target in now}
    fields = {
        (target, name)
        for target in {*was, *now}
        for name in {*was.get(target, {}), *now.get(target, {})}
        if was.get(target, {}).get(name) != now.get(target, {}).get(name)
    }
    verdict = left_out or ("unchanged" if not fields else "updated" if was else "created")
    plan.verdicts[verdict] += 1
    if not fields:
        return
    plan.changed += 1
    if len(plan.examples) < EXAMPLES:
        order = sorted(fields)
        plan.examples.append(
            Example(
                source_id,
                verdict,
                [f"{target}.{name}" for target, name in order],
                {f"{t}.{n}": was.get(t, {}).get(n) for t, n in order},
                {f"{t}.{n}": now.get(t, {}).get(n) for t, n in order},
            )
        )
