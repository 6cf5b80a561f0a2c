"""What one call on a migration did: read, rehearsed, applied."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.migration.applying import Applied
from hub.migration.fields import FieldPlan
from hub.migration.reading import Read
from hub.migration.rehearsal import Rehearsed
from hub.records.migrations import Migration


@dataclass(frozen=True, slots=True)
class Migrated:
    """The result of a call.

    Args:
        migration: as it is now.
        read: what was read, and what is missing.
        rehearsed: of a dry run, or if the plan was made again.
        applied: of a real run.
        is_replanned: whether the hub had changed since the plan was made.
        fields: what became of the custom fields of the plan; of a dry run what would.
    """

    migration: Migration
    read: Read | None = None
    rehearsed: Rehearsed | None = None
    applied: Applied | None = None
    is_replanned: bool = field(default=False)
    fields: Sequence[FieldPlan] = ()
