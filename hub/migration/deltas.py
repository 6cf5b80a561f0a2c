"""Where a delta begins: at the end of each stream in the last migration of its source that stands.

In: the migrations of a source that were loaded. Out: since when each stream must be read. Pure. Not here:
how a delta is read (`hub.migration.reading`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.errors import ActionError
from hub.records.migrations import Loaded, Migration


@dataclass(frozen=True, slots=True)
class Base:
    """What a delta is of.

    Args:
        batch: the migration of the whole source.
        ends: by stream, since when it must be read; a stream that was not read whole is left out.
    """

    batch: int
    ends: Mapping[str, datetime]


def base_of(found: Sequence[Loaded]) -> Base | None:
    """Return where the next delta of a source begins; None if no migration of it stands.

    A delta that was undone does not count, nor one that began where it ended: their spans are moved again.

    Args:
        found: the migrations of the source, oldest first.
    """
    standing = [one for one in found if not one.is_undone]
    whole = [one for one in standing if one.delta_of is None]
    if not whole:
        return None
    base = whole[-1]
    ends = {stream: until for stream, (_, until) in base.spans.items()}
    for one in standing:
        for stream, (since, until) in one.spans.items() if one.delta_of == base.batch else ():
            end = ends.get(stream)
            if since is None or (end is not None and since <= end):
                ends[stream] = max(until, end or until)
    return Base(base.batch, ends)


def check_kind(found: Migration, *, is_delta: bool) -> None:
    """Refuse to continue a migration under way by a call of the other kind.

    Raises:
        ActionError: a delta is under way and a whole migration is wanted, or the other way round.
    """
    if (found.delta_of is not None) == is_delta:
        return
    kind = "migration" if found.delta_of is None else "delta"
    option = "" if found.delta_of is None else " --delta"
    source, number = found.batch.source, found.batch.id
    raise ActionError(
        f"batch {number}, a {kind} of {source}, is {found.state}: it must end first",
        resource="batch",
        code="conflict",
        hint=f"hub migrate {source}{option} continues it; hub migrate --discard {number} forgets a plan",
    )


def without_base(source: str) -> ActionError:
    """Return the refusal of a delta of a source that was not migrated."""
    return ActionError(
        f"there is no migration of {source} whose changes a delta could move",
        resource="batch",
        code="conflict",
        hint=f"hub migrate {source} --dry-run begins one; hub batches lists those that were undone",
    )
