"""Ranges of a migration by name: `12-0001` is the range 0001 of batch 12, of one stream.

Dagster knows a range as a partition of this name, and nothing else of it. Not here: how a range is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.errors import ActionError
from hub.etl.context import Hub
from hub.migration.parts import Parts
from hub.migration.planning import of_batch
from hub.migration.reading import read_range
from hub.migration.scheduling import wait_for_quota
from hub.records import migrations
from hub.records.migrations import Migration, RangeState


@dataclass(frozen=True, slots=True)
class NamedRead:
    """A range that was to be read.

    Args:
        name: of its partition.
        batch: the number of the migration.
        state: of the range afterwards.
        seconds: that it took.
        waits_until: until when the migration waits for a used-up quota.
    """

    name: str
    batch: int
    state: RangeState
    seconds: float
    waits_until: datetime | None = None

    @property
    def missing_n(self) -> int:
        """Return how many objects the source counts and did not hand out."""
        return max((self.state.counted or 0) - self.state.read_n, 0)

    @property
    def sentence(self) -> str:
        """Return what is wrong with a range that is not proven, and what to do next."""
        one = self.state
        return (
            f"{one.stream} {self.name}: {one.reason or 'not read'}; "
            "next: materialize this partition again, the others are kept"
        )


def name_of(batch_id: int, key: str) -> str:
    """Return the name of a range."""
    return f"{batch_id}-{key}"


def batch_of(name: str) -> int | None:
    """Return the number of the migration that a range is of; None for another text."""
    number, _, _ = name.partition("-")
    return int(number) if number.isdecimal() else None


def read_named(hub: Hub, source: str, stream: str, names: Sequence[str]) -> Iterator[NamedRead]:
    """Read ranges one after the other; yield each when it is read; end at a used-up quota.

    A range that is proven already is yielded as it is.

    Args:
        hub: the hub.
        source: vendor name.
        stream: of the source.
        names: of the ranges.

    Raises:
        ActionError: there is no such range, or its migration is over.
        CredentialError: the vendor refuses the credentials.
    """
    parts = Parts(hub.connector(source))
    for name in names:
        found, wanted = _named(hub, stream, name)
        begun = hub.clock.now()
        done = wanted if wanted.state == "proven" else read_range(hub, parts, found, wanted)
        state = done or wanted
        until = wait_for_quota(hub, found) if state.state == "open" else None
        seconds = (hub.clock.now() - begun).total_seconds()
        yield NamedRead(name, found.batch.id, state, seconds, until)
        if until is not None:
            return


def _named(hub: Hub, stream: str, name: str) -> tuple[Migration, RangeState]:
    number, key = batch_of(name), name.partition("-")[2]
    if number is None:
        raise _unknown(stream, name)
    found = of_batch(hub, number)
    with hub.engine.begin() as conn:
        ranges = migrations.ranges(conn, found.batch.id)
    wanted = next((one for one in ranges if (one.stream, one.key) == (stream, key)), None)
    if wanted is None:
        raise _unknown(stream, name)
    if wanted.state != "proven" and found.state != "planned":
        raise ActionError(
            f"{stream} {name}: batch {number} is {found.state}, nothing more of it is read",
            resource="batch",
            code="conflict",
            hint=f"hub migrate {found.batch.source} begins a new migration",
        )
    return found, wanted


def _unknown(stream: str, name: str) -> ActionError:
    return ActionError(
        f"{stream} has no range {name}",
        resource="batch",
        code="not_found",
        hint="the job plan_migration plans a migration and names its ranges",
    )
