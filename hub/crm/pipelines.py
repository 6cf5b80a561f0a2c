"""Pipelines, their stages, and what must hold before a deal leaves one."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.crm import deals
from hub.frozen import dataclass

# what every pipeline ends in: name, category, likelihood
CLOSING = (("Won", "won", 100), ("Unqualified", "unqualified", 0), ("Lost", "lost", 0))


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; `is_active` says that deals are open there."""

    id: int
    pipeline_id: int
    name: str
    category: str
    position: int
    likelihood: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline with its stages in their order."""

    id: int
    name: str
    position: int
    is_disabled: bool
    is_renewal: bool
    stages: tuple[Stage, ...]
    is_archived: bool = False

    @property
    def first(self) -> Stage:
        """Return the stage in which a new deal begins."""
        return next(stage for stage in self.stages if stage.is_active)

    def stage(self, name: str) -> Stage | None:
        """Return the stage of a name, letter case aside."""
        return next((s for s in self.stages if s.name.casefold() == name.casefold()), None)


def read(conn: Connection) -> list[Pipeline]:
    """Return all pipelines in their order."""
    stages: dict[int, list[Stage]] = {}
    for row in conn.execute(
        text(
            "SELECT id, pipeline_id, name, category, position, likelihood, is_active "
            "FROM crm.stage WHERE archived_at IS NULL ORDER BY pipeline_id, position, id"
        )
    ):
        stages.setdefault(row.pipeline_id, []).append(Stage(*row))
    rows = conn.execute(
        text(
            "SELECT id, name, position, is_disabled, is_renewal, archived_at IS NOT NULL AS is_archived "
            "FROM crm.pipeline ORDER BY position, id"
        )
    )
    return [
        Pipeline(row.id, row.name, row.position, row.is_disabled, row.is_renewal,
                 tuple(stages.get(row.id, ())), row.is_archived)
        for row in rows
    ]  # fmt: skip


def lock(conn: Connection) -> None:
    """Become the only one who sets up pipelines until the transaction ends."""
    conn.execute(text("SELECT 1 FROM crm.pipeline ORDER BY id FOR NO KEY UPDATE"))


def insert(
    conn: Connection, name: str, stages: Sequence[tuple[str, int]], *, is_renewal: bool
) -> int:
    """Add a pipeline of active stages (name, likelihood) and the three that close it."""
    pipeline_id = int(
        conn.execute(
            text(
                "INSERT INTO crm.pipeline (name, position, is_renewal) "
                "SELECT :name, coalesce(max(position), 0) + 1, :renewal FROM crm.pipeline "
                "RETURNING id"
            ),
            {"name": name, "renewal": is_renewal},
        ).scalar_one()
    )
    rows = [
        (stage, "incoming" if place == 0 else "in_progress", likelihood)
        for place, (stage, likelihood) in enumerate(stages)
    ]
    for position, (stage, category, likelihood) in enumerate((*rows, *CLOSING), 1):
        insert_stage(conn, pipeline_id, stage, likelihood, category=category, position=position)
    return pipeline_id


def insert_stage(
    conn: Connection,
    pipeline_id: int,
    name: str,
    likelihood: int,
    *,
    category: str = "in_progress",
    position: int = 0,
) -> int:
    """Add a stage; whether it is active follows from its category. `order_stages` gives it its place."""
    return int(
        conn.execute(
            text(
                "INSERT INTO crm.stage (pipeline_id, name, category, position, likelihood, is_active) "
                "VALUES (:pipeline, :name, :category, :position, :likelihood, "
                ":category IN ('incoming', 'in_progress')) RETURNING id"
            ),
            {
                "pipeline": pipeline_id, "name": name, "category": category, "position": position,
                "likelihood": likelihood,
            },
        ).scalar_one()
    )  # fmt: skip


def rename(conn: Connection, pipeline_id: int, name: str) -> None:
    """Write a pipeline's name."""
    conn.execute(
        text("UPDATE crm.pipeline SET name = :name WHERE id = :id"),
        {"id": pipeline_id, "name": name},
    )


def rename_stage(conn: Connection, stage_id: int, name: str) -> None:
    """Write a stage's name."""
    conn.execute(
        text("UPDATE crm.stage SET name = :name WHERE id = :id"), {"id": stage_id, "name": name}
    )


def write(conn: Connection, pipeline_id: int, *, name: str, is_disabled: bool) -> None:
    """Write a pipeline's name and whether it is in use."""
    conn.execute(
        text("UPDATE crm.pipeline SET name = :name, is_disabled = :disabled WHERE id = :id"),
        {"id": pipeline_id, "name": name, "disabled": is_disabled},
    )


def set_archived(conn: Connection, pipeline_id: int, *, is_archived: bool) -> None:
    """Write whether a pipeline is archived."""
    conn.execute(
        text("UPDATE crm.pipeline SET archived_at = CASE WHEN :gone THEN now() END WHERE id = :id"),
        {"id": pipeline_id, "gone": is_archived},
    )


def archive_stage(conn: Connection, stage_id: int) -> None:
    """Remove a stage from its pipeline, with its criteria; the history of deals keeps it."""
    for criterion in criteria(conn, [stage_id]):
        drop_criterion(conn, criterion.id)
    conn.execute(text("UPDATE crm.stage SET archived_at = now() WHERE id = :id"), {"id": stage_id})


def write_stage(conn: Connection, stage_id: int, *, name: str, likelihood: int) -> None:
    """Write a stage's name and likelihood."""
    conn.execute(
        text("UPDATE crm.stage SET name = :name, likelihood = :likelihood WHERE id = :id"),
        {"id": stage_id, "name": name, "likelihood": likelihood},
    )


def order_stages(conn: Connection, stage_ids: Sequence[int]) -> None:
    """Number the stages of a pipeline; the first active one is the incoming one."""
    conn.execute(
        text(
            "UPDATE crm.stage s SET position = n.position, category = CASE WHEN NOT s.is_active "
            "THEN s.category WHEN n.position = 1 THEN 'incoming' ELSE 'in_progress' END "
            "FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS n(id, position) "
            "WHERE n.id = s.id"
        ),
        {"ids": list(stage_ids)},
    )


@dataclass(frozen=True, slots=True)
class Criterion:
    """What must hold before a deal leaves a stage; `field` names a field, `check` is ticked."""

    id: int
    stage_id: int
    kind: str
    what: str
    severity: str


def criteria(conn: Connection, stage_ids: Sequence[int]) -> list[Criterion]:
    """Return the exit criteria of stages, in their order."""
    rows = conn.execute(
        text(
            "SELECT c.id, c.stage_id, c.kind, c.what, c.severity FROM crm.stage_criterion c "
            "JOIN crm.stage s ON s.id = c.stage_id WHERE c.stage_id = ANY(:ids) "
            "ORDER BY s.position, c.position, c.id"
        ),
        {"ids": list(stage_ids)},
    )
    return [Criterion(*row) for row in rows]


def set_criterion(conn: Connection, stage_id: int, kind: str, what: str, severity: str) -> int:
    """Add an exit criterion; of one that is there already the severity is set."""
    return int(
        conn.execute(
            text(
                "INSERT INTO crm.stage_criterion (stage_id, kind, what, severity, position) "
                "SELECT :stage, :kind, :what, :severity, coalesce(max(position), 0) + 1 "
                "FROM crm.stage_criterion WHERE stage_id = :stage "
                "ON CONFLICT (stage_id, kind, what) DO UPDATE SET severity = excluded.severity "
                "RETURNING id"
            ),
            {"stage": stage_id, "kind": kind, "what": what, "severity": severity},
        ).scalar_one()
    )


def rename_criteria(conn: Connection, field: str, into: str) -> None:
    """Replace the field of criteria with another field; one that asks for it already stays."""
    conn.execute(
        text(
            "DELETE FROM crm.stage_criterion c USING crm.stage_criterion o WHERE c.kind = 'field' "
            "AND c.what = :field AND o.stage_id = c.stage_id AND o.kind = 'field' AND o.what = :into"
        ),
        {"field": field, "into": into},
    )
    conn.execute(
        text("UPDATE crm.stage_criterion SET what = :into WHERE kind = 'field' AND what = :field"),
        {"field": field, "into": into},
    )


def drop_criterion(conn: Connection, criterion_id: int) -> None:
    """Take an exit criterion away, with the ticks it got."""
    deals.drop_ticks(conn, criterion_id)
    conn.execute(text("DELETE FROM crm.stage_criterion WHERE id = :id"), {"id": criterion_id})
